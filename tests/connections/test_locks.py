"""Many hands on the same rows: nobody gets a deadlock, nobody waits for the change counter, and
nothing that was written is lost.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections import services
from connections.change_counter import bump_change_counter, read_change_counter
from connections.locks import MOST_TRIES, hold, retried
from connections.models import Connection, Profile
from connections.packages import services as package_services
from connections.packages.services import Decisions, importing
from tests.fakes import connect, profile_of, reload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
PASSPHRASE = "correct horse battery staple"
REPLACE = Decisions(on_conflict="replace")


def side_by_side(*acts: Callable[[], Any]) -> list[Any]:
    """What each act, in a thread of its own, ended with: its result or its exception."""
    found: list[Any] = [None] * len(acts)
    together = threading.Barrier(len(acts), timeout=10)

    def call(number: int) -> None:
        try:
            together.wait()
            found[number] = acts[number]()
        except Exception as error:  # noqa: BLE001 the assertion shows it
            found[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


def switched_off(row: Connection) -> None:
    services.set_active(row, False, actor=None)
    connections.close_all()


@pytest.fixture
def rows(fake: Any) -> list[Connection]:
    return [connect(name=f"Number {number}") for number in range(6)]


@pytest.fixture
def content(rows: list[Connection]) -> bytes:
    for row in rows:
        profile_of(row, name=f"Of {row.name}")
    return package_services.export_package(
        rows, list(Profile.objects.all()), actor=None, passphrase=PASSPHRASE
    )


def test_switches_plans_imports_moves_and_rotations_of_the_same_rows_all_succeed(rows, content):
    confirmed: list[tuple[Any, int, bool]] = []

    def switch(turns: int, step: int) -> None:
        for turn in range(turns):
            row, wanted = rows[turn * step % len(rows)], turn % 2 == 0
            saved = services.set_active(row, wanted, actor=None)
            if saved.changed:
                confirmed.append((row.pk, saved.row.version, wanted))

    def again(act: Any) -> None:
        for _ in range(2):
            act(content, actor=None, passphrase=PASSPHRASE, decisions=REPLACE)

    def others() -> None:
        for turn in range(3):
            services.move_profiles(rows[turn], rows[-1 - turn], actor=None)
            services.rotate_credentials()

    found = side_by_side(
        lambda: switch(20, 1),
        lambda: switch(20, 5),
        lambda: again(package_services.import_package),
        lambda: again(package_services.import_package),
        lambda: again(package_services.plan_import),
        others,
    )
    assert found == [None] * 6
    written = Connection.history.values_list("id", "version")
    assert len(written) == len(set(written))
    states = {(one.id, one.version): one.is_active for one in Connection.history.all()}
    assert [one for one in confirmed if states[one[:2]] is not one[2]] == []
    for row in Connection.objects.all():
        assert (row.version, row.is_active) == max(
            (version, state) for (pk, version), state in states.items() if pk == row.pk
        )


def test_a_change_of_a_profile_locks_its_new_connection_before_it(rows):
    profile, found = profile_of(rows[0]), []
    change = threading.Thread(
        target=lambda: found.extend(
            side_by_side(
                lambda: services.update_profile(profile, actor=None, connection=rows[1]).changed
            )
        )
    )
    with transaction.atomic():
        hold(Connection.objects.all(), [rows[1].pk])
        change.start()
        change.join(0.5)  # it waits for the connection, and has not locked the profile yet
        hold(Profile.objects.all(), [profile.pk])
    change.join()
    assert found == [True]


def test_nobody_waits_for_a_count_that_is_not_committed(rows):
    before = read_change_counter()
    waits = database.vendor == "sqlite"  # whose transactions hold the whole file
    with transaction.atomic():
        bump_change_counter()
        other = threading.Thread(target=switched_off, args=(rows[0],))
        other.start()
        other.join(0.5 if waits else 10)
        assert other.is_alive() is waits
    other.join()
    assert read_change_counter() == before + 2


def test_a_plan_writes_nothing_and_locks_nothing(rows, content):
    services.update_connection(rows[0], actor=None, name="Another")
    with CaptureQueriesContext(database) as queries:
        plan = package_services.plan_import(
            content, actor=None, passphrase=PASSPHRASE, decisions=REPLACE
        )
    assert [one.action for one in plan.items].count("replace") == 1
    wrong = ("INSERT", "UPDATE", "DELETE", "BEGIN", "SAVEPOINT", "NOTIFY")
    assert not [one["sql"] for one in queries if any(word in one["sql"] for word in wrong)]
    assert len(queries) < 12


@pytest.fixture
def meanwhile(monkeypatch: Any) -> Callable[[Callable[[], Any]], None]:
    """Lets something happen between the look of the next import and its locks."""
    judge = importing.judge

    def between(act: Callable[[], Any]) -> None:
        def then_act(*arguments: Any, **named: Any) -> Any:
            judged = judge(*arguments, **named)
            monkeypatch.setattr(importing, "judge", judge)
            act()
            return judged

        monkeypatch.setattr(importing, "judge", then_act)

    return between


def take(content: bytes) -> package_services.Plan:
    return package_services.import_package(
        content, actor=None, passphrase=PASSPHRASE, decisions=REPLACE
    )


def test_an_import_judges_again_what_was_changed_meanwhile(rows, content, meanwhile):
    services.update_connection(rows[0], actor=None, name="Another")
    meanwhile(lambda: services.set_active(rows[0], False, actor=None))
    take(content)
    row = reload(rows[0])
    assert (row.name, row.is_active, row.version) == ("Number 0", True, 4)
    assert [one.version for one in row.history.order_by("version")] == [1, 2, 3, 4]


def test_an_import_makes_again_what_was_deleted_meanwhile(rows, content, meanwhile):
    Profile.objects.get(connection=rows[0]).delete()
    meanwhile(lambda: services.delete_connection(rows[0], actor=None))
    take(content)
    assert Profile.objects.get(name="Of Number 0").connection_id == rows[0].pk


def test_an_import_finds_what_was_made_meanwhile(rows, content, meanwhile):
    Profile.objects.all().delete()
    meanwhile(lambda: take(content))
    done = take(content)
    assert done.is_noop and Profile.objects.count() == len(rows)


class Ended(Exception):
    """Stands for the driver's exception."""

    sqlstate = "40P01"


def ended(times: int, calls: list[int]) -> Callable[[], str]:
    @retried
    def service() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError("deadlock detected") from Ended()
        return "done"

    return service


def test_what_the_database_ended_is_tried_again(db):
    assert ended(2, calls := [])() == "done" and len(calls) == 3


def test_but_not_for_ever(db):
    with pytest.raises(OperationalError):
        ended(100, calls := [])()
    assert len(calls) == MOST_TRIES


def test_and_not_inside_of_a_transaction_which_is_lost(db):
    with pytest.raises(OperationalError), transaction.atomic():
        ended(1, calls := [])()
    assert len(calls) == 1
