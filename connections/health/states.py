"""The state of a connection or of one model of it, as one thing for pages, API and filters.

What counts is what was seen last with the settings of today: a test, or calls of the gateway. A
failure that every model shares (a refused key) makes the connection fail; one of a single model
makes it degraded, unless no other model is known to work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from providers.core.schema import settings_fields

from ..models import Connection, ConnectionCheck, ConnectionTraffic
from ..models.traffic import FAILED
from ..references import State, references_in
from ..section_teams import Resolve, resolve_now
from ..wording import outcome_in_words

STATES = ("ok", "degraded", "failed", "resting", "setup", "unused", "stale", "never")
OK, DEGRADED, FAILING, RESTING, SETUP, UNUSED, STALE, NEVER = STATES
BY_SEVERITY = (FAILING, SETUP, RESTING, DEGRADED, STALE, NEVER, UNUSED, OK)  # the worst first
LABELS = {
    OK: gettext_lazy("Works"),
    DEGRADED: gettext_lazy("Degraded"),
    FAILING: gettext_lazy("Failing"),
    RESTING: gettext_lazy("Resting"),
    SETUP: gettext_lazy("Not set up"),
    UNUSED: gettext_lazy("Unused"),
    STALE: gettext_lazy("Changed since test"),
    NEVER: gettext_lazy("Not tested"),
}
REFERENCE_LABELS = {
    State.MISSING: gettext_lazy("Reference missing"),
    State.DENIED: gettext_lazy("Reference denied"),
    State.AWAY: gettext_lazy("Reference away"),
    State.SIGN_IN_FAILED: gettext_lazy("Reference sign-in failed"),
    State.ERROR: gettext_lazy("Reference error"),
}
REMEMBERED = timedelta(days=1)  # a model's own failure counts that long after its last call
DEGRADED_FOR = timedelta(hours=1)  # after the last failure among answers
UNUSED_AFTER = timedelta(days=90)
# Failures that stay until somebody acts: one is enough. Others may pass; three in a row are failing
LASTING = frozenset(
    {"unauthorized", "forbidden", "quota", "not_found", "tls", "blocked_address", "not_installed"}
)
IN_A_ROW = 3


@dataclass(frozen=True)
class Health:
    """A state, as a badge says it: what to say, in which tone (good, bad, warn, quiet), and the
    sentence behind it.

    `code`: of the failure, or why it cannot be used. `since`: of failures without an answer
    between; `failures` of them, of `calls`. `last_good`: when it answered or passed a test.
    """

    state: str
    label: str
    tone: str
    detail: str = ""
    code: str = ""
    since: datetime | None = None
    failures: int = 0
    calls: int = 0
    last_good: datetime | None = None


def health(connection: Connection, resolve: Resolve = resolve_now) -> Health:
    """Its setup first, then the last test and the gateway's calls.

    Decrypts nothing, asks no provider. Reads `last_check` and `traffic`, where they are not
    fetched. `resolve`: a list remembers what it has resolved, or each of its rows asks a secret
    store for what is missing there.
    """
    return _of_setup(connection, resolve) or _seen(connection, list(connection.traffic.all()))


def model_health(connection: Connection, model: str, resolve: Resolve = resolve_now) -> Health:
    """As `health`, for one model: failures of other models are not its own."""
    return _of_setup(connection, resolve) or _seen(
        connection, list(connection.traffic.all()), model
    )


def traffic_of(connection: Connection) -> list[ConnectionTraffic]:
    """The calls of each of its models, made with the settings of today; the failing first."""
    rows = _current(connection, connection.traffic.all())
    return sorted(rows, key=lambda one: (not one.is_failing, one.model))


def _of_setup(connection: Connection, resolve: Resolve) -> Health | None:
    """The reason why it cannot be used as it is, None if there is none."""
    if connection.provider is None:
        detail = _("The provider %(id)s is not installed.") % {"id": connection.provider_id}
        return Health(SETUP, _("Unknown provider"), "bad", detail, "unknown_provider")
    if not connection.is_decryptable:
        detail = _("The key that encrypted the credentials is not in FERNET_KEYS.")
        return Health(SETUP, _("Cannot decrypt"), "bad", detail, "undecryptable")
    if connection.lacking:
        text = _("It came here without %(names)s. Edit it and enter what is missing.")
        detail = text % {"names": ", ".join(connection.lacking)}
        return Health(SETUP, _("Needs its key"), "warn", detail, "incomplete")
    for name, _key, reference in references_in(connection.settings):
        one = settings_fields(connection.provider).get(name)
        resolution = resolve(reference, bool(one and one.secret), connection.team_id)
        if resolution.state != State.RESOLVED:
            label = str(REFERENCE_LABELS[resolution.state])
            return Health(SETUP, label, "warn", resolution.message, "unresolved_reference")
    return None


def _seen(connection: Connection, rows: Sequence[ConnectionTraffic], model: str = "") -> Health:
    """The state by its last test and its traffic, of one model if one is named."""
    check, now = connection.last_check, timezone.now()
    traffic, resting = _current(connection, rows), _resting(rows)
    if model:
        traffic = [one for one in traffic if one.model == model or _fails_whole(one)]
        resting = [one for one in resting if one.model == model or one.is_of_account]
    is_fresh = check is not None and check.connection_version >= connection.settings_version
    answers = [one.answered_at for one in traffic if one.answered_at]
    passed = [check.checked_at] if check and is_fresh and check.success else []
    last_good = max([*answers, *passed], default=None)
    failing = [one for one in traffic if _counts_as_failing(one, now)]
    others = [one for one in traffic if one not in failing and one.answered_at]
    if failing and (any(map(_fails_whole, failing)) or not others):
        return _failing(min(failing, key=_first), last_good)
    is_answered_since = check is not None and any(at > check.checked_at for at in answers)
    if check and is_fresh and not check.success and not is_answered_since:
        tested = _("Tested at %(moment)s.") % {"moment": _moment(check.checked_at)}
        detail = f"{outcome_in_words(check.code, check.message)} {tested}"
        since = check.failing_since or check.checked_at
        return Health(FAILING, _("Failed"), "bad", detail, check.code, since, 1, 1, last_good)
    others = [one for one in others if one not in resting]
    if resting and (any(one.is_of_account for one in resting) or not others):
        return _rests(max(resting, key=_end), last_good)
    degraded = [one for one in traffic if one not in failing and _is_degraded(one, now)]
    if failing or resting or degraded:
        return _degraded(min(failing or resting or degraded, key=_first), last_good, bool(failing))
    if connection.is_active and connection.asked_at < now - UNUSED_AFTER:
        return _unused(connection, last_good)
    return _well_or_unknown(check, is_fresh, last_good, last_good in passed)


def _well_or_unknown(
    check: ConnectionCheck | None, is_fresh: bool, last_good: datetime | None, is_tested: bool
) -> Health:
    """The state of what does not fail, as far as its last test and its calls say. `is_tested`: a
    test was the last good thing.
    """
    if last_good:
        how = _("Tested at %(moment)s.") if is_tested else _("It answered a call at %(moment)s.")
        detail = how % {"moment": _moment(last_good)}
        return Health(OK, str(LABELS[OK]), "good", detail, "ok", last_good=last_good)
    if check and not is_fresh:
        if check.success:
            text = _("Worked at %(moment)s, before its settings changed.")
        else:
            text = _("Failed at %(moment)s, before its settings changed.")
        detail = text % {"moment": _moment(check.checked_at)}
        return Health(STALE, str(LABELS[STALE]), "quiet", detail)
    detail = _("Nobody has tested this connection yet.")
    return Health(NEVER, str(LABELS[NEVER]), "quiet", detail)


def _failing(one: ConnectionTraffic, last_good: datetime | None) -> Health:
    told = {"n": one.failures, "model": one.model, "since": _moment(one.failing_since)}
    detail = f"{_failed_calls(one) % told}: {_said(one)}"
    if last_good:
        good = _("It answered last at %(moment)s.") % {"moment": _moment(last_good)}
        detail = f"{detail} {good}"
    return Health(
        FAILING,
        str(LABELS[FAILING]),
        "bad",
        detail,
        one.code,
        one.failing_since,
        one.failures,
        one.failures,
        last_good,
    )


def _failed_calls(one: ConnectionTraffic) -> str:
    """How many calls failed, of which model and since when, with places for these."""
    number = one.failures
    if one.is_of_account and one.failing_since:
        return ngettext(
            "The last call failed, since %(since)s",
            "The last %(n)s of %(n)s calls failed, since %(since)s",
            number,
        )
    if one.is_of_account:
        return ngettext("The last call failed", "The last %(n)s of %(n)s calls failed", number)
    if one.failing_since:
        return ngettext(
            "The last call of %(model)s failed, since %(since)s",
            "The last %(n)s of %(n)s calls of %(model)s failed, since %(since)s",
            number,
        )
    return ngettext(
        "The last call of %(model)s failed",
        "The last %(n)s of %(n)s calls of %(model)s failed",
        number,
    )


def _rests(one: ConnectionTraffic, last_good: datetime | None) -> Health:
    if one.is_of_account:
        text = _("It rests until %(time)s UTC: profiles with a fallback ask it last.")
    else:
        text = _("%(model)s rests until %(time)s UTC: profiles with a fallback ask it last.")
    rests = text % {"model": one.model, "time": f"{_end(one):%H:%M:%S}"}
    detail = f"{rests} {_said(one)}"
    failures, calls = one.recent.count(FAILED), len(one.recent)
    return Health(
        RESTING,
        str(LABELS[RESTING]),
        "warn",
        detail,
        one.code,
        one.failed_at,
        failures,
        calls,
        last_good,
    )


def _unused(connection: Connection, last_good: datetime | None) -> Health:
    text = _("No call and no flow has asked for it since %(moment)s.")
    detail = text % {"moment": _moment(connection.asked_at)}
    if last_good:
        worked = _("It worked at %(moment)s.") % {"moment": _moment(last_good)}
        detail = f"{detail} {worked}"
    return Health(UNUSED, str(LABELS[UNUSED]), "quiet", detail, "unused", last_good=last_good)


def _degraded(one: ConnectionTraffic, last_good: datetime | None, is_failing: bool) -> Health:
    failures, calls = one.recent.count(FAILED), len(one.recent)
    if is_failing:
        text = _("%(model)s fails, last at %(moment)s: %(message)s")
    elif calls == 1:
        text = _("%(model)s: its last call failed, at %(moment)s: %(message)s")
    else:
        text = _(
            "%(model)s: %(failures)s of its last %(calls)s calls failed, last at %(moment)s: "
            "%(message)s"
        )
    told = {"model": one.model, "failures": failures, "calls": calls}
    detail = text % {**told, "moment": _moment(one.failed_at), "message": _said(one)}
    since, label = one.failing_since or one.failed_at, str(LABELS[DEGRADED])
    return Health(DEGRADED, label, "warn", detail, one.code, since, failures, calls, last_good)


def _said(one: ConnectionTraffic) -> str:
    """A message that may end with a service's own words, as a sentence."""
    message = outcome_in_words(one.code, one.message)
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _end(one: ConnectionTraffic) -> datetime:
    return one.resting_until or timezone.now()


def _first(one: ConnectionTraffic) -> datetime:
    return one.failing_since or one.failed_at or timezone.now()


def _current(connection: Connection, rows: Iterable[ConnectionTraffic]) -> list[ConnectionTraffic]:
    return [one for one in rows if one.version >= connection.settings_version]


def _resting(rows: Iterable[ConnectionTraffic]) -> list[ConnectionTraffic]:
    """Those in a cool-down, which the gateway keeps to its end whatever changes."""
    now = timezone.now()
    return [one for one in rows if one.resting_until is not None and one.resting_until > now]


def _fails_whole(one: ConnectionTraffic) -> bool:
    return one.is_failing and one.is_of_account


def _counts_as_failing(one: ConnectionTraffic, now: datetime) -> bool:
    is_recent = one.failed_at is not None and one.failed_at > now - REMEMBERED
    return one.is_failing and (one.is_of_account or is_recent)


def _is_degraded(one: ConnectionTraffic, now: datetime) -> bool:
    is_recent = one.failed_at is not None and one.failed_at > now - DEGRADED_FOR
    return FAILED in one.recent and is_recent
