"""The door of the schedule: its thread in a worker, one run of what is due, and the report."""

from .due_checks import Checks
from .report import JobLine, ScheduleReport, is_quiet, overdue, schedule_report
from .scheduler import Scheduler, run_due_once

__all__ = [
    "Checks",
    "JobLine",
    "ScheduleReport",
    "Scheduler",
    "is_quiet",
    "overdue",
    "run_due_once",
    "schedule_report",
]
