"""The words of a fault: a title, the cause in a sentence, and the label of its badge."""

from collections.abc import Callable, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connections.health.services import health
from connections.models import Connection
from connections.provenance import provenance
from connections.references import State
from connections.section_teams import Resolve

from .cures import (
    open_connections,
    open_hosts,
    open_notice_target,
    open_reference,
    open_streams,
)
from .kinds import Fault, Told
from .radar import SourceEnd
from .telling_tokens import of_limit, of_old_tokens, of_token

MOST_PROFILES = 5  # that the line of a model names
# What a source of references needs, by its name there
SOURCE_ENDS = {
    "token": gettext_lazy("token"),
    "certificate authority": gettext_lazy("certificate authority"),
    "client certificate": gettext_lazy("client certificate"),
}
REFERENCE_LABELS = {
    State.MISSING: gettext_lazy("Reference missing"),
    State.DENIED: gettext_lazy("Reference denied"),
    State.ERROR: gettext_lazy("Reference error"),
}
REFERENCE_CODES = {State.MISSING: "unresolved_reference", State.DENIED: "denied_reference"}


def told(fault: Fault, behind: Sequence[Connection], resolve: Resolve) -> Told:
    """The words of a fault. `behind`: the first connections behind it."""
    return TELLING[fault.kind](fault, behind, resolve)


def _of_health(fault: Fault, behind: Sequence[Connection], resolve: Resolve) -> Told:
    """What `health` says of its connection, and of a rejected key where that came from."""
    if not behind:
        gone = _("It was deleted meanwhile.")
        return Told(_("A connection"), reverse("connection-list"), gone)
    found = health(behind[0], resolve)
    title, origin = behind[0].name, ""
    if fault.subject is not None:
        title = _("%(reference)s is refused") % {"reference": fault.subject}
        origin = provenance(resolve(fault.subject, True, behind[0].team_id))
    cause = f"{found.detail} {origin}".strip()
    return Told(title, behind[0].get_absolute_url(), cause, found.label, found.code)


def _of_reference(fault: Fault, behind: Sequence[Connection], resolve: Resolve) -> Told:
    one, address = fault.subject, open_reference().address
    if isinstance(one, SourceEnd):
        return Told(one.source, address, *_source_end(fault, one))
    if fault.was == "restart":
        cause = _(
            "Its value came from .env when the server started, and is not there any more: a "
            "restart loses it. Put it back, or take the reference out."
        )
        return Told(one.reference, address, cause, _("Lost at a restart"))
    # asked again, since what is remembered of it is English
    team = behind[0].team_id if behind else None
    asked = (resolve(one.reference, is_secret, team) for is_secret in (True, False))
    cause = next((again.message for again in asked if again.state == one.state), one.message)
    if fault.kind == "reference":
        code = REFERENCE_CODES.get(one.state, "")
        return Told(one.reference, address, cause, str(REFERENCE_LABELS[one.state]), code)
    return Told(one.source, address, cause, _("Source away"))


def _source_end(fault: Fault, one: SourceEnd) -> tuple[str, str]:
    """The cause, and the label."""
    words = {"what": SOURCE_ENDS.get(one.what, one.what), "day": _day(fault)}
    if fault.step == 0:
        cause = _(
            "Its %(what)s ended on %(day)s, and nobody can renew it from here. Give another one, "
            "and start again."
        )
        return cause % words, _("Source: %(what)s ended") % words
    cause = _(
        "Its %(what)s ends on %(day)s, and nobody can renew it from here. Give another one, and "
        "start again."
    )
    return cause % words, _("Source: %(what)s ends") % words


