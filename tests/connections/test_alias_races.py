"""Many hands on the same aliases: each finds one row, whoever is first."""

from typing import Any

import pytest

from connections import services
from connections.models import Connection, FormerAlias
from connections.services import Invalid
from tests.fakes import connect, reload

from .test_locks import side_by_side

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def every_alias() -> list[str]:
    """The aliases and former aliases of all connections."""
    former = FormerAlias.objects.of(Connection).values_list("alias", flat=True)
    return [*Connection.objects.values_list("alias", flat=True), *former]


def test_each_change_of_one_row_is_a_version_and_every_alias_finds_it(fake: Any):
    row = connect(name="Old")
    acts = [
        lambda number=number: services.change_alias(row, f"fresh-{number}", actor=None)
        for number in range(4)
    ]
    assert not [one for one in side_by_side(*acts) if isinstance(one, Exception)]
    assert reload(row).version == 5
    assert sorted(every_alias()) == [*(f"fresh-{number}" for number in range(4)), "old"]


def test_of_two_that_want_one_alias_one_gets_it(fake: Any):
    rows = [connect(name=f"Number {number}") for number in range(2)]
    found = side_by_side(
        *(lambda row=row: services.change_alias(row, "fresh", actor=None) for row in rows)
    )
    refused = [one for one in found if isinstance(one, Invalid)]
    assert len(refused) == 1 and refused[0].errors[0].code == "unique"
    assert every_alias().count("fresh") == 1


@pytest.mark.parametrize("number", range(3))
def test_an_alias_that_is_given_up_goes_to_nobody_else(fake: Any, number: int):
    row = connect(name="Old")
    other = connect(name="Other")
    found = side_by_side(
        lambda: services.change_alias(row, "fresh", actor=None),
        lambda: connect(name="Another", alias="old"),
        lambda: services.change_alias(other, "old", actor=None),
    )
    assert [isinstance(one, Invalid) for one in found] == [False, True, True]
    assert sorted(every_alias()) == ["fresh", "old", "other"]


def test_two_rows_cannot_change_places(fake: Any):
    first, second = connect(name="First"), connect(name="Second")
    found = side_by_side(
        lambda: services.change_alias(first, "second", actor=None),
        lambda: services.change_alias(second, "first", actor=None),
    )
    assert [type(one) for one in found] == [Invalid, Invalid]
    assert sorted(every_alias()) == ["first", "second"]


def test_one_that_is_taken_away_and_wanted_back_at_once_is_there_or_not(fake: Any):
    row = connect(name="Old")
    services.change_alias(row, "fresh", actor=None)
    former = FormerAlias.objects.get()
    found = side_by_side(
        lambda: services.remove_former_alias(former, actor=None),
        lambda: services.change_alias(row, "old", actor=None),
    )
    assert not [one for one in found if isinstance(one, Exception)]
    assert sorted(every_alias()) == ["fresh", "old"] and reload(row).alias == "old"
