"""Names and tags: in which order they come, how they are found, what is refused."""

from typing import Any

import pytest
from django.db import connection as database

from connections import listing, services
from connections.models import Connection, Profile
from connections.models.base import KEYS_OF_NAME
from tests.fakes import connect, profile_of, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]
IN_ORDER = ["9", "10", "_x", "apple", "\xc4rger", "Banana", "\xc9CLAIR", "STRASSE", "zebra", "Zoo"]


def found(**filters: str) -> list[str]:
    return [row.name for row in listing.connections(filters)]


def as_the_version_before(row: Any, **columns: Any) -> None:
    """Writes columns as code does that knows nothing of the keys."""
    type(row).objects.filter(pk=row.pk).update(**columns)


@pytest.fixture
def many(fake: Any) -> list[Connection]:
    return [connect(name=name, alias=f"a{n}") for n, name in enumerate(reversed(IN_ORDER))]


@pytest.mark.usefixtures("many")
def test_names_come_in_the_order_that_people_expect():
    assert found() == IN_ORDER


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("text", ["\xe9clair", "ECLAIR", "e\u0301cl"])
def test_a_name_is_found_without_regard_to_case_accents_and_form(text: str):
    assert found(q=text) == ["\xc9CLAIR"]


@pytest.mark.usefixtures("many")
def test_a_name_alone_is_found_exactly():
    assert (found(name="Zoo"), found(name="zoo")) == (["Zoo"], [])


def test_numbers_in_names_come_as_numbers(fake: Any):
    names = ["Team 1", "Team 2 b", "Team 02 c", "Team 10", "team 10 a", "Team x"]
    for number, name in enumerate(reversed(names)):
        connect(name=name, alias=f"a{number}")
    assert found() == names and found(q="team 1") == ["Team 1", "Team 10", "team 10 a"]


def test_profiles_come_by_the_names_of_their_connections(many: list[Connection]):
    for row in many:
        profile_of(row, name=f"of {row.name}")
    rows = listing.profiles({}, "connection")
    assert [row.connection.name for row in rows] == IN_ORDER


def test_a_renamed_row_has_the_key_of_its_new_name(many: list[Connection]):
    services.update_connection(many[0], actor=None, name="\xc4pfel")
    assert found(q="apfel") == ["\xc4pfel"] and found()[3] == "\xc4pfel"


def test_a_row_that_the_version_before_wrote_sorts_and_is_found(many: list[Connection]):
    as_the_version_before(many[0], name_key="", keyed_name="")
    assert found() == IN_ORDER and found(q="ZOO") == ["Zoo"]


def test_a_row_that_the_version_before_renamed_sorts_and_is_found(many: list[Connection]):
    as_the_version_before(many[0], name="Berlin")
    expected = [*IN_ORDER[:6], "Berlin", *IN_ORDER[6:9]]
    assert found() == expected and found(q="berlin") == ["Berlin"] and found(q="zoo") == []


@pytest.mark.parametrize("model", [Connection, Profile])
def test_a_database_fills_the_keys_that_the_version_before_does_not_name(model: Any):
    with database.cursor() as cursor:
        columns = database.introspection.get_table_description(cursor, model._meta.db_table)
    assert all(one.default for one in columns if one.name in KEYS_OF_NAME)


@pytest.mark.usefixtures("many")
def test_the_list_by_name_is_read_from_its_index():
    rows = listing.connections({})[:5]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "connections_in_order" in rows.explain()


def errors(refused: services.Invalid) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.errors]


def test_what_nobody_sees_in_a_name_or_a_tag_is_refused_by_its_name(fake: Any):
    with pytest.raises(services.Invalid, match=r"U\+200B \(ZERO WIDTH SPACE\)") as refused:
        connect(name="Team\u200bKey", tags=["\u202eprod"])
    assert errors(refused.value) == [("name", "invisible"), ("tags", "invisible")]


def test_a_row_that_has_such_a_name_and_tag_can_be_changed(fake: Any):
    row = connect(name="Plain")
    as_the_version_before(row, name="Pl\u200bain", tags=["a\u200bb"])
    services.update_connection(reload(row), actor=None, name="Pl\u200bain", tags=["a\u200bb", "c"])
    assert reload(row).tags == ["a\u200bb", "c"]


def test_tags_that_differ_in_case_and_form_alone_are_one(fake: Any):
    row = connect(name="Plain", tags=["Pro\u0308d", "pr\xf6d", "PR\xd6D"])
    assert row.tags == ["Pro\u0308d"] and found(tag="pr\xd6d") == ["Plain"]
