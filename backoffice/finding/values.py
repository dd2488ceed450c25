"""What rows have in common: providers, types, tags, hosts, references, models. Each leads to the
rows that have it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from connections.destinations import host_of
from connections.health.services import reference_index
from connections.models import Connection, Profile, seen
from connections.offers import offered_providers
from connections.references import is_reference
from connections.searching import with_texts
from connections.texts import folded, tag_key
from providers.core.base import Provider
from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from .hits import ELSEWHERE, EXACT, Group, Hit, best, rank
from .pages import may

MOST_LOOKED_AT = 200  # connections with a text in their settings, for its hosts


def providers(text: str, actor: Any) -> Group:
    """Services that a connection can be with. They lead to the form of a new one for those who may
    add it, else to the connections that there are.
    """
    found = {one: fits for one in offered_providers() if (fits := _fits(one, text)) is not None}
    used = _used([one.id for one in found])
    may_add = may(actor, "connection-create")
    hits = [
        Hit(
            one.name,
            reverse("connection-create", args=[one.id])
            if may_add
            else _listed("connection-list", provider=one.id),
            fits,
            why=_("Add a connection") if may_add else "",
            note=_connections(used.get(one.id, 0)),
            provider=one.id,
            sought=text,
        )
        for one, fits in found.items()
    ]
    return best(gettext_noop("Providers"), hits)


def types(text: str) -> Group:
    """Connection types, with their documents."""
    hits = [
        Hit(
            one.name,
            reverse("type-detail", args=[one.id]),
            fits,
            alias=one.id,
            provider=one.id,
            sought=text,
        )
        for one in offered_providers()
        if getattr(one, "manifest", None) and (fits := _fits(one, text)) is not None
    ]
    return best(gettext_noop("Connection types"), hits, everything=reverse("type-list"))


def tags(text: str) -> Group:
    """Tags of connections."""
    numbers, names = Counter[str](), dict[str, str]()
    lists = Connection.objects.order_by().values_list("tags").annotate(number=Count("*"))
    for tags, number in lists:
        for tag in tags:
            names.setdefault(tag_key(tag), tag)
            numbers[tag_key(tag)] += number
    hits = [
        Hit(
            tag,
            _listed("connection-list", tag=tag),
            fits,
            note=_connections(numbers[key]),
            icon="tag",
            sought=text,
        )
        for key, tag in names.items()
        if (fits := rank(text, tag)) is not None
    ]
    return best(gettext_noop("Tags"), hits)


def hosts(text: str) -> Group:
    """Hosts that connections name in their settings; of the first of very many connections."""
    wanted, found = folded(text), dict[str, int]()
    if " " in wanted:
        return Group(gettext_noop("Hosts"))
    fields = {one.id: settings_fields(one) for one in all_providers()}
    rows = with_texts(Connection.objects.order_by()).filter(settings_text__icontains=wanted)
    for provider_id, settings in rows.values_list("provider_id", "settings")[:MOST_LOOKED_AT]:
        for host in _hosts(fields.get(provider_id, {}), settings):
            fits = rank(text, host, host.partition(":")[0])
            if fits is not None and fits < ELSEWHERE:
                found[host] = fits
    hits = [
        Hit(host, _listed("connection-list", q=host), fits, icon="globe-alt", sought=text)
        for host, fits in found.items()
    ]
    return best(gettext_noop("Hosts"), hits)


def references(text: str) -> Group:
    """References that connections use, with or without their `$`."""
    users: dict[str, set[Any]] = {}
    written: dict[str, str] = {}
    seen_pks = (
        set(Connection.objects.order_by().values_list("pk", flat=True))
        if seen("connection")
        else None
    )
    for (_id, _name, reference), keys in reference_index().users.items():
        key = written.setdefault(reference.lower(), reference)
        users.setdefault(key, set()).update(keys)
    hits = [
        Hit(
            reference,
            _listed("connection-list", q=reference),
            fits,
            note=_connections(len(own)),
            icon="currency-dollar",
            sought=text,
        )
        for reference, every in users.items()
        if (fits := rank(text, reference, reference[1:])) is not None and fits < ELSEWHERE
        if (own := every if seen_pks is None else every & seen_pks)
    ]
    return best(gettext_noop("References"), hits, everything=reverse("reference-list"))


def models(text: str) -> Group:
    """Models of profiles."""
    rows = Profile.objects.filter(model__icontains=text).order_by().values_list("model")
    hits = [
        Hit(
            model,
            _listed("profile-list", q=model),
            rank(text, model) or EXACT,
            note=_profiles(number),
            icon="cpu-chip",
            sought=text,
        )
        for model, number in rows.annotate(number=Count("*"))
    ]
    return best(gettext_noop("Models"), hits)


def _fits(provider: type[Provider[Any]], text: str) -> int | None:
    fits = rank(text, provider.name, provider.id)
    return None if fits == ELSEWHERE and len(text.split()) < 2 else fits


def _used(provider_ids: list[str]) -> dict[str, int]:
    if not provider_ids:
        return {}
    rows = Connection.objects.filter(provider_id__in=provider_ids).order_by()
    return dict(rows.values_list("provider_id").annotate(number=Count("*")))


def _hosts(fields: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    for name, field in fields.items():
        value = settings.get(name)
        if field.address and isinstance(value, str) and value and not is_reference(value):
            yield urlsplit(host_of(value)).netloc


def _connections(number: int) -> str:
    text = ngettext("%(n)s connection", "%(n)s connections", number)
    return text % {"n": f"{number:,}"} if number else ""


def _profiles(number: int) -> str:
    text = ngettext("%(n)s profile", "%(n)s profiles", number)
    return text % {"n": f"{number:,}"} if number else ""


def _listed(name: str, **query: str) -> str:
    return f"{reverse(name)}?{urlencode(query)}"
