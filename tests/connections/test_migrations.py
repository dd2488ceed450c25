"""One migration for each app; a database of the time before has nothing to do."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

pytestmark = [pytest.mark.django_db, pytest.mark.server]
APPS = ("connections", "gateway")


@pytest.mark.parametrize("app", APPS)
def test_an_app_has_one_migration(app: str):
    assert [name for label, name in MigrationLoader(None).disk_migrations if label == app] == [
        "0001_squashed"
    ]


def test_a_database_that_has_the_old_migrations_has_nothing_to_do():
    recorder = MigrationRecorder(connection)
    replaced = [
        old
        for (label, _), migration in MigrationLoader(None).disk_migrations.items()
        if label in APPS
        for old in migration.replaces
    ]
    recorder.migration_qs.filter(app__in=APPS).delete()
    for label, name in replaced:
        recorder.record_applied(label, name)
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
