"""The plan: who is checked, and what makes a check due at once."""

import random
from itertools import pairwise
from typing import Any

import pytest

from connections import conf, services
from connections.models import Connection, PlannedCheck
from connections.references import Resolution
from connections.resolving import MACHINE, Resolver
from connections.schedule.services import planning
from connections.schedule.services.fingerprints import Fingerprints, content_of
from connections.schedule.services.planning import Planner, wait
from connections.section_teams import resolve_now
from connections.sources import EnvironmentSource
from tests.fakes import RecordingSource, connect, reload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake")]
LATER = 10_000.0
NOW = 20_000.0


@pytest.fixture(autouse=True)
def _sections(settings: Any) -> None:
    settings.CONNECTIONS_CHECK_MINUTES = 15
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Team"]


@pytest.fixture
def planner() -> Planner:
    return Planner()


def planned(planner: Planner, row: Connection) -> PlannedCheck:
    """The plan of a connection that was checked, and is due in a while."""
    planner.look(0.0)
    PlannedCheck.objects.filter(pk=row.pk).update(due=NOW + LATER, failures=3)
    return PlannedCheck.objects.get(pk=row.pk)


def is_due(planner: Planner, row: Connection) -> bool:
    planner.look(NOW)
    plan = PlannedCheck.objects.get(pk=row.pk)
    return (plan.due, plan.is_changed, plan.failures) == (NOW, True, 0)


def test_a_new_connection_is_due_at_once(planner: Planner, connection: Connection):
    planner.look(NOW)
    assert PlannedCheck.objects.get().due == NOW


def test_ten_thousand_at_once_are_spread_over_the_interval(
    planner: Planner, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    planner._contents = dict.fromkeys(range(10_000))
    dues = planner._dues(10_000, NOW)
    assert dues[0] == NOW
    assert dues[-1] == pytest.approx(NOW + 900, abs=1)
    assert max(after - before for before, after in pairwise(dues)) < 0.1


@pytest.mark.parametrize("column", ["is_active", "is_checked"])
def test_what_is_switched_off_is_not_planned(planner: Planner, connection: Connection, column: str):
    planned(planner, connection)
    services.update_connection(connection, actor=None, **{column: False})
    planner.look(NOW)
    assert not PlannedCheck.objects.exists()


def test_the_setting_switches_all_off(planner: Planner, connection: Connection, settings: Any):
    planned(planner, connection)
    settings.CONNECTIONS_CHECK_MINUTES = 0
    planner.look(NOW)
    assert not PlannedCheck.objects.exists()


def test_nothing_is_due_where_nothing_changed(planner: Planner, connection: Connection):
    planned(planner, connection)
    connect(name="Another")
    assert not is_due(planner, connection)


def test_a_new_version_is_due_at_once(planner: Planner, connection: Connection):
    planned(planner, connection)
    services.update_connection(connection, actor=None, settings={"region": "us"}, merge=True)
    assert is_due(planner, connection)


def test_it_is_seen_by_another_process_too(planner: Planner, connection: Connection):
    planned(planner, connection)
    services.update_connection(connection, actor=None, settings={"region": "us"}, merge=True)
    assert is_due(Planner(), connection)


def test_another_value_behind_a_reference_is_due_at_once(planner: Planner, settings: Any):
    settings.CONNECTIONS_CONFIG = {"Team": {"ApiKey": "one"}}
    row = connect(settings={"api_key": "$Team:ApiKey"})
    plan = planned(planner, row)
    settings.CONNECTIONS_CONFIG = {"Team": {"ApiKey": "two"}}
    assert is_due(planner, row)
    assert {"one", "two"} & {plan.fingerprint, PlannedCheck.objects.get().fingerprint} == set()


def test_another_type_is_due_at_once(
    planner: Planner, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    planned(planner, connection)
    monkeypatch.setattr("connections.catalog.type_digest", lambda _id: "another")
    monkeypatch.setattr("connections.catalog.type_marks", lambda: "another")
    assert is_due(planner, connection)


def test_a_source_that_fails_changes_nothing(fake: Any):
    source = RecordingSource({"Fake:ApiKey": "one"})
    resolver = Resolver((source,), conf._policy(), EnvironmentSource())

    def resolve(reference: str, is_secret: bool, _team: Any) -> Resolution:
        return resolver.resolve(reference, is_secret, MACHINE)

    content = content_of(1, "fake", {"api_key": "$Fake:ApiKey"}, None, ())
    before = Fingerprints().of(content, {}, resolve)
    source.broken = True
    assert (bool(before), Fingerprints().of(content, {}, resolve)) == (True, None)


def test_a_fingerprint_is_another_one_for_another_key_of_ours(settings: Any, fake: Any):
    content = content_of(1, "fake", {}, None, ())
    before = Fingerprints().of(content, {}, resolve_now)
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    assert Fingerprints().of(content, {}, resolve_now) != before


def test_what_a_longer_interval_put_far_away_comes_near(connection: Connection):
    planned(Planner(), connection)
    PlannedCheck.objects.update(failures=0)
    Planner().look(NOW)
    assert NOW <= PlannedCheck.objects.get().due <= NOW + 900


def test_what_fails_waits_longer_each_time_up_to_an_hour(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    assert [wait(number) for number in (0, 1, 2, 3, 9)] == [900, 900, 1800, 3600, 3600]


def test_the_wait_is_never_longer_than_the_interval_and_not_always_the_same():
    waits = {wait() for _ in range(100)}
    assert len(waits) > 50
    assert planning.JITTER * 900 <= min(waits) <= max(waits) <= 900


def test_a_deleted_connection_takes_its_plan_along(planner: Planner, connection: Connection):
    planner.look(NOW)
    services.delete_connection(reload(connection), actor=None)
    assert not PlannedCheck.objects.exists()
