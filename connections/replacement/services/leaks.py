"""A key that is known to others: whose it is, and what is done about it."""

import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Outcome, act, record
from connections.counts import add_to_count
from connections.errors import FieldError, Invalid, Throttled, Unusable
from connections.fingerprints import digests, texts_in
from connections.health.services import named_references
from connections.locks import retried
from connections.models import ApiToken, Connection, KeyReplacement, RevealToken, seen
from connections.runtime import get_configured_provider
from connections.services import Actor, may, require, set_active
from connections.standing import MANAGES, teams_of_viewer
from connections.viewing import current_viewer, viewing
from providers.core.errors import ProviderError
from providers.core.values import CHECK_LIMITS

from .ending import CHANGE
from .fingerprints import matches, refresh_fingerprints, same_key
from .replacing import note_reason

TOGGLE = "connections.toggle_connection"
LEAKED = "Switched off: its key is known to others."
SEARCHES = 30  # of one person within a minute
LONGEST = 20_000  # characters


@dataclass(frozen=True)
class Place:
    """A place where a key was found. `what`: for people; `row`: the connection, None for a token or
    for a connection that is gone; `team`: of these.
    """

    what: str
    row: Connection | None = None
    team: UUID | None = None


@dataclass(frozen=True)
class Leak:
    """What was done about a leaked key. `revoked`: what the service said, empty where it was not
    asked; `failed`: why it could not revoke it; `by_hand`: the page where people do it, empty where
    it was done or nobody says. `others`: connections with the same key.
    """

    revoked: str = ""
    failed: str = ""
    by_hand: str = ""
    others: list[Connection] = field(default_factory=list)


@act("leaked_key.search")
@sensitive_variables()
def find_key(secret: str, *, actor: Actor) -> list[Place]:
    """Every place where this key is: connections, previous slots, kept versions, references, tokens
    of our own. Nothing of it is stored or logged. Places of other teams are told as a number, to
    administrators alone.

    Raises Invalid for an empty text, Throttled, PermissionDenied.
    """
    require(actor, CHANGE)
    secret = secret.strip()
    if not secret or len(secret) > LONGEST:
        raise Invalid([FieldError("key", "required", _("Enter the key that leaked."))])
    _count(actor)
    refresh_fingerprints()
    with viewing(None):
        found = [*_stored(secret), *_slots(secret), *_references(secret), *_tokens(secret)]
    places = _told(found, actor)
    record(actor=actor, detail={"places": len(places)})
    return places


def _told(found: Sequence[Place], actor: Actor) -> list[Place]:
    """Those of the places that the one who looks may see, and how many there are besides, for
    whoever administers anything.
    """
    if not seen("connection"):
        return list(found)
    named = {one.row.pk for one in found if one.row}
    rows = set(Connection.objects.filter(pk__in=named).values_list("pk", flat=True))
    teams = teams_of_viewer(current_viewer())
    mine = [
        one
        for one in found
        if (one.row.pk in rows if one.row else one.team is None or one.team in teams)
    ]
    others = len(found) - len(mine)
    if others and may(actor, MANAGES):
        text = ngettext(
            "in %(number)d place of another team; ask an administrator of all teams",
            "in %(number)d places of other teams; ask an administrator of all teams",
            others,
        )
        mine.append(Place(text % {"number": others}))
    return mine


@sensitive_variables("wanted")
def _stored(secret: str) -> list[Place]:
    now, before = matches(digests(secret))
    rows = Connection.objects.listed().in_bulk([*now, *before])
    found = [
        Place(_("in use as %(settings)s") % {"settings": ", ".join(now[pk])}, rows.get(pk))
        for pk in now
    ]
    history: Any = Connection.history
    gone = history.filter(id__in=before - rows.keys(), history_type="-").order_by("history_id")
    teams = dict(gone.values_list("id", "team"))
    past = (_("in a version of a deleted connection"), _("in a version of before"))
    return found + [Place(past[pk in rows], rows.get(pk), teams.get(pk)) for pk in sorted(before)]


