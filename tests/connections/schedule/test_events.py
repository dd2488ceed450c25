"""The schedule itself does nothing that the jobs do not say: all of its door reads."""

from connections.schedule import services

READERS = frozenset({"is_quiet", "overdue", "run_due_once", "schedule_report"})


def test_every_act_of_the_door_is_in_the_table():
    assert {one for one in services.__all__ if one[0].islower()} == READERS
