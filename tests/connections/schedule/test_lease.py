"""One process at a time has the lease, and no clock of a machine decides it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.models import ScheduleLease
from connections.schedule.services.lease import BEAT_EVERY, SILENT, Lease

pytestmark = [pytest.mark.django_db, pytest.mark.server]


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> Lease:
    lease = Lease(clock)
    assert lease.acquire()
    return lease


def test_another_gets_it_when_the_holder_is_silent_and_not_before(clock: Clock, held: Lease):
    other = Lease(clock)
    found = [other.acquire()]
    clock.now += SILENT - 1
    found.append(other.acquire())
    clock.now += 1
    found.append(other.acquire())
    assert found == [False, False, True]
    assert SILENT + 2 * BEAT_EVERY < 30


def test_a_holder_that_beats_keeps_it(clock: Clock, held: Lease):
    other = Lease(clock)
    for _ in range(20):
        assert not other.acquire()
        clock.now += BEAT_EVERY
        assert held.beat()
    assert other.is_elsewhere


def test_of_two_that_see_a_silent_holder_one_gets_it(clock: Clock, held: Lease):
    others = [Lease(clock), Lease(clock)]
    assert [one.acquire() for one in others] == [False, False]
    clock.now += SILENT
    assert [one.acquire() for one in others] == [True, False]


def test_a_holder_that_was_held_up_knows_that_it_may_have_lost_it(clock: Clock, held: Lease):
    clock.now += SILENT
    assert not held.is_held


def test_who_lost_it_learns_so_from_the_next_beat(clock: Clock, held: Lease):
    ScheduleLease.objects.update(holder="another")
    clock.now += BEAT_EVERY
    assert (held.beat(), held.is_held) == (False, False)


def test_what_is_given_back_is_free_at_once(clock: Clock, held: Lease):
    held.release()
    assert Lease(clock).acquire()


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_neither_frees_it_nor_moves_the_schedule(
    clock: Clock, held: Lease, days: int
):
    clock.now += 60
    held.beat()
    ScheduleLease.objects.update(renewed_at=timezone.now() + timedelta(days=days))
    other = Lease(clock)
    assert not other.acquire()
    clock.now += SILENT
    assert other.acquire()
    assert other.now == pytest.approx(60 + SILENT)


def test_the_schedule_stands_still_while_nobody_has_it(clock: Clock, held: Lease):
    clock.now += 60
    held.release()
    clock.now += 9999
    other = Lease(clock)
    other.acquire()
    assert other.now == pytest.approx(60)


@pytest.mark.parametrize(("slept", "found"), [(300, 300), (10**7, 900), (-500, 0)])
def test_who_is_called_now_and_then_moves_it_on_within_bounds(
    clock: Clock, held: Lease, slept: int, found: int
):
    held.release()
    ScheduleLease.objects.update(renewed_at=timezone.now() - timedelta(seconds=slept))
    other = Lease(clock)
    other.acquire(catch_up=900)
    assert other.now == pytest.approx(found, abs=5)
