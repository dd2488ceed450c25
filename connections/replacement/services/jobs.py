"""The jobs of replacements that the schedule runs."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from connections.jobs import Job, declare
from connections.texts import counted

from .fingerprints import refresh_fingerprints
from .unused import declare_own_keeper
from .watch import WATCH, run_replacements


def declare_jobs() -> None:
    """Declares them. Called once, when Django is ready."""
    declare_own_keeper()
    soon, often = timedelta(seconds=30), timedelta(minutes=10)
    declare(Job(WATCH, gettext_noop("Watch of replaced keys"), soon, run_replacements))
    declare(
        Job("fingerprint-keys", gettext_noop("Fingerprints of stored keys"), often, _fingerprint)
    )


def _fingerprint() -> str:
    return f"{counted(refresh_fingerprints(), 'connection')} had new ones."
