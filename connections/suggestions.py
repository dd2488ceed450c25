"""Names to suggest in forms: of references, never with a value."""

from typing import Any

from providers.core.base import Provider
from providers.core.schema import settings_fields

from . import conf
from .kept import settings_alone
from .models import Connection
from .references import references_in, section_of
from .section_teams import asker_of, hidden_sections

LOOKED_AT, MOST = 300, 100  # connections, names


def reference_names(provider: type[Provider[Any]], row: Connection | None) -> dict[bool, list[str]]:
    """References to suggest in the settings of a provider: those that a secret setting may name
    (True), and those that a setting shown in clear may (False).

    They are named by the provider, by the connections changed last, or by a source that lists its
    names without being asked over a network. A setting may name each of them; whether there is a
    value is not looked up. `row`: the connection that is edited, None for a new one. Of sections of
    teams those of whoever looks are named, as far as the connection may use them.
    """
    resolver = conf.resolver()
    fields = settings_fields(provider).values()
    own = [one.example for one in fields if not one.is_map]
    own += [f"$Env:{one.environment}" for one in fields if one.environment]
    rows = Connection.objects.order_by("-date_modified").values_list("settings", flat=True)
    used = [
        name
        for settings in rows[:LOOKED_AT]
        for *_, name in references_in(settings_alone(settings))
    ]
    asker, hidden = asker_of(row.team_id) if row else None, hidden_sections()
    names = {
        one.lower(): one
        for one in reversed([*own, *resolver.names(), *used])
        if section_of(one) not in hidden and (asker is None or asker.may_use(section_of(one)))
    }
    ordered = sorted(
        names.values(),
        key=lambda one: (not one.lower().startswith(f"${provider.section.lower()}:"), one.lower()),
    )
    return {
        secret: [one for one in ordered if resolver.may_name(one, secret)][:MOST]
        for secret in (True, False)
    }
