"""Reveal tokens: keys to the secrets of some connections.

Made by administrators, shown once, stored as a hash.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from connections.audit.services import act, record
from connections.last_hour import HOUR
from connections.locks import retried
from connections.lookup import all_by_id_or_alias
from connections.models import Connection, RevealRecord, RevealToken, Team, seen
from connections.row_versions import keep_version
from connections.services import (
    Actor,
    FieldError,
    Invalid,
    clean_networks,
    may,
    require,
    settle_flows,
)
from connections.standing import owned_q, standing_of
from connections.texts import counted

# of reveal tokens alone: no scope of an API token contains it, `admin` neither
REVEAL_SCOPE = "connections:reveal"
PREFIX, PREFIX_LENGTH = "sbr_", 11
DEFAULT_DAYS, MOST_DAYS = 90, 366
MAY_REVEAL, MAY_SEE = "connections.add_revealtoken", "connections.view_revealtoken"


@retried
@act("flow_token.create")
def create_reveal_token(
    name: str,
    *,
    user: Any,
    actor: Actor,
    connections: Sequence[str],
    networks: Sequence[str] = (),
    expires_in_days: int | None = DEFAULT_DAYS,
) -> tuple[RevealToken, str]:
    """Creates a token and returns it with its text, which cannot be had again.

    `user` answers for it: when the user may make no such tokens any more, it opens nothing. What
    the connections refer to now is approved by that, and nothing that they refer to later.

    `connections`: ids or aliases, at least one; of a team that the actor administers, or of none as
    far as a group lets them. `networks`: in CIDR form, none for anywhere. Raises Invalid,
    PermissionDenied.
    """
    require(actor, MAY_REVEAL)
    name, text = name.strip(), PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        rows = Connection.objects.listed().select_for_update(no_key=True).order_by("pk")
        found = all_by_id_or_alias(rows, connections)
        cleaned, errors = clean_networks(networks)
        errors += _errors(name, connections, set(connections) - found.keys(), expires_in_days)
        errors += _person_errors(user, actor, found.values())
        if errors or expires_in_days is None:
            raise Invalid(errors)
        ends = timezone.now() + timedelta(days=expires_in_days)
        values = {"prefix": text[:PREFIX_LENGTH], "digest": digest(text), "expires_at": ends}
        values |= {"team": _team_of(found.values()), "networks": cleaned}
        row = RevealToken.objects.create(name=name, user=user, **values)
        row.connections.set(found.values())
        keep_version("revealtoken", row.pk, actor)
        settle_flows(found.values(), actor)
        detail = {"for": user.get_username(), "networks": cleaned, "expires": ends.isoformat()}
        record(row, actor=actor, others=found.values(), detail=detail)
    return row, text


def _person_errors(user: Any, actor: Actor, rows: Collection[Connection]) -> list[FieldError]:
    """The errors of the person who answers for a token. Raises PermissionDenied where the actor may
    not let flows read one of the connections.
    """
    for row in rows:
        require(actor, MAY_REVEAL, on=row)
    errors = []
    if actor is not None and actor != user:
        why = _("You may make these tokens for yourself only.")
        errors.append(FieldError("user", "invalid", why))
    if not (may(user, MAY_REVEAL) and all(may(user, MAY_REVEAL, row) for row in rows)):
        why = _("Only an administrator can answer for such a token.")
        errors.append(FieldError("user", "invalid", why))
    return errors


def reveal_tokens(actor: Actor) -> QuerySet[RevealToken]:
    """The tokens that the actor may see: their own, and those of their teams. Newest first."""
    rows = RevealToken.objects.select_related("user", "team")
    if actor is None:
        return rows
    return rows.filter(Q(user=actor) | owned_q(standing_of(actor), MAY_SEE))


def revealable(actor: Actor) -> QuerySet[Connection]:
    """The connections whose secrets the actor may let flows read."""
    rows = Connection.objects.listed()
    return rows.filter(owned_q(standing_of(actor), MAY_REVEAL)) if seen("connection") else rows


def reveal_records(actor: Actor) -> QuerySet[RevealRecord]:
    """The records of reads with the tokens that the actor may see; all of them for whoever sees
    everything.
    """
    rows = RevealRecord.objects.select_related("token")
    if actor is None or not seen("connection"):
        return rows
    return rows.filter(token__in=reveal_tokens(actor).values("pk"))


def _team_of(rows: Iterable[Connection]) -> Team | None:
    """The team whose connections a token reads, None for those of none or of several."""
    teams = {row.team for row in rows if row.team_id}
    return teams.pop() if len(teams) == 1 else None


def digest(text: str) -> str:
    """The hash that is stored of a token. Characters that UTF-8 cannot encode are replaced: no
    token has any.
    """
    return sha256(text.encode(errors="replace")).hexdigest()


def _errors(
    name: str, connections: Sequence[str], unknown: set[str], days: int | None
) -> list[FieldError]:
    errors = []
    if not name or len(name) > 100 or "\x00" in name:
        errors.append(
            FieldError("name", "invalid", _("A name of 1 to 100 characters, to tell tokens apart."))
        )
    if not connections:
        errors.append(
            FieldError(
                "connections",
                "required",
                _("Choose at least one connection. Only those can be read."),
            )
        )
    elif unknown:
        errors.append(
            FieldError(
                "connections",
                "not_found",
                _("There is no connection %(names)s.") % {"names": ", ".join(sorted(unknown))},
            )
        )
    if days is None or not 0 < days <= MOST_DAYS:
        errors.append(
            FieldError(
                "expires_in_days",
                "invalid",
                _("1 to %(most)d days. A token for flows always ends.") % {"most": MOST_DAYS},
            )
        )
    return errors


def reads_of_the_last_hour(token: RevealToken) -> int:
    """The times that secrets were read with a token within the last hour."""
    reads = RevealRecord.objects.filter(token=token, outcome="read")
    return reads.filter(read_at__gt=timezone.now() - HOUR).count()


@act("flow_reads.prune")
def prune_reveals(days: int, dry_run: bool = False) -> int:
    """Deletes the records of reads that are more than `days` days old and says how many; a dry run
    only counts.
    """
    rows = RevealRecord.objects.filter(read_at__lt=timezone.now() - timedelta(days=days))
    if dry_run:
        return rows.count()
    with transaction.atomic():
        number = rows.delete()[0]
        if number:
            record(actor=None, detail={"rows": number, "days": days})
    return number


def prune_reveals_by_settings() -> str:
    """As `prune_reveals`, by CONNECTIONS_REVEAL_DAYS; says what was deleted. Less than a day
    deletes nothing.
    """
    days = settings.CONNECTIONS_REVEAL_DAYS
    if days < 1:
        return "Nothing is deleted: CONNECTIONS_REVEAL_DAYS is 0."
    number = prune_reveals(days)
    return f"{counted(number, 'record')} of reads older than {counted(days, 'day')} deleted."