def _count(actor: Actor) -> None:
    minute, left = divmod(int(time.time()), 60)
    if actor is not None and add_to_count(f"leaks:{actor.pk}:{minute}", 1, 120) > SEARCHES:
        text = ngettext(
            "Too many searches. Try again in %(seconds)d second.",
            "Too many searches. Try again in %(seconds)d seconds.",
            60 - left,
        )
        raise Throttled(text % {"seconds": 60 - left}, 60 - left)


@sensitive_variables()
def _slots(secret: str) -> list[Place]:
    rows = KeyReplacement.objects.filter(credentials__isnull=False)
    found = []
    for one in rows:
        slot = one.credentials or {}
        held = {**slot.get("next", {}), **slot.get("credentials", {})}
        if sum(_is_same(text, secret) for _place, text in texts_in(held)):
            row = Connection.objects.listed().filter(pk=one.connection_id).first()
            what = _("the next key of a replacement") if one.is_open else _("a key that is kept")
            found.append(Place(what, row))
    return found


@sensitive_variables()
def _references(secret: str) -> list[Place]:
    found = []
    for one in named_references():
        value = one.resolution.value
        if value is not None and _is_same(value, secret):
            rows = Connection.objects.listed().filter(pk__in=one.connection_ids)
            what = _("behind %(reference)s") % {"reference": one.resolution.reference}
            found += [Place(what, row) for row in rows] or [Place(what)]
    return found


@sensitive_variables()
def _tokens(secret: str) -> list[Place]:
    digest, found = sha256(secret.encode(errors="replace")).hexdigest(), []
    kinds: list[tuple[Any, str]] = [
        (ApiToken, _("the token %(name)s (%(prefix)s…)")),
        (RevealToken, _("the token of flows %(name)s (%(prefix)s…)")),
    ]
    for model, text in kinds:
        columns = ("name", "prefix", "digest", "team")
        for name, prefix, one, team in model.objects.values_list(*columns):
            if hmac.compare_digest(one, digest):
                found.append(Place(text % {"name": name, "prefix": prefix}, team=team))
    return found


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def can_revoke(connection: Connection) -> bool:
    """True if the service lets a key end itself."""
    provider = connection.provider
    return provider is not None and provider.can_revoke(connection.settings)


def keys_page(connection: Connection) -> str:
    """The page on which people end keys of its service, else the service's documents; empty where
    nobody says.
    """
    provider = connection.provider
    return (provider.keys_url or provider.docs_url) if provider else ""


@act("leak.report")
def report_leak(connection: Connection, *, actor: Actor, revoke: bool) -> Leak:
    """Switches a connection off whose key is known to others, ends the key at its service where
    that can and `revoke` says so, and finds the connections with the same key.

    Raises PermissionDenied.
    """
    require(actor, CHANGE, TOGGLE, on=connection)
    _switch_off(connection, actor)
    revoked, failed = _revoked(connection, actor) if revoke and can_revoke(connection) else ("", "")
    by_hand = "" if revoked else keys_page(connection)
    return Leak(revoked, failed, by_hand, same_key(Connection.objects.get(pk=connection.pk)))


@retried
def _switch_off(connection: Connection, actor: Actor) -> None:
    with transaction.atomic():
        saved = set_active(connection, False, actor=actor)
        if saved.changed:
            note_reason(saved.row, LEAKED)
        record(connection, actor=actor)


@sensitive_variables("provider")
def _revoked(connection: Connection, actor: Actor) -> tuple[str, str]:
    """Ends the key at its service, which is an act of its own: it may fail, and take long."""
    said, failed, code = "", "", ""
    try:
        provider = get_configured_provider(connection, limits=CHECK_LIMITS, even_inactive=True)
        said = provider.revoke()
    except (ProviderError, Unusable) as error:
        failed, code = error.message, error.code
    outcome = Outcome.FAILED if code else Outcome.DONE
    record(connection, actor=actor, action="leak.revoke", outcome=outcome, code=code)
    return said, failed
