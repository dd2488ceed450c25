"""Versions that are restored by several people at the same moment, in real transactions."""

from typing import Any

import pytest

from connections import services as core
from connections.history import services
from connections.models import Connection, RowVersion
from connections.services import Invalid, Stale
from tests.connections.services.test_undo_at_once import at_once
from tests.fakes import connect, reload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def test_of_two_who_restore_a_version_one_is_told(connection: Connection, operator: Any):
    core.update_connection(connection, actor=None, name="Renamed")
    subject = services.subject_of("connection", reload(connection))

    def restore() -> Any:
        return services.restore(subject, 1, actor=operator, expected_version=2)

    told = at_once(restore, restore, restore)
    assert sorted(isinstance(one, Stale) for one in told) == [False, True, True]
    assert (reload(connection).name, reload(connection).version) == ("Production", 3)


def test_what_was_deleted_comes_back_once(fake: Any, operator: Any):
    row = connect()
    pk = row.pk
    core.delete_connection(row, actor=None)
    found = services.find_deleted(pk, actor=None)
    assert found is not None
    told = at_once(*[lambda: services.restore_deleted(found, actor=operator)] * 3)
    assert sum(isinstance(one, services.Revived) for one in told) == 1
    assert all(isinstance(one, Invalid | services.Revived) for one in told), told
    assert Connection.objects.get(pk=pk).version == 2


def test_states_of_a_team_have_numbers_of_their_own_however_many_change_it(db: None):
    team = core.create_team("Red", actor=None)
    names = ("One", "Two", "Three")
    told = at_once(*[lambda name=name: core.rename_team(team, name, actor=None) for name in names])
    assert not [one for one in told if isinstance(one, Exception)]
    numbers = RowVersion.objects.filter(kind="team").values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3, 4][: len(numbers)]


def test_a_version_is_named_and_its_name_taken_away_at_once(connection: Connection, operator: Any):
    subject = services.subject_of("connection", connection)
    names = ("Before the move", "", "Kept", "", "Good", "")
    told = at_once(
        *[
            lambda name=name: services.mark_version(subject, 1, actor=operator, name=name)
            for name in names
        ]
    )
    assert told == [None] * len(names)
    assert services.show_version(subject, 1)[0].name in names
