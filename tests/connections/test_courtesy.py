"""A long computation steps aside for requests, and is not stopped by them."""

import gc
import threading
import time

import pytest
from django.db import transaction

from connections.courtesy import answering, long_computation, step_aside


def seconds_aside(times: int = 1) -> float:
    began = time.monotonic()
    for _ in range(times):
        step_aside()
    return time.monotonic() - began


def test_a_long_computation_waits_while_another_request_is_answered() -> None:
    ended = threading.Event()

    def other() -> None:
        with answering():
            time.sleep(0.05)
            ended.set()

    with answering(), long_computation():
        time.sleep(0.2)  # it may wait for half of this
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.01)
        step_aside()
        assert ended.is_set()
    thread.join()


def test_requests_without_end_cannot_stop_it() -> None:
    with answering(), answering(), long_computation():
        time.sleep(0.02)
        assert seconds_aside(times=1000) < 1


def test_two_long_computations_do_not_wait_for_each_other() -> None:
    with answering(), answering(), long_computation():
        other = threading.Thread(target=lambda: _in_another(found))
        found: list[float] = []
        time.sleep(0.5)
        other.start()
        other.join()
        assert found[0] < 0.1


def _in_another(found: list[float]) -> None:
    with long_computation():
        time.sleep(0.2)
        found.append(seconds_aside())


@pytest.mark.django_db
def test_nobody_waits_for_its_locks_meanwhile() -> None:
    with answering(), answering(), long_computation(), transaction.atomic():
        time.sleep(0.2)
        assert seconds_aside() < 0.01


def test_what_is_not_long_never_waits() -> None:
    with answering(), answering():
        assert seconds_aside() < 0.001


def test_old_objects_are_not_looked_through_until_its_request_has_ended() -> None:
    before = gc.get_threshold()
    with answering():
        with long_computation():
            pass
        assert gc.get_threshold()[2] > 100_000
        with answering():
            pass
    assert gc.get_threshold() == before


def test_young_objects_are_looked_through_as_often_as_the_server_has_said() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(12_345, 7)
        with answering(), long_computation():
            assert gc.get_threshold()[:2] == (12_345, 7)
        assert gc.get_threshold() == (12_345, 7, before[2])
    finally:
        gc.set_threshold(*before)
