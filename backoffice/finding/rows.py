"""Connections and profiles: those whose name or alias a text fits best come first."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections import listing
from connections.lookup import id_or_alias_q
from connections.models import Connection, Profile, by_name
from connections.searching import has_words, in_name, is_called
from connections.texts import folded
from gateway.models import UsageRecord
from gateway.usage.sight import seen_records
from providers.core.registry import UnknownProvider, get_provider

from .hits import AT_MOST, COUNTED, ELSEWHERE, EXACT, PART, PREFIX, WORD, Group, Hit


def connections(text: str, everywhere: bool = True) -> Group:
    """Those that have all words of a text anywhere in them, as their list finds them; without
    `everywhere` only those that are called like it.
    """
    columns = ("provider_id", "tags", "settings")
    found, total = _best(listing.connections({}), text, columns, everywhere)
    hits = [
        Hit(
            row["name"],
            reverse("connection-detail", args=[row["pk"]]),
            row["fits"],
            alias=row["alias"],
            why=_reason(row, text) if row["fits"] == ELSEWHERE else "",
            note="" if row["is_active"] else _("inactive"),
            provider=row["provider_id"],
            sought=text,
        )
        for row in found
    ]
    return Group(gettext_noop("Connections"), hits, total, _listed("connection-list", text))


def profiles(text: str, everywhere: bool = True) -> Group:
    """Those that have all words of a text anywhere in them, as their list finds them; without
    `everywhere` only those that are called like it.
    """
    columns = ("model", "connection__provider_id")
    found, total = _best(listing.profiles({}), text, columns, everywhere)
    hits = [
        Hit(
            row["name"],
            reverse("profile-detail", args=[row["pk"]]),
            row["fits"],
            alias=row["alias"],
            why=row["model"],
            note="" if row["is_active"] else _("inactive"),
            provider=row["connection__provider_id"],
            sought=text,
        )
        for row in found
    ]
    return Group(gettext_noop("Profiles"), hits, total, _listed("profile-list", text))


def called(model: type[Connection] | type[Profile], text: str, most: int) -> list[Any]:
    """The connections or profiles with a text in their name or alias, the best first; by name for
    an empty text.
    """
    rows: QuerySet[Any] = (
        Connection.objects.listed() if model is Connection else Profile.objects.all()
    )
    if not text:
        return list(rows.order_by(*by_name())[:most])
    fits = _fits(text)
    return list(rows.filter(is_called(model, text)).alias(fits=fits).order_by("fits")[:most])


def requests(text: str) -> Group:
    """The request of the gateway with this key, if the text is one, else those with this id."""
    keys = seen_records(UsageRecord.objects.exclude(key=None))
    try:
        found = keys.filter(key=UUID(text))
    except ValueError:
        found = keys.filter(request_id=text)
    hits = [
        Hit(
            row["request_id"] or str(row["key"]),
            reverse("usage-record", args=[row["key"]]),
            EXACT,
            why=row["profile_alias"],
            icon="chart-bar",
        )
        for row in found.values("key", "request_id", "profile_alias")[:AT_MOST]
    ]
    return Group(gettext_noop("Requests"), hits, len(hits))


def _fits(text: str) -> Case:
    key, alias = folded(text), "-".join(folded(text).split())
    begins = Q(alias__startswith=alias) | in_name(text, how="startswith")
    begins_a_word = Q(alias__contains=f"-{alias}") | Q(name_key__contains=f" {key}")
    return Case(
        When(id_or_alias_q(alias) | Q(name_key=key), then=EXACT),
        When(begins, then=PREFIX),
        When(begins_a_word, then=WORD),
        When(Q(alias__contains=alias) | in_name(text), then=PART),
        default=Value(ELSEWHERE),
        output_field=IntegerField(),
    )


def _best(
    rows: QuerySet[Any], text: str, columns: tuple[str, ...], everywhere: bool
) -> tuple[list[dict[str, Any]], int]:
    """The first of the rows that have all words of a text, the best before others, and how many
    there are, at most COUNTED and one more.

    First those that are called like this: few are compared then. The others are looked for, and
    counted, only where there is room for them. Whatever is looked through is looked through once.
    """
    model, most = rows.model, COUNTED + 1
    wanted = ("pk", "name", "alias", "is_active", "fits", *columns)
    named = model._default_manager.filter(is_called(model, text)).annotate(fits=_fits(text))
    found = list(named.order_by("fits", *by_name()).values(*wanted)[:most])
    if everywhere and len(found) < AT_MOST:
        others = rows.filter(has_words(model, text, beside_names=True))
        others = others.exclude(pk__in=[row["pk"] for row in found])
        others = others.annotate(fits=Value(ELSEWHERE))
        found += others.values(*wanted)[: most - len(found)]
    return found[:AT_MOST], len(found)


def _listed(name: str, text: str) -> str:
    return f"{reverse(name)}?{urlencode({'q': text})}"


def _reason(row: Mapping[str, Any], text: str) -> str:
    """What of a connection has the first word that its name has not."""
    called = f"{folded(row['name'])} {row['alias']}"
    words = [one for one in text.split() if folded(one) not in called]
    for word in map(folded, words):
        if tag := next((one for one in row["tags"] if word in folded(one)), ""):
            return _("tag %(tag)s") % {"tag": tag}
        try:
            name = get_provider(row["provider_id"]).name
        except UnknownProvider:
            name = row["provider_id"]
        if word in folded(name) or word in row["provider_id"]:
            return name
        if value := next((one for one in _texts(row["settings"]) if word in folded(one)), ""):
            return value[:80]
        return _("a model of its profiles")
    return ""


def _texts(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if "." in name:  # what a room keeps there
            continue
        yield from map(str, value.values() if isinstance(value, dict) else [value])
