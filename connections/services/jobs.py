"""The jobs of connections that the schedule runs."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext_noop

from ..audit.services import make_checkpoints, prune_events
from ..jobs import Job, declare
from ..texts import counted
from .binding import bind_while_in_grace
from .bulk_tests import resume_bulk_tests
from .purging import declare_own_keepers, kept_for, purge_secrets
from .renewal import renew_tokens
from .retention import CHECKS_KEPT, prune_checks, prune_history
from .token_ends import end_unused_tokens
from .undo_steps import prune_undo_steps


def declare_jobs() -> None:
    """Declares them. Called once, when Django is ready."""
    declare_own_keepers()
    hour, day = timedelta(hours=1), timedelta(days=1)
    soon = timedelta(seconds=30)
    often = max(timedelta(minutes=10), min(kept_for() / 2, hour))
    for name, title, every, run in (
        ("renew-tokens", gettext_noop("Renewal of OAuth2 tokens in use"), soon, _renew_tokens),
        ("end-unused-tokens", gettext_noop("End of tokens that nobody uses"), day, _end_unused),
        ("sign-audit", gettext_noop("Signature of each day of the audit"), hour, _sign_audit),
        ("prune-audit", gettext_noop("Deletion of old events"), day, _prune_audit),
        ("prune-checks", gettext_noop("Deletion of old checks"), hour, _prune_checks),
        (
            "prune-undo",
            gettext_noop("Deletion of acts that cannot be undone any more"),
            hour,
            _prune_undo,
        ),
        (
            "bind-secrets",
            gettext_noop("Binding of secrets that an older version stored"),
            timedelta(minutes=10),
            _bind_secrets,
        ),
        ("purge-secrets", gettext_noop("End of secrets nothing uses"), often, _purge_secrets),
        ("prune-history", gettext_noop("Deletion of old versions"), day, _prune_history),
    ):
        declare(Job(name, title, every, run))
    resumed = gettext_noop("Bulk tests whose process ended")
    declare(Job("resume-tests", resumed, soon, resume_bulk_tests, is_quick=True))


def _renew_tokens() -> str:
    renewed, failed = renew_tokens()
    more = f", {failed} could not be: they are used until they end" if failed else ""
    return f"{renewed} renewed before their end{more}."


def _end_unused() -> str:
    days = settings.CONNECTIONS_TOKEN_UNUSED_END
    if not days:
        return "None is ended: CONNECTIONS_TOKEN_UNUSED_END is 0."
    number = end_unused_tokens()
    return f"{counted(number, 'token')} revoked that nobody used for {counted(days, 'day')}."


def _prune_checks() -> str:
    number = counted(prune_checks(), "check")
    return f"{number} deleted; the last {CHECKS_KEPT} of each connection stay."


def _prune_undo() -> str:
    return f"{counted(prune_undo_steps(), 'note')} deleted of acts that cannot be undone any more."


def _purge_secrets() -> str:
    number = sum(purge_secrets().values())
    return f"{counted(number, 'place')} lost secrets that nothing uses any more."


def _bind_secrets() -> str:
    return f"{counted(bind_while_in_grace(), 'document')} bound that a version before had stored."


def _prune_history() -> str:
    days, most = settings.CONNECTIONS_HISTORY_DAYS, settings.CONNECTIONS_HISTORY_VERSIONS
    if not (days or most):
        return "Nothing is deleted: CONNECTIONS_HISTORY_DAYS is 0."
    bounds = [f"older than {counted(days, 'day')}"] if days else []
    bounds += [f"beyond {most} of a row"] if most else []
    return f"{counted(prune_history(days, most), 'version')} {' or '.join(bounds)} deleted."


def _sign_audit() -> str:
    return f"{counted(make_checkpoints(), 'day')} signed."


def _prune_audit() -> str:
    days = settings.AUDIT_KEEP_DAYS
    if not days:
        return "Nothing is deleted: AUDIT_KEEP_DAYS is 0."
    return f"{counted(prune_events(days), 'event')} older than {counted(days, 'day')} deleted."
