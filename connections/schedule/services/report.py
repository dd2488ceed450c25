"""What runs by itself, for people and programs: what ran, what is due, what is overdue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from connections.jobs import declared
from connections.models import (
    Connection,
    ConnectionCheck,
    JobRun,
    PlannedCheck,
    ScheduleLease,
    seen,
)

from .due_checks import CLAIM
from .lease import ROW
from .planning import interval

QUIET = timedelta(minutes=2)  # without a holder of the lease
QUIET_OF_CRON = timedelta(hours=1)  # where no worker runs what is due
LATE = 900.0  # seconds after which a job is overdue
LATE_CHECK = CLAIM + 60.0  # seconds after which a check is


@dataclass(frozen=True)
class JobLine:
    """One job: its last run, and the next. `due_at` is None before its first one is planned."""

    name: str
    title: str
    every: timedelta
    started_at: datetime | None = None
    seconds: float | None = None
    is_ok: bool | None = None
    said: str = ""
    due_at: datetime | None = None
    is_overdue: bool = False

    @property
    def every_seconds(self) -> int:
        """The seconds between two runs."""
        return int(self.every.total_seconds())


@dataclass(frozen=True)
class ScheduleReport:
    """What runs by itself.

    `holder`: the process that runs it, empty for none; `renewed_at`: when it was seen last.
    `minutes`: between two checks of a quiet connection, 0 where none is checked. `planned`,
    `due_now`, `overdue` and `failing`: numbers of connections; `left_out`: active ones that are not
    checked by themselves; `next_at`: of the next check; `last_at`: of the last. `troubles`: what is
    wrong, a sentence each.
    """

    holder: str
    renewed_at: datetime | None
    minutes: float
    planned: int
    due_now: int
    overdue: int
    failing: int
    left_out: int
    next_at: datetime | None
    last_at: datetime | None
    jobs: tuple[JobLine, ...]
    troubles: tuple[str, ...]


def schedule_report() -> ScheduleReport:
    """The report of now; connections are counted as far as the one who looks may see them. Six
    queries.
    """
    lease = ScheduleLease.objects.filter(pk=ROW).first()
    moment = lease.renewed_at if lease and lease.renewed_at else timezone.now()
    seconds = lease.seconds if lease else 0.0
    checks = PlannedCheck.objects.filter(seen("connection", "connection__"))
    found = checks.aggregate(
        planned=Count("pk"),
        due_now=Count("pk", Q(due__lte=seconds)),
        overdue=Count("pk", Q(due__lt=seconds - LATE_CHECK)),
        failing=Count("pk", Q(failures__gt=0)),
    )
    first = checks.order_by("due").values_list("due", flat=True).first()
    last = ConnectionCheck.objects.filter(is_scheduled=True).order_by("-id").first()
    jobs = _jobs(seconds, moment)
    return ScheduleReport(
        holder=lease.holder if lease else "",
        renewed_at=lease.renewed_at if lease else None,
        minutes=settings.CONNECTIONS_CHECK_MINUTES,
        **found,
        left_out=Connection.objects.filter(is_active=True, is_checked=False).count(),
        next_at=None if first is None else _moment(first, seconds, moment),
        last_at=last.checked_at if last else None,
        jobs=jobs,
        troubles=(*_silence(lease), *_late(jobs, found["overdue"])),
    )


def overdue() -> tuple[str, ...]:
    """What is overdue or failed, a sentence each. Three queries."""
    lease = ScheduleLease.objects.filter(pk=ROW).first()
    if lease is None or lease.renewed_at is None:
        return ()  # nothing has run here yet
    late = PlannedCheck.objects.filter(due__lt=lease.seconds - LATE_CHECK).count()
    return (*_silence(lease), *_late(_jobs(lease.seconds, lease.renewed_at), late))


def is_quiet() -> bool:
    """True where nobody has run anything for too long. One query."""
    return bool(_silence(ScheduleLease.objects.filter(pk=ROW).first()))


def _jobs(seconds: float, moment: datetime) -> tuple[JobLine, ...]:
    rows = {row.name: row for row in JobRun.objects.all()}
    lines = []
    for one in declared():
        row = rows.get(one.name)
        if row is None:
            lines.append(JobLine(one.name, one.title, one.every))
            continue
        due, is_late = _moment(row.due, seconds, moment), row.due < seconds - LATE
        run = (row.started_at, row.seconds, row.is_ok, row.said)
        lines.append(JobLine(one.name, one.title, one.every, *run, due, is_late))
    return tuple(lines)


def _moment(due: float, seconds: float, moment: datetime) -> datetime:
    """The time of the machine's clock that stands for one of the schedule's."""
    return moment + timedelta(seconds=due - seconds)


def _silence(lease: ScheduleLease | None) -> list[str]:
    if lease is None or lease.renewed_at is None:
        return []
    quiet = QUIET if settings.RUN_DUE else max(QUIET_OF_CRON, timedelta(seconds=2 * interval()))
    if timezone.now() - lease.renewed_at <= quiet:
        return []
    text = (
        _("Nothing has run by itself since %(time)s UTC. Start the server, or look into its log.")
        if settings.RUN_DUE
        else _(
            "Nothing has run by itself since %(time)s UTC. RUN_DUE is off: have cron call "
            "`manage.py run_due --once`."
        )
    )
    return [text % {"time": f"{lease.renewed_at:%Y-%m-%d %H:%M:%S}"}]


def _late(jobs: tuple[JobLine, ...], checks: int) -> list[str]:
    found = [_("%(job)s is overdue.") % {"job": _(one.title)} for one in jobs if one.is_overdue]
    found += [
        _("%(job)s failed: %(said)s") % {"job": _(one.title), "said": one.said}
        for one in jobs
        if one.is_ok is False
    ]
    if checks:
        text = _(
            "%(number)d checks of connections are overdue. Raise CONNECTIONS_CHECKS_AT_ONCE, "
            "CONNECTIONS_CHECKS_PER_HOST or the interval."
        )
        found.append(text % {"number": checks})
    return found
