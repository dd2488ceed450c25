"""What people and programs are told of what runs by itself."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from connections.models import Connection, JobRun, PlannedCheck, ScheduleLease
from connections.schedule.services import overdue, schedule_report
from tests.connections.api.calls import Api, token_of
from tests.pages import words
from tests.people import browser

pytestmark = pytest.mark.django_db
NOW = 50_000.0


@pytest.fixture
def lease(settings: Any) -> ScheduleLease:
    """A worker runs what is due."""
    settings.RUN_DUE = True
    return ScheduleLease.objects.create(
        pk=1, holder="a-worker", seconds=NOW, renewed_at=timezone.now()
    )


def plan(row: Connection, due: float, **columns: Any) -> None:
    PlannedCheck.objects.create(connection=row, due=due, **columns)


def test_nothing_is_overdue_before_anything_has_run():
    assert (overdue(), schedule_report().troubles) == ((), ())


def test_nothing_is_overdue_while_all_is_in_time(lease: ScheduleLease, connection: Connection):
    plan(connection, NOW - 5)
    JobRun.objects.create(name="prune-usage", due=NOW + 5, is_ok=True, said="Done.")
    assert overdue() == ()


@pytest.mark.parametrize(
    ("is_in_workers", "hours", "said"),
    [
        (True, 1, "Start the server"),
        (False, 1.5, "have cron call"),
        (False, 0.5, None),
    ],
)
def test_silence_is_told_with_its_cure(
    lease: ScheduleLease, settings: Any, is_in_workers: bool, hours: float, said: str | None
):
    settings.RUN_DUE = is_in_workers
    ScheduleLease.objects.update(renewed_at=timezone.now() - timedelta(hours=hours))
    assert [said in one for one in overdue()] == [True] * bool(said)


def test_what_is_late_or_failed_is_a_warning_everywhere(
    lease: ScheduleLease, connection: Connection, people: dict[str, Any], capsys: Any
):
    plan(connection, NOW - 500, failures=1)
    JobRun.objects.create(name="prune-usage", due=NOW - 5000, is_ok=True)
    JobRun.objects.create(name="renew-tokens", due=NOW, is_ok=False, said="It failed.")
    troubles = overdue()
    assert [one[:22] for one in troubles] == [
        "Deletion of old usage ",
        "Renewal of OAuth2 toke",
        "1 checks of connection",
    ]
    call_command("check", deploy=True, tags=["connections"])
    page = words(browser(people["administrator"]).get("/settings/schedule/"))
    answer = Api(token_of(people["administrator"])).read("/schedule")
    shown = capsys.readouterr().err
    assert all(one in shown and one in page for one in troubles)
    assert answer["troubles"] == [*troubles]
    assert (answer["checks"]["overdue"], answer["checks"]["failing"]) == (1, 1)


def test_the_page_says_when_each_job_is_due(lease: ScheduleLease, people: dict[str, Any]):
    JobRun.objects.create(
        name="prune-usage", due=NOW + 3600, started_at=timezone.now(), seconds=1.5, is_ok=True
    )
    page = words(browser(people["administrator"]).get("/settings/schedule/"))
    due = timezone.now() + timedelta(hours=1)
    assert re.search(rf"Deletion of old usage .*1\.50 s Done .*{due:%Y-%m-%d %H:}", page)
