"""The words of a fault: a title, the cause in a sentence, and the label of its badge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from connections.health.services import Resolve, health
from connections.models import Connection, RevealToken
from connections.provenance import provenance

from .cures import (
    open_connections,
    open_hosts,
    open_notice_target,
    open_reference,
    open_tokens,
)
from .kinds import Fault
from .radar import SourceEnd

MOST_PROFILES = 5  # that the line of a model names


@dataclass(frozen=True)
class Told:
    """`address`: of the page about it. `label`: empty for that of its kind."""

    title: str
    address: str
    cause: str
    label: str = ""


def told(fault: Fault, behind: Sequence[Connection], resolve: Resolve) -> Told:
    """The words of a fault. `behind`: the first connections behind it."""
    return TELLING[fault.kind](fault, behind, resolve)


def _of_health(fault: Fault, behind: Sequence[Connection], resolve: Resolve) -> Told:
    """What `health` says of its connection, and of a rejected key where that came from."""
    if not behind:
        return Told("A connection", reverse("connection-list"), "It was deleted meanwhile.")
    found = health(behind[0], resolve)
    title = behind[0].name if fault.subject is None else f"{fault.subject} is refused"
    origin = "" if fault.subject is None else provenance(resolve(fault.subject, True))
    cause = f"{found.detail} {origin}".strip()
    return Told(title, behind[0].get_absolute_url(), cause, found.label)


def _of_reference(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    if isinstance(one, SourceEnd):
        ends = "ended" if fault.step == 0 else "ends"
        cause = (
            f"Its {one.what} {ends} on {_day(fault)}, and nobody can renew it from here. Give "
            "another one, and start again."
        )
        return Told(one.source, open_reference().address, cause, f"Source: {one.what} {ends}")
    if fault.was == "restart":
        cause = (
            "Its value came from .env when the server started, and is not there any more: a "
            "restart loses it. Put it back, or take the reference out."
        )
        return Told(one.reference, open_reference().address, cause, "Lost at a restart")
    title = one.reference if fault.kind == "reference" else one.source
    label = f"Reference {one.state}" if fault.kind == "reference" else "Source away"
    return Told(title, open_reference().address, one.message, label)


def _of_encryption(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    cause = (
        "The key that encrypted the credentials is not in FERNET_KEYS. Add it there and start "
        "again, or enter the credentials again."
    )
    return Told(_names(fault, behind), _address(behind), cause)


def _of_provider(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    cause = (
        f"The provider {fault.subject} is not installed. Install it, or switch off what needs it."
    )
    return Told(_names(fault, behind), _address(behind), cause)


def _of_replacement(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    address = reverse("connection-replace-key", args=[fault.subject.connection_id])
    label = "Both keys refused" if fault.subject.is_both_refused else ""
    return Told(_names(fault, behind), address, fault.subject.said, label)


def _of_host(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    who = one.requested_by or "The command line"
    cause = f"{who} asks whether the secrets of {one.section} may go there. Nothing is sent before."
    return Told(f"{one.section} to {one.host}", open_hosts().address, cause)


def _of_token(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    what = "token of flows" if isinstance(one, RevealToken) else "token"
    ends = "ended" if one.expires_at <= timezone.now() else "ends"
    cause = (
        f"The {what} of {one.user} {ends} at {one.expires_at:%Y-%m-%d %H:%M} UTC. Give its program "
        "another one."
    )
    return Told(str(one), open_tokens(one).address, cause, f"Token {ends}")


def _of_limit(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    cause = (
        f"The token of {one.user} has used its {one.tokens_per_day} tokens of today. It is refused "
        "until midnight UTC; raise its limit by making another token."
    )
    return Told(str(one), open_tokens(one).address, cause)


def _of_target(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    cause = f"Notices do not arrive there: {one.last_error}"
    if fault.was == "encryption":
        cause = (
            "The key that encrypted its address is not in FERNET_KEYS. Add it there and start "
            "again, or enter the address again."
        )
    return Told(one.name, open_notice_target(one).address, cause)


def _of_key(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    says = f"{fault.subject.source} says so" if fault.subject.source else "Somebody entered it"
    if fault.step == 0:
        label, text = "Key ended", f"The key's date is over: it ended on {_day(fault)}. {says}. "
        text += "Enter a new key, or correct the date."
    else:
        label, text = "", f"The key ends on {_day(fault)}. {says}. Have a new one made."
    return Told(_names(fault, behind), _address(behind), text, label)


def _of_certificate(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    is_over = fault.step == 0
    ends, label = ("ended", "Certificate ended") if is_over else ("ends", "")
    if fault.key == f"certificate:{fault.subject}":
        cause = (
            f"The certificate of this host {ends} on {_day(fault)}. Whoever runs the host has to "
            "renew it; no connection to it can be made after that."
        )
        address = behind[0].get_absolute_url() if behind else open_connections("").address
        return Told(fault.subject, address, cause, label)
    cause = (
        f"The {fault.subject} in the settings {ends} on {_day(fault)}. Have a new one made and "
        "enter it."
    )
    return Told(_names(fault, behind), _address(behind), cause, label)


def _of_access(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    if fault.subject.failed_at is not None:
        cause = (
            f"Its OAuth2 token could not be renewed ({fault.subject.failure}). Calls fail when the "
            "one that is in use has ended. Test it to see why, or allow it anew."
        )
        return Told(_names(fault, behind), _address(behind), cause, "Not renewed")
    ends = "ended" if fault.step == 0 else "ends"
    cause = f"Its refresh token {ends} on {_day(fault)}. Allow the connection anew."
    return Told(_names(fault, behind), _address(behind), cause, f"Access {ends}")


def _of_model(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    what = f"{one.model} is not listed any more"
    if one.ends_at is not None:
        what = f"{one.model} {'ended' if fault.step == 0 else 'ends'} on {_day(fault)}"
    shown = ", ".join(one.profiles[:MOST_PROFILES])
    more = len(one.profiles) - MOST_PROFILES
    who = f"{shown} and {more} more" if more > 0 else shown
    named = "profile" if len(one.profiles) == 1 else "profiles"
    where = f" by {behind[0].name}" if behind else ""
    cause = f"{what}{where}: {named} {who}. Choose another model."
    label = "Model not listed" if one.ends_at is None else ""
    return Told(one.model, reverse("profile-detail", args=[one.first]), cause, label)


def days_in_words(days: int) -> str:
    """`in 5 days`, `within a day`, `2 days ago`, of whole days that are left."""
    if days == 0:
        return "within a day"
    number = days if days > 0 else -days - 1
    if number == 0:
        return "within the last day"
    text = f"{number} day{'' if number == 1 else 's'}"
    return f"in {text}" if days > 0 else f"{text} ago"


def _day(fault: Fault) -> str:
    return f"{fault.ends_at:%Y-%m-%d}"


def _of_unused(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    number = len(fault.connection_ids)
    title = f"{number} unused connection{'' if number == 1 else 's'}"
    cause = "No call and no flow has asked for 90 days. Switch off what nobody needs."
    return Told(title, open_connections("health=unused&status=active").address, cause)


def _names(fault: Fault, behind: Sequence[Connection]) -> str:
    return behind[0].name if len(behind) == 1 else f"{len(fault.connection_ids)} connections"


def _address(behind: Sequence[Connection]) -> str:
    if len(behind) == 1:
        return behind[0].get_absolute_url()
    return open_connections("health=setup&status=active").address


TELLING: dict[str, Callable[[Fault, Sequence[Connection], Resolve], Told]] = {
    **dict.fromkeys(("failing", "resting", "degraded", "secret"), _of_health),
    **dict.fromkeys(("reference", "source"), _of_reference),
    "encryption": _of_encryption,
    "provider": _of_provider,
    "host": _of_host,
    "target": _of_target,
    "limit": _of_limit,
    "replacement": _of_replacement,
    "key": _of_key,
    "certificate": _of_certificate,
    "access": _of_access,
    "model": _of_model,
    "token": _of_token,
    "unused": _of_unused,
}
