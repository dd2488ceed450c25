"""The read side: choices, dashboards, references. Defers credentials, writes nothing."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

from providers.core.base import Capability
from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from . import conf
from .listing import connections, of_capability
from .lookup import get_by_name
from .models import Connection, ConnectionCheck, Fallback, Profile, by_name
from .profile_fields import REQUEST, ProfileField, on_one_line
from .profile_settings import profile_fields
from .references import Resolution, State, is_reference, place, references_in
from .secret_texts import placeholder
from .section_teams import remembering
from .sources import Outage
from .unseen import fallbacks_seen, hide_unseen


@dataclass
class ReferenceUse:
    """One reference, what it stands for, and who uses it: (connection id, name, alias, setting).

    `is_placeholder`: it stands for a text such as `sk-...`, where a key should be.
    """

    resolution: Resolution
    is_placeholder: bool = False
    uses: list[tuple[uuid.UUID, str, str, str]] = field(default_factory=list)


def reference_uses() -> list[ReferenceUse]:
    """Every reference of every connection, the broken ones first; one of a section of teams twice,
    where others name it too.

    Reads settings only; nothing is decrypted.
    """
    secret = {
        provider.id: {
            name: one.free or one.is_map
            for name, one in settings_fields(provider).items()
            if one.secret
        }
        for provider in all_providers()
    }
    found: dict[tuple[str, bool, bool], ReferenceUse] = {}
    resolve = remembering()
    rows = Connection.objects.order_by(*by_name()).values_list(
        "id", "name", "alias", "team", "provider_id", "settings"
    )
    for pk, name, alias, team, provider_id, settings in rows.iterator():
        for setting, entry, reference in references_in(settings):
            is_secret = setting in secret.get(provider_id, ())
            resolution = resolve(reference, is_secret, team)
            key = (reference.lower(), is_secret, resolution.is_of_teams)
            if key not in found:
                found[key] = ReferenceUse(resolution)
            if is_secret and resolution.value:
                free = secret[provider_id][setting]
                found[key].is_placeholder |= bool(placeholder(resolution.value, True, free))
            found[key].uses.append((pk, name, alias, place(setting, entry)))
    return sorted(
        found.values(),
        key=lambda use: (use.resolution.state == State.RESOLVED, use.resolution.reference.lower()),
    )


def store_outages() -> list[Outage]:
    """The secret stores that do not answer, as this worker knows; one that was not asked lately is
    asked whether it is there.
    """
    stores = conf.resolver().stores
    for store in stores:
        store.look()
    return [outage for store in stores if (outage := store.outage)]


def connection_choices(capability: str, limit: int = 200) -> QuerySet[Connection]:
    """The connections whose provider has a capability, to offer in a list of choices, by name."""
    return of_capability(Connection.objects.listed(), capability).order_by(*by_name())[:limit]


def example_model(connection: Connection, capability: Capability) -> str:
    """A model of the service for chats; empty where only the owner of its address knows."""
    provider = connection.provider
    if provider is None or capability is not Capability.CHAT:
        return ""
    is_own = any(one.address and one.required for one in settings_fields(provider).values())
    return "" if is_own else next(iter(provider.model_examples), "")


@dataclass(frozen=True)
class FoundConnections:
    """The first connections that a text finds, how many there are, and the one that it names."""

    text: str
    rows: list[Connection]
    number: int
    chosen: Connection | None = None


def find_connections(capability: str, text: str, limit: int = 20) -> FoundConnections:
    """The connections of a capability whose name, alias or id a text is in, by name; without a
    text, the first of all.
    """
    rows = connections({"capability": capability, "called": text})
    chosen = get_by_name(Connection.objects.listed(), text) if text else None
    return FoundConnections(text, list(rows[:limit]), rows.count(), chosen)


def connection_names(
    provider_ids: Collection[str], limit: int = 500
) -> dict[str, list[tuple[str, str]]]:
    """The aliases and names of the connections of these providers, by provider and name."""
    rows = Connection.objects.filter(provider_id__in=provider_ids).order_by(*by_name())
    found: dict[str, list[tuple[str, str]]] = {}
    for provider_id, alias, name in rows.values_list("provider_id", "alias", "name")[:limit]:
        found.setdefault(provider_id, []).append((alias, name))
    return found


def move_targets(source: Connection, limit: int = 200) -> list[Connection]:
    """Other connections whose provider can serve every profile of this one; the same provider
    first, then by name.
    """
    needed = set(source.profiles.values_list("capability", flat=True).distinct())
    able = [
        provider.id
        for provider in all_providers()
        if needed <= {str(one) for one in provider.capabilities}
    ]
    rows = (
        Connection.objects.listed()
        .filter(provider_id__in=able, is_active=True)
        .exclude(pk=source.pk)
        .order_by(*by_name())
    )
    same = list(rows.filter(provider_id=source.provider_id)[:limit])
    return same + list(rows.exclude(provider_id=source.provider_id)[: limit - len(same)])


@dataclass(frozen=True)
class ShownSetting:
    """One setting as the detail page shows it.

    `origin`: reference, stored (masked), typed or default.
    """

    label: str
    value: Any
    origin: str


def shown_settings(connection: Connection, public: Mapping[str, Any]) -> list[ShownSetting]:
    """Every setting with its value or mask, and every entry of a map; `public` is what
    display.public_settings gave.

    Also for a provider that is gone.
    """
    provider = connection.provider
    if provider is None:
        return [one for name, value in public.items() for one in _flattened(name, value, "typed")]
    found = []
    for name, one in settings_fields(provider).items():
        if public.get(name) is not None:
            found += _flattened(_(one.label), public[name], "stored" if one.secret else "typed")
        elif one.default is not None:
            found.append(ShownSetting(_(one.label), _whole(one.default), "default"))
    return found


def _whole(value: Any) -> Any:
    """60 for 60.0: so it stands in the form, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flattened(label: str, value: Any, origin: str) -> list[ShownSetting]:
    if isinstance(value, dict):
        return [
            one
            for key, inner in value.items()
            for one in _flattened(f"{label}: {key}", inner, origin)
        ]
    return [ShownSetting(label, _whole(value), "reference" if is_reference(value) else origin)]


