"""Reading secrets with a reveal token: judging it, the answer, and a record of each attempt."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Origin, Outcome, coming_from, record
from connections.client_ip import is_within
from connections.counts import add_to_count
from connections.destinations import refuse_unapproved_flows
from connections.former_aliases import note_asked
from connections.health.services import note_use
from connections.lookup import parse_id
from connections.models import Connection, FormerAlias, RevealRecord, RevealToken
from connections.services import FieldError, Invalid, Throttled, Unusable, may

from .reveal_tokens import MAY_REVEAL, digest
from .values import execution_dict

MOST_A_MINUTE = 600  # reads of one token
REFUSALS_A_MINUTE = (
    60  # that are written down, all callers together, so that nobody fills the database by guessing
)
USED_EVERY = 60  # seconds between two notes of "last used"


class NotRevealed(Exception):
    """The token is unknown, ended, or used from elsewhere.

    The record says which of these; the caller never learns it.
    """


@dataclass(frozen=True)
class Revealed:
    """The answer to a request for all connections.

    `connections`: execution dicts, in clear. `left_out`: alias -> code of the reason.
    """

    connections: list[dict[str, Any]] = field(repr=False)
    left_out: dict[str, str]


@dataclass(frozen=True)
class _Attempt:
    """One request, until it is written down."""

    token: RevealToken | None
    address: str
    asked: str = ""

    def record(
        self,
        outcome: str,
        rows: Sequence[Connection] = (),
        left_out: int = 0,
        is_known: bool = True,
    ) -> None:
        """Writes it down, and what it was as an event. `rows`: whose secrets were read.

        `is_known`: the token counts, so the person who answers for it is the actor.
        """
        token, actor = self.token, None
        if token and is_known:
            actor = token.user
            actor.token = token  # type: ignore[attr-defined]
        where = Origin("api", {"REMOTE_ADDR": self.address})
        with coming_from(where), transaction.atomic():
            RevealRecord.objects.create(
                token=token,
                token_name=token.name if token else "",
                address=self.address,
                asked=self.asked,
                connections=[row.alias for row in rows],
                outcome=outcome,
            )
            is_read = outcome == "read"
            record(
                rows[0] if rows else token,
                actor=actor,
                action="secret.read",
                others=rows[1:],
                detail={"left_out": left_out} if left_out else None,
                outcome=Outcome.DONE if is_read else Outcome.REFUSED,
                code="" if is_read else outcome,
            )


@sensitive_variables()
def reveal_connections(text: str, *, address: str) -> Revealed:
    """Every usable connection that the token with this text may read.

    Raises NotRevealed, Throttled.
    """
    attempt, rows = _begin(text, address)
    dicts, read, left_out = [], list[Connection](), {}
    names = [row.name for row in rows] + [row.alias for row in rows if row.alias != row.name]
    former = _former_aliases(rows)
    names += [alias for alias, row in former.items() if alias != row.name]
    for row in rows:
        try:
            refuse_unapproved_flows(row)
            dicts.append(execution_dict(row, row.name if names.count(row.name) == 1 else row.alias))
            read.append(row)
        except Unusable as error:
            left_out[row.alias] = error.code
    attempt.record("read", read, len(left_out))
    note_use(row.pk for row in read)
    return Revealed(dicts, left_out)


@sensitive_variables()
def reveal_connection(text: str, names: Sequence[str], *, address: str) -> dict[str, Any]:
    """The execution dict of the connection that has one of these names, the first that fits: an
    alias or id, else a former alias, else exactly a name.

    It has the name that was asked for. Only those that the token may read are looked at. Raises
    NotRevealed, Throttled, Connection.DoesNotExist, Unusable, and Invalid when several have the
    name.
    """
    attempt, rows = _begin(text, address, names[0])
    try:
        row, name = _first_named(rows, names)
        if attempt.token:
            note_asked(row, name, f"promptflow token {attempt.token.name}")
        refuse_unapproved_flows(row)
        found = execution_dict(row, name)
    except Connection.DoesNotExist:
        attempt.record("not_found")
        raise
    except Invalid:
        attempt.record("ambiguous")
        raise
    except Unusable as error:
        attempt.record(error.code)
        raise
    attempt.record("read", [row])
    note_use([row.pk])
    return found


def _former_aliases(rows: Sequence[Connection]) -> dict[str, Connection]:
    """The rows by the former aliases that find them. One query."""
    by_id = {row.pk: row for row in rows}
    return {
        one.alias: by_id[one.row_id] for one in FormerAlias.objects.filter(connection__in=by_id)
    }


def _first_named(rows: Sequence[Connection], names: Sequence[str]) -> tuple[Connection, str]:
    former = _former_aliases(rows)
    for name in names:
        found = [row for row in rows if name == row.alias or parse_id(name) == row.pk]
        if not found:
            found = [former[name]] if name in former else [row for row in rows if row.name == name]
        if len(found) > 1:
            aliases = ", ".join(row.alias for row in found[:5])
            raise Invalid(
                [
                    FieldError(
                        "name",
                        "ambiguous",
                        f"Several connections are called {name!r}. Use an alias: {aliases}.",
                    )
                ]
            )
        if found:
            return found[0], name
    raise Connection.DoesNotExist(
        f"There is no connection {names[0]!r} that this token may read. Check its name and the "
        "token's list."
    )


def _begin(text: str, address: str, asked: str = "") -> tuple[_Attempt, list[Connection]]:
    """Judges the token, counts the request, and returns the attempt and the token's connections, as
    far as the person who answers for it may still reveal them.

    Every refusal looks the same from outside. Raises NotRevealed, Throttled.
    """
    token = RevealToken.objects.select_related("user").filter(digest=digest(text)).first()
    if wrong := _why_not(token, address):
        if _count_in_this_minute("reveal-refusals") <= REFUSALS_A_MINUTE:
            _Attempt(token, address).record(wrong, is_known=False)
        raise NotRevealed
    assert token is not None  # noqa: S101 it would have been refused
    # as the database takes it, and without the token, which somebody may repeat in the name
    asked = asked.replace(text, "***").replace("\x00", "").encode(errors="replace").decode()
    attempt = _Attempt(token, address, asked[:255])
    count = _count_in_this_minute(f"reveal:{token.pk}")
    if count > MOST_A_MINUTE:
        if count == MOST_A_MINUTE + 1:
            attempt.record("throttled")
        raise Throttled(
            f"This token may read {MOST_A_MINUTE} times a minute. Wait, and ask less often.",
            60 - timezone.now().second,
        )
    if cache.add(f"reveal-used:{token.pk}", 1, USED_EVERY):
        # a full disk is no reason to refuse
        with suppress(OperationalError), transaction.atomic():
            RevealToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
    every: Any = token.connections(manager="every")
    rows = every.select_related("team").prefetch_related("shares").order_by("alias")
    return attempt, [row for row in rows if may(token.user, MAY_REVEAL, row)]


def _why_not(token: RevealToken | None, address: str) -> str:
    if token is None:
        return "unknown"
    if token.state != "active":
        return token.state
    if not is_within(address, token.networks):
        return "network"
    return "" if token.user.is_active and token.user.has_perm(MAY_REVEAL) else "user"


def _count_in_this_minute(what: str) -> int:
    """The number of times that this happened in this minute, this one included."""
    return add_to_count(f"{what}:{timezone.now():%H:%M}", 1, 120)
