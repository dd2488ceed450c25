"""What the applied migrations say about a schema and this code."""

import pytest
from django.db import connection as database
from django.db.migrations.recorder import MigrationRecorder

from backoffice.schema import Name, State, judge, read_schema

pytestmark = [pytest.mark.django_db, pytest.mark.server]
LAST = ("connections", "0044_audit_stream")


@pytest.fixture
def applied() -> set[Name]:
    """The migrations of a database that is up to date."""
    return set(MigrationRecorder(database).applied_migrations())


def test_a_database_that_was_migrated_is_current():
    assert read_schema().state is State.CURRENT and read_schema().message == ""


def test_an_empty_database_is_too_old():
    assert judge(set()).state is State.TOO_OLD
    assert "connections.0001_squashed" in judge(set()).migrations


def test_a_migration_that_is_missing_is_named(applied: set[Name]):
    found = judge(applied - {LAST})
    assert (found.state, found.migrations) == (State.TOO_OLD, ("connections.0044_audit_stream",))


def test_what_a_squashed_migration_stands_for_is_as_good(applied: set[Name]):
    replaced = {("gateway", "0001_initial"), ("gateway", "0002_groups_of_usage")}
    assert judge(applied - {("gateway", "0001_squashed")} | replaced).state is State.CURRENT


@pytest.mark.parametrize(
    ("newer", "state"),
    [
        (("connections", "9000_more"), State.NEWER),
        (("connections", "9001_after_0044_less"), State.NEWER),
        (("connections", "9001_after_9000_less"), State.TOO_NEW),
        (("auth", "9000_more"), State.NEWER),
        (("connections", "0003_squashed_meanwhile"), State.CURRENT),
        (("an_app_of_the_time_before", "9000_more"), State.CURRENT),
    ],
)
def test_a_migration_of_a_newer_release_says_itself_for_whom_it_works(
    applied: set[Name], newer: Name, state: State
):
    assert judge(applied | {newer}).state is state


def test_code_that_knows_too_little_and_too_much_is_too_old(applied: set[Name]):
    assert judge(applied - {LAST} | {("gateway", "9000_more")}).state is State.TOO_OLD
