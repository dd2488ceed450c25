"""A package that was exported before an alias was changed means the same rows."""

from typing import Any

import pytest

from connections import services
from connections.models import AliasUse, Connection, FormerAlias, Profile
from connections.packages import services as package_services
from connections.packages.services import Decisions, PackageConflict, Plan
from tests.fakes import connect, profile_of, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def rows(fake: Any) -> list[Any]:
    """A connection and a profile that are called Old, of this installation."""
    connection = connect(name="Old", settings={"api_key": "$Fake:ApiKey"})
    return [connection, profile_of(connection, name="Old")]


def content(rows: list[Any]) -> bytes:
    return package_services.export_package([rows[0]], [rows[1]], actor=None)


def moved(rows: list[Any]) -> bytes:
    """A package with the same rows as another installation has them: with other ids."""
    found = content(rows)
    rows[1].delete()
    rows[0].delete()
    rows[0] = connect(name="Old", settings={"api_key": "$Fake:ApiKey"})
    rows[1] = profile_of(rows[0], name="Old")
    return found


def take(found: bytes, actor: Any = None, **decisions: Any) -> Plan:
    return package_services.import_package(found, actor=actor, decisions=Decisions(**decisions))


def rename(rows: list[Any]) -> None:
    for row in rows:
        services.change_alias(row, "fresh", actor=None)


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["the same ids", "other ids"])
def test_the_rows_are_identical_and_stay_as_they_are(rows: list[Any], is_elsewhere: bool):
    found = moved(rows) if is_elsewhere else content(rows)
    rename(rows)
    plan = take(found)
    assert plan.is_noop and {one.state for one in plan.items} == {"identical"}
    assert {one.row_id for one in plan.items} == {str(row.pk) for row in rows}
    assert "Its alias here is fresh, and stays." in plan.items[0].notes


def test_they_are_replaced_and_not_renamed(rows: list[Any]):
    found = moved(rows)
    rename(rows)
    services.update_connection(rows[0], actor=None, tags=["changed"])
    services.update_profile(rows[1], actor=None, tags=["changed"])
    take(found, on_conflict="replace")
    assert [(row.alias, row.tags) for row in map(reload, rows)] == [("fresh", []), ("fresh", [])]
    assert Connection.objects.count() == Profile.objects.count() == 1


def test_a_copy_gets_an_alias_that_is_free(rows: list[Any]):
    found = moved(rows)
    rename(rows)
    items = [one.id for one in package_services.plan_import(found, actor=None).items]
    take(found, items=dict.fromkeys(items, "copy"))
    assert {one.alias for one in Connection.objects.all()} == {"fresh", "old-2"}
    assert {one.alias for one in Profile.objects.all()} == {"fresh", "old-2"}


def test_the_export_has_the_alias_of_now(rows: list[Any]):
    rename(rows)
    found = content([reload(row) for row in rows])
    rows[1].delete()
    rows[0].delete()
    take(found)
    assert Connection.objects.get().alias == Profile.objects.get().alias == "fresh"
    assert not FormerAlias.objects.exists()


def test_an_import_by_a_former_alias_is_a_use_and_a_plan_is_none(
    rows: list[Any], administrator: Any
):
    found = moved(rows)
    rename(rows)
    package_services.plan_import(found, actor=administrator)
    assert not AliasUse.objects.exists()
    take(found, administrator)
    assert {(one.used_by, one.former_alias.alias) for one in AliasUse.objects.all()} == {
        ("ada", "old")
    }
    assert AliasUse.objects.count() == 2


def test_an_import_by_the_id_is_none(rows: list[Any]):
    found = content(rows)
    rename(rows)
    take(found)
    assert not AliasUse.objects.exists()


def test_two_of_a_package_are_never_one_row(rows: list[Any]):
    """One by the alias, another by the former one: the second is refused, since that is taken."""
    other = connect(name="Fresh", settings={"api_key": "$Fake:ApiKey"})
    found = package_services.export_package([rows[0], other], [], actor=None)
    rows[1].delete()
    rows[0].delete()
    other.delete()
    row = connect(name="Old", settings={"api_key": "$Fake:ApiKey"})
    services.change_alias(row, "fresh", actor=None)
    with pytest.raises(PackageConflict) as refused:
        take(found, on_conflict="replace")
    states = {one.alias: (one.state, one.action) for one in refused.value.plan.items}
    assert states == {"fresh": ("conflict", "replace"), "old": ("new", "refuse")}
