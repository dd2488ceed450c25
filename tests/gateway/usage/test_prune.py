"""`manage.py prune_usage` deletes what is old, and nothing else."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from gateway.models import Cooldown, TokenCount, UsageAttempt, UsageRecord, UsageTotal
from gateway.usage import retention
from tests.gateway.records import used

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def prune(*arguments: str) -> str:
    out = StringIO()
    call_command("prune_usage", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def ages() -> None:
    """Requests that are 1, 39, 41 and 500 days old."""
    for days in (1, 39, 41, 500):
        used(started_at=timezone.now() - timedelta(days=days), latency_ms=days)


def left() -> set[int]:
    return set(UsageRecord.objects.values_list("latency_ms", flat=True))


def test_attempts_go_with_their_records():
    row: dict[str, Any] = {
        "profile_id": UUID(int=1),
        "connection_id": UUID(int=2),
        "connection_version": 1,
        "latency_ms": 1,
        "outcome": "ok",
    }
    for position, days in enumerate((1, 500)):
        at = timezone.now() - timedelta(days=days)
        UsageAttempt.objects.create(record_key=UUID(int=3), position=position, started_at=at, **row)
    prune()
    assert [one.position for one in UsageAttempt.objects.all()] == [0]


def test_records_older_than_the_setting_go(ages: None, settings):
    assert settings.GATEWAY_USAGE_DAYS == 400
    assert prune().startswith("1 usage record older than 400 days deleted.")
    assert left() == {1, 39, 41}


def test_another_number_of_days_can_be_given(ages: None):
    prune("--days", "40")
    assert left() == {1, 39}


def test_a_dry_run_counts_and_deletes_nothing(ages: None):
    assert prune("--days", "40", "--dry-run").startswith(
        "2 usage records older than 40 days would be deleted."
    )
    assert left() == {1, 39, 41, 500}


@pytest.mark.parametrize("days", ["0", "-5", "99999999"])
def test_days_that_make_no_sense_are_refused(ages: None, days: str):
    with pytest.raises(CommandError, match="GATEWAY_USAGE_DAYS"):
        prune(f"--days={days}")
    assert left() == {1, 39, 41, 500}


def test_totals_go_with_their_records_unless_they_are_kept_longer(ages: None, settings):
    settings.GATEWAY_TOTALS_DAYS = 100
    prune("--days", "40")
    assert (left(), days_in_totals()) == ({1, 39}, {1, 39, 41})
    settings.GATEWAY_TOTALS_DAYS = 0
    prune("--days", "40")
    assert days_in_totals() == {1, 39}


def days_in_totals() -> set[int]:
    """How many days ago the requests of the totals began."""
    starts = UsageTotal.objects.filter(dimension="all", minutes=15).values_list("start", flat=True)
    return {(timezone.now() - start).days for start in starts}


def test_many_records_go_in_batches(ages: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    assert retention.prune(30, 0).records == 3
    assert left() == {1}


def test_windows_of_limits_go_after_two_days():
    now = timezone.now()
    for days in (0, 1, 4):
        at = now - timedelta(days=days)
        for window in (f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M}"):
            TokenCount.objects.create(token_id=UUID(int=days), window=window, count=1)
    assert " 2 windows of limits" in prune()
    assert set(TokenCount.objects.values_list("token_id", flat=True)) == {UUID(int=0), UUID(int=1)}


def test_cooldowns_that_have_ended_go():
    now = timezone.now()
    Cooldown.objects.create(
        connection_id=UUID(int=1), until=now - timedelta(seconds=1), code="timeout"
    )
    Cooldown.objects.create(
        connection_id=UUID(int=2), until=now + timedelta(minutes=1), code="timeout"
    )
    assert "1 ended cool-downs" in prune()
    assert [one.connection_id for one in Cooldown.objects.all()] == [UUID(int=2)]
