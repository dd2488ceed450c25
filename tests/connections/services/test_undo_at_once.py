"""An act that is undone while somebody else is at the same row, in real transactions."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database

from connections import services
from connections.models import Connection
from connections.services import NotUndone, undo_last_act
from tests.fakes import reload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each gives or raises, all called at the same moment."""
    gate, told = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int) -> None:
        gate.wait(20)
        try:
            told[place] = acts[place]()  # type: ignore[call-overload]
        except Exception as error:  # noqa: BLE001 the test looks at it
            told[place] = error  # type: ignore[call-overload]
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return list(told)


def test_two_tabs_undo_an_act_once(connection: Connection, operator: Any):
    services.set_active(connection, False, actor=operator)
    told = at_once(*[lambda: undo_last_act(operator)] * 3)
    assert sorted(isinstance(one, NotUndone) for one in told) == [False, True, True]
    row = reload(connection)
    assert (row.is_active, row.version) == (True, 3)


def test_an_undo_and_a_change_at_once_lose_nothing(
    connection: Connection, operator: Any, administrator: Any
):
    services.update_connection(connection, actor=operator, name="Renamed")

    def change() -> object:
        return services.update_connection(reload(connection), actor=administrator, tags=["new"])

    undone, changed = at_once(lambda: undo_last_act(operator), change)
    row = reload(connection)
    assert not isinstance(changed, Exception) and row.tags == ["new"]
    if isinstance(undone, NotUndone):
        assert "changed Renamed since" in str(undone) and (row.name, row.version) == ("Renamed", 3)
    else:
        assert (row.name, row.version) == ("Production", 4)