def stored_secrets(connection: Connection, public: Mapping[str, Any]) -> list[str]:
    """The names of the settings, `name` or `name.key`, whose secret is stored here; `public` as in
    shown_settings. A reference is none.
    """
    fields = settings_fields(connection.provider) if connection.provider else {}
    secret = {
        name: value
        for name, value in public.items()
        if value is not None and name in fields and fields[name].secret
    }
    entries = [
        (f"{name}.{key}", inner)
        for name, value in secret.items()
        if isinstance(value, dict)
        for key, inner in value.items()
    ]
    plain = [(name, value) for name, value in secret.items() if not isinstance(value, dict)]
    return [name for name, value in (*plain, *entries) if not is_reference(value)]


def shown_profile_settings(profile: Profile, group: str = REQUEST) -> list[ShownSetting]:
    """A profile's settings of one group with their labels.

    Those that are not set are left out, unless that means something.
    """
    fields = [one for one in profile_fields(profile.capability).values() if one.group == group]
    shown = [(one, _readable(one, profile.settings.get(one.name))) for one in fields]
    return [
        ShownSetting(_(one.label), text, "typed" if one.name in profile.settings else "default")
        for one, text in shown
        if text
    ]


def _readable(field: ProfileField, value: Any) -> str:
    if value is None:
        return field.unset
    if field.kind == "boolean":
        return _("Yes") if value else ""
    if field.kind == "choices":
        return ", ".join(map(_, field.labels(value))) or _("nothing")
    return "\n".join(on_one_line(text) for text in value) if field.kind == "texts" else str(value)


def fallback_choices(
    capability: str, profile: Profile | None = None, limit: int = 200
) -> list[Profile]:
    """The profiles that could stand in for one of this capability, by name, with their
    connection.
    """
    rows = (
        Profile.objects.select_related("connection")
        .defer("connection__credentials")
        .filter(capability=capability)
    )
    found = list((rows.exclude(pk=profile.pk) if profile else rows).order_by(*by_name())[:limit])
    hide_unseen(found)
    return found


def fallback_chain(profile: Profile) -> list[Profile]:
    """The profiles that answer when this one cannot, in order, with their connections, as far as
    whoever looks may see them.
    """
    steps = (
        Fallback.objects.select_related("fallback__connection__last_check")
        .defer("fallback__connection__credentials")
        .prefetch_related("fallback__connection__traffic")
    )
    prefetch_related_objects([profile], Prefetch("fallback_steps", steps))
    found = fallbacks_seen([profile])[profile.pk]
    hide_unseen(found)
    return found


@dataclass(frozen=True)
class Dashboard:
    """The numbers of the first page, and the last tests."""

    connections: int
    active: int
    profiles: int
    recent: list[ConnectionCheck]


def dashboard(limit: int = 10) -> Dashboard:
    """The numbers and rows of the dashboard; lists are cut at `limit`."""
    return Dashboard(
        connections=Connection.objects.count(),
        active=Connection.objects.filter(is_active=True).count(),
        profiles=Profile.objects.count(),
        recent=list(
            ConnectionCheck.objects.filter(is_scheduled=False)
            .select_related("connection", "checked_by")
            .defer("connection__credentials")[:limit]
        ),
    )