def _of_encryption(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    cause = _(
        "The key that encrypted the credentials is not in FERNET_KEYS. Add it there and start "
        "again, or enter the credentials again."
    )
    return Told(_names(fault, behind), _address(behind), cause)


def _of_provider(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    cause = _("The provider %(id)s is not installed. Install it, or switch off what needs it.") % {
        "id": fault.subject
    }
    return Told(_names(fault, behind), _address(behind), cause)


def _of_replacement(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    address = reverse("connection-replace-key", args=[fault.subject.connection_id])
    label = _("Both keys refused") if fault.subject.is_both_refused else ""
    return Told(_names(fault, behind), address, fault.subject.said, label)


def _of_host(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    cause = _(
        "%(who)s asks whether the secrets of %(section)s may go there. Nothing is sent before."
    ) % {"who": one.requested_by or _("The command line"), "section": one.section}
    title = _("%(section)s to %(host)s") % {"section": one.section, "host": one.host}
    return Told(title, open_hosts().address, cause)


def _of_target(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    if fault.was == "encryption":
        cause = _(
            "The key that encrypted its address is not in FERNET_KEYS. Add it there and start "
            "again, or enter the address again."
        )
    else:
        cause = _("Notices do not arrive there: %(error)s") % {"error": one.last_error}
    return Told(one.name, open_notice_target(one).address, cause)


def _of_stream(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one = fault.subject
    cause = _("Events do not arrive there and wait: %(error)s") % {"error": one.last_error}
    return Told(one.name, open_streams().address, cause)


def _of_key(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    source, day, label = fault.subject.source, {"day": _day(fault)}, ""
    says = _("%(source)s says so.") % {"source": source} if source else _("Somebody entered it.")
    if fault.step == 0:
        label, text = _("Key ended"), _("The key's date is over: it ended on %(day)s.")
        cure = _("Enter a new key, or correct the date.")
    else:
        text, cure = _("The key ends on %(day)s."), _("Have a new one made.")
    return Told(_names(fault, behind), _address(behind), f"{text % day} {says} {cure}", label)


def _of_certificate(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    is_over, words = fault.step == 0, {"day": _day(fault)}
    label = _("Certificate ended") if is_over else ""
    if fault.key == f"certificate:{fault.subject}":
        ends = _("The certificate of this host ends on %(day)s.")
        ended = _("The certificate of this host ended on %(day)s.")
        cure = _(
            "Whoever runs the host has to renew it; no connection to it can be made after that."
        )
        address = behind[0].get_absolute_url() if behind else open_connections("").address
        cause = f"{(ended if is_over else ends) % words} {cure}"
        return Told(fault.subject, address, cause, label)
    ends = _("The %(field)s in the settings ends on %(day)s. Have a new one made and enter it.")
    ended = _("The %(field)s in the settings ended on %(day)s. Have a new one made and enter it.")
    cause = (ended if is_over else ends) % (words | {"field": fault.subject})
    return Told(_names(fault, behind), _address(behind), cause, label)


def _of_access(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    title, address = _names(fault, behind), _address(behind)
    if fault.subject.failed_at is not None:
        cause = _(
            "Its OAuth2 token could not be renewed (%(code)s). Calls fail when the one that is in "
            "use has ended. Test it to see why, or allow it again."
        ) % {"code": fault.subject.failure}
        return Told(title, address, cause, _("Not renewed"))
    words = {"day": _day(fault)}
    if fault.step == 0:
        cause = _("Its refresh token ended on %(day)s. Allow the connection again.") % words
        return Told(title, address, cause, _("Access ended"))
    cause = _("Its refresh token ends on %(day)s. Allow the connection again.") % words
    return Told(title, address, cause, _("Access ends"))


def _of_model(fault: Fault, behind: Sequence[Connection], _resolve: Resolve) -> Told:
    one, label = fault.subject, ""
    if one.ends_at is None:
        label = _("Model not listed")
        cause = _(
            "%(model)s is not listed any more by %(connection)s: %(profiles)s. Choose another "
            "model."
        )
    elif fault.step == 0:
        cause = _(
            "%(model)s ended on %(day)s by %(connection)s: %(profiles)s. Choose another model."
        )
    else:
        cause = _(
            "%(model)s ends on %(day)s by %(connection)s: %(profiles)s. Choose another model."
        )
    cause %= {
        "model": one.model,
        "day": _day(fault) if one.ends_at else "",
        "connection": behind[0].name if behind else _("its connection"),
        "profiles": _profiles(one.profiles),
    }
    return Told(one.model, reverse("profile-detail", args=[one.first]), cause, label)


def _profiles(names: Sequence[str]) -> str:
    """`profile A`, `profiles A, B and 4 more`."""
    shown, more = ", ".join(names[:MOST_PROFILES]), len(names) - MOST_PROFILES
    if more > 0:
        shown = _("%(names)s and %(number)s more") % {"names": shown, "number": more}
    return ngettext("profile %(names)s", "profiles %(names)s", len(names)) % {"names": shown}


def days_in_words(days: int) -> str:
    """`in 5 days`, `within a day`, `2 days ago`, of whole days that are left."""
    if days == 0:
        return _("within a day")
    number = days if days > 0 else -days - 1
    if number == 0:
        return _("within the last day")
    if days > 0:
        return ngettext("in %(number)s day", "in %(number)s days", number) % {"number": number}
    return ngettext("%(number)s day ago", "%(number)s days ago", number) % {"number": number}


def _day(fault: Fault) -> str:
    return f"{fault.ends_at:%Y-%m-%d}"


def _of_unused(fault: Fault, _behind: Sequence[Connection], _resolve: Resolve) -> Told:
    number = len(fault.connection_ids)
    title = ngettext("%(number)s unused connection", "%(number)s unused connections", number)
    cause = _("No call and no flow has asked for 90 days. Switch off what nobody needs.")
    return Told(
        title % {"number": number}, open_connections("health=unused&status=active").address, cause
    )


def _names(fault: Fault, behind: Sequence[Connection]) -> str:
    if len(behind) == 1:
        return behind[0].name
    number = len(fault.connection_ids)
    text = ngettext("%(number)s connection", "%(number)s connections", number)
    return text % {"number": number}


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
    "stream": _of_stream,
    "limit": of_limit,
    "replacement": _of_replacement,
    "key": _of_key,
    "certificate": _of_certificate,
    "access": _of_access,
    "model": _of_model,
    "token": of_token,
    **dict.fromkeys(("endless", "idle"), of_old_tokens),
    "unused": _of_unused,
}
