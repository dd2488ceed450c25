"""Each worker has a slot of its own; those of ended workers are taken again."""

import pytest

from backoffice.telemetry.places import SPARE, Places
from connections.telemetry import metrics
from connections.telemetry.declared import RECORDS_LOST, WORKER_ENDS, WORKER_STARTS
from connections.telemetry.shared import IS_ALIVE


@pytest.fixture
def places():
    yield Places(1)
    metrics.open_slab(0)


def alive() -> list[int]:
    return [place for place, one in enumerate(metrics.slab().slots) if one.header[IS_ALIVE]]


def test_a_hundred_renewals_take_as_few_slots_as_two_workers_at_once(places: Places):
    slab = metrics.slab()
    places.take(0)
    for age in range(1, 100):  # as with HUP: the next one before the last has ended
        places.take(age)
        places.enter(age)
        metrics.add(RECORDS_LOST)
        metrics.attach(slab, 0)
        places.give_back(age - 1)
    assert slab.totals()[RECORDS_LOST.name, ()] == [99]
    assert sum(1 for one in slab.slots[1:] if one.read()) == 2


def test_starts_and_ends_are_counted(places: Places):
    for age in (1, 2, 3):
        places.take(age)
    places.give_back(2)
    totals = metrics.slab().totals()
    assert (totals[WORKER_STARTS.name, ()], totals[WORKER_ENDS.name, ()]) == ([3], [1])


def test_a_worker_is_alive_from_its_start_to_its_end(places: Places):
    places.take(1)
    assert alive() == [0] or alive() == []
    places.enter(1)
    assert 1 in alive()
    places.give_back(1)
    assert 1 not in alive()


def test_a_worker_too_many_counts_for_itself_and_the_log_says_so(
    places: Places, caplog: pytest.LogCaptureFixture
):
    slab = metrics.slab()
    for age in range(1, 4 + SPARE + 2):
        places.take(age)
    places.enter(4 + SPARE + 1)
    metrics.add(RECORDS_LOST)
    assert (RECORDS_LOST.name, ()) not in slab.totals()
    assert "too many workers" in caplog.text
