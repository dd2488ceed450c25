"""The job of workload identity that the schedule runs."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from connections.jobs import Job, declare

from .keys import refresh_old_keys


def declare_jobs() -> None:
    """Declares it. Called once, when Django is ready."""
    often = timedelta(minutes=10)
    declare(Job("issuer-keys", gettext_noop("Keys of trusted issuers"), often, _refresh))


def _refresh() -> str:
    fetched, failed = refresh_old_keys()
    more = f", {failed} could not be reached: their kept keys go on for a time" if failed else ""
    return f"The keys of {fetched} issuers were fetched{more}."
