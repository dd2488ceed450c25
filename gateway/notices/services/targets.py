"""Targets: where notices go, by administrators only. Their addresses are secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections import conf
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
from providers.core.errors import BlockedAddress

from ...attention.kinds import KINDS
from ...models import NoticeDelivery, NoticeTarget
from .senders import Message, NotSent, new_secret, send_by_apprise, send_webhook

VIEW, ADD, CHANGE, DELETE = (
    f"gateway.{verb}_noticetarget" for verb in ("view", "add", "change", "delete")
)
_time_zones = cache(available_timezones)  # it opens each of the machine's 600 files
LONGEST_ADDRESS = 2000
MOST_WORDS = 50
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
@sensitive_variables()
def create_target(
    kind: str, address: str, *, actor: Actor, team: Team | None = None, **columns: Any
) -> tuple[Any, str]:
    """A new target, and the key that signs its webhooks, which is shown this once; empty for
    Apprise. `team`: it is told of this team's rows alone. Raises Invalid, PermissionDenied.
    """
    row = NoticeTarget(kind=kind, team=team)
    require(actor, ADD, on=row)
    errors = _take(row, columns)
    if kind not in NoticeTarget.Kind.values:
        errors.append(FieldError("kind", "invalid", _("Choose webhook or apprise.")))
    else:
        errors += _errors_of(kind, address)
    if errors:
        raise Invalid(errors)
    secret = new_secret() if kind == NoticeTarget.Kind.WEBHOOK else ""
    _store(row, address.strip(), secret)
    row.save(force_insert=True)
    return row, secret


@retried
@sensitive_variables()
def update_target(row: NoticeTarget, posted: Mapping[str, Any], *, actor: Actor) -> NoticeTarget:
    """Changes what is posted. An address that is left out, empty, or sent back as it was shown
    stays. Raises Invalid, PermissionDenied.
    """
    require(actor, CHANGE, on=row)
    row = NoticeTarget.objects.get(pk=row.pk)
    columns = {name: value for name, value in posted.items() if name in COLUMNS}
    errors = _take(row, columns)
    address, stored = posted.get("address"), _stored(row)
    rule = KEEP if address == row.shown else write_rule(posted, "address", stored or MASK)
    if rule == CLEAR:
        text = _("Enter an address, or delete the target.")
        errors.append(FieldError("address", "required", text))
    elif rule == MASKED:
        text = _("This is the mask of an address. Enter the address itself, or leave it out.")
        errors.append(FieldError("address", "masked_value", text))
    elif rule != KEEP:
        errors += _errors_of(row.kind, str(address))
    if errors:
        raise Invalid(errors)
    changed = [*columns]
    if rule not in (KEEP, CLEAR):
        old = row.credentials
        kept = {} if isinstance(old, Undecryptable) else old
        is_signed = row.kind == NoticeTarget.Kind.WEBHOOK
        _store(row, str(address).strip(), kept.get("secret") or (new_secret() if is_signed else ""))
        changed += ["credentials", "credentials_key", "shown", "failing_since", "last_error"]
    if changed:
        row.save(update_fields=changed)
    if not row.is_active:
        row.deliveries.filter(state=NoticeDelivery.State.WAITING).delete()
    return row


@retried
def delete_target(row: NoticeTarget, *, actor: Actor) -> None:
    """Deletes a target with all that is on its way to it. Raises PermissionDenied."""
    require(actor, DELETE, on=row)
    NoticeTarget.objects.filter(pk=row.pk).delete()


@retried
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
    row.save(update_fields=["credentials", "credentials_key"])
    return secret


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
        return Outcome(False, str(error))
    NoticeTarget.objects.filter(pk=row.pk).update(failing_since=None, last_error="", sent_at=at)
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


@sensitive_variables()
def _errors_of(kind: str, address: str) -> list[FieldError]:
    """What is wrong with an address, at most one error."""
    address = address.strip()
    try:
        if not address or len(address) > LONGEST_ADDRESS or not address.isprintable():
            text = _("Enter an address of at most %(number)s characters.")
            raise NotSent(text % {"number": LONGEST_ADDRESS})
        if kind == NoticeTarget.Kind.APPRISE:
            send_by_apprise(address, None)
        else:
            _judge_webhook(address)
    except NotSent as error:
        return [FieldError("address", "invalid", str(error))]
    return []


@sensitive_variables()
def _judge_webhook(address: str) -> None:
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username is not None:
        raise NotSent(
            _(
                "Enter a whole address that begins with https:// or http://, without user and "
                "password."
            )
        )
    try:
        conf.egress().refuse_name(host)
    except BlockedAddress as refused:
        raise NotSent(str(refused)) from None


def _take(row: NoticeTarget, columns: Mapping[str, Any]) -> list[FieldError]:
    """Puts valid columns into the row, and returns what is wrong with the others."""
    for name, value in columns.items():
        setattr(row, name, value)
    errors = []
    name = str(row.name or "").strip()
    if not name or len(name) > 100 or "\x00" in name:
        text = _("Enter a name of at most %(number)s characters.") % {"number": 100}
        errors.append(FieldError("name", "invalid", text))
    row.name = name
    if unknown := [one for one in row.kinds if one not in KINDS]:
        text = _("There is no kind %(kind)s. There are: %(kinds)s.")
        text %= {"kind": f"{unknown[0]!r:.40}", "kinds": ", ".join(KINDS)}
        errors.append(FieldError("kinds", "invalid", text))
    if row.minimum_severity not in NoticeTarget.Severity.values:
        text = _("Choose one of: %(choices)s.")
        text %= {"choices": ", ".join(NoticeTarget.Severity.values)}
        errors.append(FieldError("minimum_severity", "invalid", text))
    for field in ("providers", "tags"):
        words = getattr(row, field)
        if len(words) > MOST_WORDS or any(len(one) > 100 or "\x00" in one for one in words):
            text = _("Enter at most %(number)s words.") % {"number": MOST_WORDS}
            errors.append(FieldError(field, "invalid", text))
    if (row.quiet_from is None) != (row.quiet_to is None):
        text = _("Enter both the begin and the end of the quiet hours, or neither.")
        errors.append(FieldError("quiet_to", "invalid", text))
    if row.time_zone not in _time_zones():
        text = _("Enter the name of a time zone, such as UTC or Europe/Berlin.")
        errors.append(FieldError("time_zone", "invalid", text))
    return errors
