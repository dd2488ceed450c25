"""Targets: where notices go, by administrators only. Their addresses are secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Outcome as AuditOutcome
from connections.audit.services import act, record
from connections.credentials import (
    CLEAR,
    KEEP,
    MASK,
    MASKED,
    Undecryptable,
    key_ids,
    write_rule,
)
from connections.locks import retried
from connections.models import Team
from connections.services import Actor, FieldError, Invalid, require
from connections.standing import RIGHTS, owned_q, standing_of

from ...models import NoticeDelivery, NoticeTarget
from .judging import errors_of, take
from .senders import Message, NotSent, new_secret, send_by_apprise, send_webhook

VIEW, ADD, CHANGE, DELETE = (
    f"gateway.{verb}_noticetarget" for verb in ("view", "add", "change", "delete")
)
COLUMNS = (
    *("name", "is_active", "kinds", "minimum_severity", "providers", "tags", "tells_recovery"),
    *("quiet_from", "quiet_to", "time_zone", "is_woken_by_critical"),
)


@dataclass(frozen=True)
class Outcome:
    """How a test ended, in a sentence without secrets."""

    success: bool
    message: str


def targets(*, actor: Actor) -> QuerySet[NoticeTarget]:
    """The targets that the actor may see, by name. Raises PermissionDenied."""
    require(actor, VIEW)
    rows = NoticeTarget.objects.select_related("team").defer("credentials")
    return rows if actor is None else rows.filter(owned_q(standing_of(actor), VIEW))


def teams_for(actor: Actor) -> list[Team | None]:
    """The teams for which the actor may make targets, by name; None first: of what all have. No
    query where there is no team.
    """
    standing = standing_of(actor) if actor else None
    if standing is None or standing.sees_all:
        return [None, *Team.objects.all()] if standing is None or standing.has_teams else [None]
    mine = {team for team, role in dict(standing.roles).items() if ADD in RIGHTS[role]}
    found: list[Team | None] = [None] if ADD in standing.rights else []
    return [*found, *Team.objects.filter(pk__in=mine)] if mine else found


def team_for(actor: Actor, given: str | None) -> Team | None:
    """The team with this id or name for which the actor makes a target, None for all; where none
    is named, the only one that there is to choose. Raises Invalid.
    """
    choices = teams_for(actor)
    if given is None:
        return choices[0] if len(choices) == 1 else None
    for one in choices:
        if given in ((str(one.pk), one.name) if one else ("",)):
            return one
    raise Invalid([FieldError("team", "not_found", _("There is no such team."))])


@retried
@act("notice_target.create")
@sensitive_variables()
def create_target(
    kind: str, address: str, *, actor: Actor, team: Team | None = None, **columns: Any
) -> tuple[Any, str]:
    """A new target, and the key that signs its webhooks, which is shown this once; empty for
    Apprise. `team`: it is told of this team's rows alone. Raises Invalid, PermissionDenied.
    """
    row = NoticeTarget(kind=kind, team=team)
    require(actor, ADD, on=row)
    errors = take(row, columns)
    if kind not in NoticeTarget.Kind.values:
        errors.append(FieldError("kind", "invalid", _("Choose webhook or apprise.")))
    else:
        errors += errors_of(kind, address)
    if errors:
        raise Invalid(errors)
    secret = new_secret() if kind == NoticeTarget.Kind.WEBHOOK else ""
    _store(row, address.strip(), secret)
    with transaction.atomic():
        row.save(force_insert=True)
        record(row, actor=actor, detail=_told(row))
    return row, secret


@retried
@act("notice_target.update")
@sensitive_variables()
def update_target(row: NoticeTarget, posted: Mapping[str, Any], *, actor: Actor) -> NoticeTarget:
    """Changes what is posted. An address that is left out, empty, or sent back as it was shown
    stays. Raises Invalid, PermissionDenied.
    """
    require(actor, CHANGE, on=row)
    row = NoticeTarget.objects.get(pk=row.pk)
    before = _told(row)
    columns = {name: value for name, value in posted.items() if name in COLUMNS}
    errors = take(row, columns)
    address, stored = posted.get("address"), _stored(row)
    rule = KEEP if address == row.shown else write_rule(posted, "address", stored or MASK)
    if rule == CLEAR:
        text = _("Enter an address, or delete the target.")
        errors.append(FieldError("address", "required", text))
    elif rule == MASKED:
        text = _("This is the mask of an address. Enter the address itself, or leave it out.")
        errors.append(FieldError("address", "masked_value", text))
    elif rule != KEEP:
        errors += errors_of(row.kind, str(address))
    if errors:
        raise Invalid(errors)
    changed = [*columns]
    if rule not in (KEEP, CLEAR):
        old = row.credentials
        kept = {} if isinstance(old, Undecryptable) else old
        is_signed = row.kind == NoticeTarget.Kind.WEBHOOK
        _store(row, str(address).strip(), kept.get("secret") or (new_secret() if is_signed else ""))
        changed += ["credentials", "credentials_key", "shown", "failing_since", "last_error"]
    with transaction.atomic():
        if changed:
            row.save(update_fields=changed)
        if not row.is_active:
            row.deliveries.filter(state=NoticeDelivery.State.WAITING).delete()
        now = _told(row) | ({"address": f"{row.shown} changed"} if "shown" in changed else {})
        if changes := [(one, before[one], now[one]) for one in now if before[one] != now[one]]:
            record(row, actor=actor, changes=changes)
    return row


def _told(row: NoticeTarget) -> dict[str, str]:
    """A target as its events tell it: of its address what pages show."""
    columns = {name: getattr(row, name) for name in COLUMNS}
    texts = {
        name: ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        for name, value in columns.items()
    }
    return {"address": row.shown, **texts}


@retried
@act("notice_target.delete")
def delete_target(row: NoticeTarget, *, actor: Actor) -> None:
    """Deletes a target with all that is on its way to it. Raises PermissionDenied."""
    require(actor, DELETE, on=row)
    with transaction.atomic():
        if NoticeTarget.objects.filter(pk=row.pk).delete()[0]:
            record(row, actor=actor)


@retried
@act("notice_key.renew")
def renew_secret(row: NoticeTarget, *, actor: Actor) -> str:
    """Puts a new key in the place of the one that signs, and returns it, this once. Raises Invalid,
    PermissionDenied.
    """
    require(actor, CHANGE, on=row)
    row = NoticeTarget.objects.get(pk=row.pk)
    if row.kind != NoticeTarget.Kind.WEBHOOK or not (address := _stored(row)):
        text = _("Only a webhook whose address can be read has a key. Enter its address again.")
        raise Invalid([FieldError("kind", "invalid", text)])
    secret = new_secret()
    _store(row, address, secret)
    with transaction.atomic():
        row.save(update_fields=["credentials", "credentials_key"])
        record(row, actor=actor)
    return secret


@act("notice_target.test")
def test_target(row: NoticeTarget, *, actor: Actor) -> Outcome:
    """Sends one message at once, whatever the rules. Raises PermissionDenied."""
    require(actor, CHANGE, on=row)
    at = timezone.now()
    text = "This is a test. Notices of Switchboard arrive here."
    data = {"type": "switchboard.test.v1", "timestamp": at.isoformat(), "data": {"summary": text}}
    row = NoticeTarget.objects.get(pk=row.pk)
    try:
        send(row, Message(f"test-{at:%Y%m%d%H%M%S%f}", "Switchboard: a test", text, data, "info"))
    except NotSent as error:
        record(row, actor=actor, outcome=AuditOutcome.FAILED, code="not_sent")
        return Outcome(False, str(error))
    with transaction.atomic():
        NoticeTarget.objects.filter(pk=row.pk).update(failing_since=None, last_error="", sent_at=at)
        record(row, actor=actor)
    return Outcome(True, _("The message was taken."))


@sensitive_variables()
def send(row: NoticeTarget, message: Message) -> None:
    """Sends a message to a target. Raises NotSent."""
    kept = row.credentials
    if isinstance(kept, Undecryptable):
        raise NotSent(
            _(
                "The key that encrypted its address is not in FERNET_KEYS. Add it, or enter the "
                "address again."
            )
        )
    if row.kind == NoticeTarget.Kind.WEBHOOK:
        send_webhook(kept["address"], kept["secret"], message)
    else:
        send_by_apprise(kept["address"], message)


def _stored(row: NoticeTarget) -> str:
    kept = row.credentials
    return "" if isinstance(kept, Undecryptable) else str(kept["address"])


@sensitive_variables()
def _store(row: NoticeTarget, address: str, secret: str) -> None:
    parts = urlsplit(address)
    host = parts.hostname if row.kind == NoticeTarget.Kind.WEBHOOK else ""
    row.credentials = {"address": address, "secret": secret}
    row.credentials_key = key_ids()[0] if key_ids() else ""
    row.shown = f"{address.partition('://')[0].lower()}://{f'{host}/' if host else ''}{MASK}"[:300]
    row.failing_since, row.last_error = None, ""
