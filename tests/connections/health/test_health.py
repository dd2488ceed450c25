"""Health from calls and tests: what each says, what clears it, and that page and filter agree."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections import listing, services
from connections.health.services import (
    STATES,
    Call,
    health,
    model_health,
    note_calls,
    note_use,
    of_health,
    profile_health,
    profiles_of_health,
)
from connections.models import Connection, ConnectionTraffic, Profile
from providers.core.errors import ProviderError
from tests.fakes import connect, profile_of, reload

pytestmark = pytest.mark.django_db
REFUSED = ProviderError("fake.example does not accept the credentials.", "unauthorized", True)


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")


def call(row: Connection, code: str = "", model: str = "m", ago: float = 0, **more: Any) -> Call:
    """A call that ended `ago` seconds ago, with the settings of today."""
    ended = timezone.now() - timedelta(seconds=ago)
    version = more.pop("version", reload(row).version)
    message = f"It says {code}." if code else ""
    return Call(row.pk, version, model, ended, code, message=message, **more)


def state(row: Connection) -> str:
    return health(reload(row)).state


def test_one_refused_key_makes_the_connection_fail(row: Connection):
    note_calls([call(row), call(row, "unauthorized")])
    found = health(reload(row))
    assert (found.state, found.code, found.failures) == ("failed", "unauthorized", 1)
    assert "It says unauthorized." in found.detail and found.last_good


def test_failures_are_counted_from_the_first_after_an_answer(row: Connection):
    note_calls([call(row, "", ago=90), *(call(row, "unauthorized", ago=60 - n) for n in range(20))])
    found = health(reload(row))
    assert "The last 20 of 20 calls failed" in found.detail and found.since
    assert 59 < (timezone.now() - found.since).total_seconds() < 62


@pytest.mark.parametrize("code", ["timeout", "error", "rate_limited", "refused"])
def test_what_may_pass_fails_after_three_in_a_row(row: Connection, code: str):
    note_calls([call(row), call(row, code), call(row, code)])
    before = state(row)
    note_calls([call(row, code)])
    assert (before, state(row)) == ("degraded", "failed")


def test_a_limit_of_one_model_is_not_one_of_the_connection(row: Connection):
    note_calls([call(row, model="b"), *(call(row, "rate_limited", "a") for _ in range(5))])
    both = [model_health(reload(row), model).state for model in ("a", "b")]
    assert (state(row), both) == ("degraded", ["failed", "ok"])


def test_a_refused_key_is_one_of_every_model(row: Connection):
    note_calls([call(row, model="b"), call(row, "unauthorized", "a")])
    both = [model_health(reload(row), model).state for model in ("a", "b", "never called")]
    assert both == ["failed"] * 3


def test_an_answer_clears_a_failure(row: Connection):
    note_calls([call(row, "unauthorized")])
    note_calls([call(row)])
    assert (state(row), health(reload(row)).since) == ("ok", None)


def test_an_answer_of_before_that_another_worker_wrote_later_clears_nothing(row: Connection):
    note_calls([call(row, "unauthorized")])
    note_calls([call(row, ago=1)])
    one = ConnectionTraffic.objects.get()
    assert (state(row), one.recent, one.failures) == ("failed", "+-", 1)


def test_a_failure_of_a_clock_that_is_fast_is_cleared_all_the_same(row: Connection):
    note_calls([call(row, "unauthorized", ago=-3600)])
    note_calls([call(row)])
    assert state(row) == "ok"


def test_a_test_that_asked_before_a_key_was_refused_clears_nothing(row: Connection):
    note_calls([call(row, "unauthorized", ago=1)])
    states = []
    for ago in (2, 0):
        asked = timezone.now() - timedelta(seconds=ago)
        outcome = services.CheckResult(True, "ok", "It works.", asked_at=asked)
        services.record_check(reload(row), outcome, actor=None)
        states.append(state(row))
    assert states == ["failed", "ok"]


def test_single_failures_among_answers_are_degraded(row: Connection):
    note_calls([call(row), call(row, "timeout"), call(row)])
    found = health(reload(row))
    note_calls([call(row)] * 20)
    assert (found.state, found.failures, found.calls, state(row)) == ("degraded", 1, 3, "ok")


def test_a_passed_test_clears_a_failure_and_a_failed_one_does_not(row: Connection, fake: Any):
    note_calls([call(row, "unauthorized")])
    fake.answer = REFUSED
    services.test_connection(reload(row), actor=None)
    failed = state(row)
    fake.answer = []
    services.test_connection(reload(row), actor=None)
    assert (failed, state(row)) == ("failed", "ok")


def test_an_answer_after_a_failed_test_clears_it(row: Connection, fake: Any):
    fake.answer = REFUSED
    services.test_connection(row, actor=None)
    note_calls([call(row)])
    assert state(row) == "ok"


def test_switching_keeps_it_and_other_settings_reset_it(row: Connection):
    note_calls([call(row, "unauthorized")])
    for is_active in (False, True):
        services.set_active(row, is_active, actor=None)
    kept = state(row)
    services.update_connection(reload(row), actor=None, settings={"api_key": "fk-new"})
    note_calls([call(row, "unauthorized", version=1)])  # ended late, with the old key
    assert (kept, state(row)) == ("failed", "never")
    note_calls([call(row)])
    assert (state(row), ConnectionTraffic.objects.get().recent) == ("ok", "+")


def test_old_trouble_of_a_model_is_forgotten(row: Connection):
    note_calls([call(row, model="b", ago=10**6), call(row, "not_found", "a", ago=10**6)])
    assert state(row) == "ok"


def test_calls_of_a_connection_that_is_gone_are_nobodys(row: Connection):
    late = call(row)
    row.delete()
    note_calls([late])
    assert not ConnectionTraffic.objects.exists()


def test_an_answer_after_an_answer_is_not_written(row: Connection, django_assert_num_queries: Any):
    note_calls([call(row)])
    again = [call(row)] * 50
    with django_assert_num_queries(1):
        note_calls(again)


def test_a_cool_down_rests_one_model_or_the_whole_connection(row: Connection):
    until = timezone.now() + timedelta(seconds=30)
    note_calls([call(row, model="b"), call(row, "rate_limited", "a", rests_until=until)])
    both = [model_health(reload(row), model).state for model in ("a", "b")]
    assert (state(row), both) == ("degraded", ["resting", "ok"])
    note_calls([call(row, "refused", "a", rests_until=until)])
    found = model_health(reload(row), "b")
    assert (state(row), found.state) == ("resting", "resting")
    assert f"It rests until {until:%H:%M:%S} UTC" in found.detail and "It says" in found.detail


def test_an_ended_cool_down_is_over_and_a_refused_key_stays_failing(row: Connection):
    past, future = (timezone.now() + timedelta(seconds=one) for one in (-1, 30))
    note_calls([call(row), call(row, "timeout", rests_until=past)])
    before = state(row)
    note_calls([call(row, "unauthorized", rests_until=future)])
    assert (before, state(row)) == ("degraded", "failed")


def test_what_nobody_asks_for_is_unused_after_ninety_days(row: Connection):
    Connection.objects.update(asked_at=timezone.now() - timedelta(days=91))
    before = health(reload(row))
    note_use([row.pk])
    assert (before.state, state(row)) == ("unused", "never")
    assert "No call and no flow has asked for it since" in before.detail


def test_a_call_is_a_use(row: Connection):
    Connection.objects.update(asked_at=timezone.now() - timedelta(days=91))
    note_calls([call(row)])
    assert state(row) == "ok"


def test_failed_tests_in_a_row_tell_since_when(row: Connection, fake: Any):
    fake.answer = REFUSED
    first = services.test_connection(row, actor=None)
    services.test_connection(reload(row), actor=None)
    assert health(reload(row)).since == first.failing_since is not None


def stand_in_for(row: Connection, **settings: Any) -> tuple[Profile, Connection]:
    """A profile of the row with a fallback on another connection, which answers."""
    other = connect(name="Other")
    note_calls([call(other, model="spare")])
    spare = profile_of(other, name="Spare", model="spare")
    return profile_of(row, model="m", fallbacks=[spare], settings=settings), other


def test_a_profile_whose_fallback_answers_is_degraded(row: Connection):
    profile, other = stand_in_for(row)
    note_calls([call(row, "unauthorized")])
    saved = profile_health(profile)
    services.set_active(other, False, actor=None)
    profile.refresh_from_db()
    alone = profile_health(Profile.objects.get(pk=profile.pk))
    assert (saved.state, saved.code, alone.state) == ("degraded", "unauthorized", "failed")
    assert saved.detail.startswith("It answers by its fallback spare. The last call")


def test_a_fallback_that_may_not_take_over_saves_nothing(row: Connection):
    profile, _ = stand_in_for(row, fallback_on=["timeout"])
    note_calls([call(row, "unauthorized")])
    assert profile_health(profile).state == "failed"


def test_a_profile_whose_connection_is_off_says_so(row: Connection):
    profile = profile_of(services.set_active(row, False, actor=None).row)
    assert profile_health(profile).code == "connection_inactive"


@pytest.mark.server
def test_filter_and_badge_of_profiles_agree(fake: Any, settings: Any):
    chance = random.Random(5)
    rows = [connect(name=f"Row {number}") for number in range(24)]
    profiles: list[Profile] = []
    for row in rows:
        for model in "ab":
            fallbacks = chance.sample(profiles, min(len(profiles), chance.randrange(3)))
            more = {} if chance.randrange(3) else {"fallback_on": ["timeout"]}
            name = f"{row.name} {model}"
            one = profile_of(row, name=name, model=model, fallbacks=fallbacks, settings=more)
            profiles.append(one)
    for row in rows:
        for _ in range(chance.randrange(5)):
            _something(row, chance, fake)
    services.set_active(rows[3], False, actor=None)
    shown = list(Profile.objects.all())
    badges = {
        one: {row.name for row in shown if profile_health(row).state == one} for one in STATES
    }
    found = {
        one: set(profiles_of_health(Profile.objects.all(), one).values_list("name", flat=True))
        for one in STATES
    }
    assert badges == found and {one for one in STATES if found[one]} >= {"ok", "degraded", "failed"}


@pytest.mark.server
def test_filter_and_badge_agree(fake: Any, monkeypatch: pytest.MonkeyPatch):
    chance = random.Random(7)
    monkeypatch.setenv("Fake__Here", "fk-here")
    setups: list[dict[str, Any]] = [{"settings": {"api_key": "$Fake:Missing"}}]
    setups += [{"settings": {"api_key": "$Fake:Here"}}] * 3
    for number, more in enumerate(setups):
        connect(name=f"Reference {number}", **more)
    connect("fake", name="Gone")
    Connection.objects.filter(name="Gone").update(provider_id="gone")
    Connection.objects.filter(pk=connect(name="Lacking").pk).update(lacking=["api_key"])
    Connection.objects.filter(pk=connect(name="Lost").pk).update(credentials_key="lost")
    for number in range(60):
        row = connect(name=f"Row {number}")
        for _ in range(chance.randrange(6)):
            _something(row, chance, fake)
    long_ago = timezone.now() - timedelta(days=100)
    Connection.objects.filter(name__endswith="3").update(asked_at=long_ago)
    rows = list(Connection.objects.all())
    badges = {one: {row.name for row in rows if health(row).state == one} for one in STATES}
    found = {
        one: set(Connection.objects.filter(of_health(one)).values_list("name", flat=True))
        for one in STATES
    }
    assert badges == found and all(found.values())


def _something(row: Connection, chance: random.Random, fake: Any) -> None:
    """One thing that happens to a connection."""
    what = chance.randrange(5)
    if what == 0:
        fake.answer = chance.choice([REFUSED, []])
        services.test_connection(reload(row), actor=None)
    elif what == 1:
        key = f"fk-{chance.random()}"
        services.update_connection(reload(row), actor=None, settings={"api_key": key})
    else:
        code = chance.choice(["", "", "unauthorized", "timeout", "not_found"])
        ago, times = chance.choice([0, 0, 7200, 10**6]), chance.choice([1, 3])
        rest = timezone.now() + timedelta(seconds=chance.choice([-60, 300]))
        more = {"rests_until": rest} if code and chance.randrange(2) else {}
        note_calls([call(row, code, chance.choice("ab"), ago, **more)] * times)


@pytest.mark.parametrize("rows", [listing.connections, listing.profiles])
def test_a_list_by_health_looks_once_at_the_calls_of_a_row(rows: Any):
    sql = str(rows({}, "health").values("pk").query)
    # the other look is of rows with a failed test alone, for an answer since
    assert sql.count(f'FROM "{ConnectionTraffic._meta.db_table}"') == 2
