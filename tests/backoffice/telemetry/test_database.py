"""The figures that the database has."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.telemetry.database import DAY, database_samples
from connections import services
from connections.health.services import Call, note_calls
from connections.models import ApiToken, Team
from connections.telemetry.declared import (
    CONNECTIONS,
    COOLDOWNS,
    FAILING,
    FAULTS,
    LIMIT_USED,
    LIMITED,
    NEXT_END,
    Metric,
)
from gateway.attention import ranking
from gateway.models import Cooldown, TokenCount
from tests.fakes import SECRET, connect

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered(fake: Any):
    ranking.MEMORY.clear()


def of(metric: Metric) -> dict[tuple[str, ...], float]:
    """The samples of a metric by their labels."""
    return {labels: value for one, labels, value in database_samples() if one is metric}


def fail(alias: str) -> None:
    row = connect(name=alias, settings={"api_key": SECRET})
    note_calls([Call(row.pk, row.version, "m", timezone.now(), "unauthorized", message="no")])


def test_connections_are_counted_by_their_state():
    connect(name="Fine")
    services.set_active(connect(name="Off"), False, actor=None)
    fail("bad")
    found = of(CONNECTIONS)
    states = {state: found[state,] for state in ("failed", "well", "inactive")}
    assert states == {"failed": 1, "well": 1, "inactive": 1}


def test_those_that_fail_are_named_up_to_the_setting(settings):
    settings.METRICS_ALIASES = 1
    for alias in ("a-one", "b-two", "c-three"):
        fail(alias)
    assert of(FAILING) == {("a-one",): 1, ("other",): 2}


def test_faults_are_counted_by_kind_and_severity():
    fail("bad")
    assert of(FAULTS)["failing", "critical"] == 1


def test_the_first_end_of_a_kind_is_told():
    days = timezone.now().date() + timedelta(days=3)
    for number, name in enumerate(("later", "sooner")):
        row = connect(name=name)
        type(row).objects.filter(pk=row.pk).update(expires_at=days - timedelta(days=number))
    (end,) = [value for (kind,), value in of(NEXT_END).items() if kind == "key"]
    assert timedelta(days=1).total_seconds() < end - timezone.now().timestamp() < 3 * 86400


def test_cool_downs_are_told_by_connection():
    row, until = connect(name="tired"), timezone.now() + timedelta(minutes=1)
    Cooldown.objects.create(connection_id=row.pk, until=until, code="quota")
    assert of(COOLDOWNS) == {("tired",): 1}


def test_limits_are_told_by_how_far_they_are_used(administrator: Any):
    today = timezone.now().astimezone(UTC).strftime(DAY)
    for name, used in (("little", 10), ("near", 85), ("full", 120)):
        token = ApiToken.objects.create(
            user=administrator, name=name, prefix=name, digest=name, tokens_per_day=100
        )
        TokenCount.objects.create(token_id=token.pk, window=today, count=used)
    team = Team.objects.create(name="Ours", tokens_per_day=200)
    TokenCount.objects.create(token_id=team.pk, window=today, count=60, reserved=10)
    found = of(LIMITED)
    states = [found["token", "tokens", state] for state in ("ok", "near", "used_up")]
    assert states == [1, 1, 1]
    assert of(LIMIT_USED)["team", "tokens"] == 0.25


def test_names_of_people_tokens_and_teams_and_secrets_are_in_no_figure(administrator: Any):
    ApiToken.objects.create(
        user=administrator, name="Website", prefix="p", digest="d", tokens_per_day=1
    )
    Team.objects.create(name="Secret project", tokens_per_day=1)
    fail("bad")
    told = repr([(metric.name, labels, value) for metric, labels, value in database_samples()])
    for hidden in ("Website", "Secret project", administrator.username, SECRET):
        assert hidden not in told


def test_many_connections_take_as_many_queries_as_few():
    fail("a")
    database_samples()
    numbers = []
    for more in (0, 10):
        for number in range(more):
            fail(f"more-{number}")
        ranking.MEMORY.clear()
        with CaptureQueriesContext(database) as queries:
            database_samples()
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]
