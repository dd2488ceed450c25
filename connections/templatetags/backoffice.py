"""Tags of the templates: badges, notes and the small chart of checks."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from providers.core.base import Provider
from providers.core.registry import all_providers
from providers.core.version import version

from ..charts import DURATION, Chart, Series, bar_chart
from ..health.services import health as connection_health
from ..health.services import model_health, traffic_of
from ..health.services import profile_health as health_of_profile
from ..models import Connection, ConnectionCheck, Profile
from ..models.traffic import FAILED
from ..outlooks import end_in_words
from ..outlooks import key_end as end_of_key
from ..provenance import provenance as provenance_of
from ..references import Resolution
from ..wording import outcome_in_words

register = template.Library()


@register.filter
def said(outcome: Any) -> str:
    """What was said at the end of a test or a call, in the language of the page."""
    return outcome_in_words(outcome.code, outcome.message, getattr(outcome, "model_count", None))


@register.simple_tag
def product_version() -> str:
    """The version of Switchboard."""
    return version()


@register.inclusion_tag("elements/health.html")
def health(connection: Connection) -> dict[str, Any]:
    """The badge of a connection."""
    return {"health": connection_health(connection)}


@register.inclusion_tag("elements/health.html")
def profile_health(profile: Profile) -> dict[str, Any]:
    """The badge of a profile: its model, its connection and its fallbacks."""
    return {"health": health_of_profile(profile)}


@register.inclusion_tag("elements/health.html")
def target_health(profile: Profile) -> dict[str, Any]:
    """The badge of a profile's own model on its connection, its fallbacks left aside."""
    return {"health": model_health(profile.connection, profile.model)}


@register.inclusion_tag("elements/health_reason.html")
def profile_health_reason(profile: Profile) -> dict[str, Any]:
    """The sentence behind the badge of a profile, where it is not well."""
    return {"health": health_of_profile(profile)}


@register.inclusion_tag("elements/health_reason.html")
def health_reason(connection: Connection) -> dict[str, Any]:
    """The sentence behind the badge of a connection, where it is not well."""
    return {"health": connection_health(connection)}


@register.inclusion_tag("connections/_key_end.html")
def key_end(connection: Connection) -> dict[str, Any]:
    """When the key of a connection ends, and who says so."""
    return {"end": end_of_key(connection), "now": timezone.now()}


@register.filter
def named(name: str, words: str) -> str:
    """Words with a name in the place of `{name}`. In rows of a list: a blocktranslate for each of
    their labels makes the page half as long again in the making.
    """
    return str(words).replace("{name}", name)


@register.filter
def key_end_words(connection: Connection) -> str:
    """`Key ends in 5 days`, for a badge in a row; empty where its key does not end soon."""
    return end_in_words(end_of_key(connection))


@register.filter
def is_refused(connection: Connection) -> bool:
    """True if its service does not accept its secrets."""
    return connection_health(connection).code == "unauthorized"


@register.filter
def provenance(resolution: Resolution) -> str:
    """Where the value of a reference came from, and whether a new one needs a restart."""
    return provenance_of(resolution)


@register.inclusion_tag("connections/_traffic.html")
def traffic(connection: Connection) -> dict[str, Any]:
    """The gateway's last calls of each model of a connection; nothing where there were none."""
    return {
        "models": [
            {
                "row": row,
                "health": model_health(connection, row.model),
                "failed": row.recent.count(FAILED),
                "calls": len(row.recent),
            }
            for row in traffic_of(connection)
        ]
    }


@register.simple_tag
def check_chart(checks: Sequence[ConnectionCheck]) -> Chart:
    """The last checks, oldest first: how long each took, and which failed."""
    checks = list(reversed(checks))
    passed = [one.latency_ms if one.success else None for one in checks]
    failed = [None if one.success else one.latency_ms for one in checks]
    return bar_chart(
        [timezone.localtime(one.checked_at) for one in checks],
        [Series("ok", _("works"), passed), Series("failed", _("fails"), failed)],
        DURATION,
        height=96,
        failed=["" if one.success else one.code for one in checks],
    )


@register.inclusion_tag("elements/deprecated.html")
def deprecated(provider: type[Provider[Any]] | None, short: bool = False) -> dict[str, Any]:
    """The note that a type is deprecated, and the type that replaces it; nothing for other types.

    `short`: only a badge.
    """
    found = getattr(getattr(provider, "manifest", None), "deprecated", None)
    other = (
        next((one for one in all_providers() if one.id == found.replaced_by), None)
        if found
        else None
    )
    return {"deprecated": found, "replacement": other, "short": short}


@register.inclusion_tag("elements/check_cost.html")
def check_cost(provider: type[Provider[Any]] | None) -> dict[str, Any]:
    """The cost of a test that is not free."""
    return {"cost": provider.check_cost if provider else "free"}
