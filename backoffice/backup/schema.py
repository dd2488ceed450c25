"""The state of the schema, by the migrations that were applied."""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

Migration = tuple[str, str]  # app, name


def applied() -> list[Migration]:
    """The migrations that the database says were applied; none where it has no tables."""
    return sorted(MigrationRecorder(connection).applied_migrations())


def unknown(recorded: Collection[Migration]) -> list[Migration]:
    """Those of which this version of the code knows nothing: it is older."""
    known = MigrationExecutor(connection).loader.disk_migrations
    replaced = {one for migration in known.values() for one in migration.replaces}
    return sorted({*recorded} - known.keys() - replaced)


def behind(recorded: Collection[Migration]) -> list[Migration]:
    """The migrations of this version of the code that were not applied yet."""
    loader = MigrationExecutor(connection).loader
    return sorted(set(loader.graph.nodes) - _effective(loader, recorded))


def apps_at(recorded: Collection[Migration]) -> Any:
    """The models as they were when these migrations were applied."""
    if not behind(recorded):
        return apps
    loader = MigrationExecutor(connection).loader
    return loader.project_state(_ends(loader, recorded)).apps


def migrate_to(recorded: Collection[Migration]) -> None:
    """Brings a database without tables to the state in which these migrations were applied."""
    executor = MigrationExecutor(connection)
    executor.migrate(_ends(executor.loader, recorded))


def migrate() -> None:
    """Brings the database up to date."""
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def _effective(loader: Any, recorded: Collection[Migration]) -> set[Migration]:
    """With the squashed ones whose parts were all applied."""
    found = set(recorded)
    for key, migration in loader.disk_migrations.items():
        if migration.replaces and found.issuperset(migration.replaces):
            found.add(key)
    return found


def _ends(loader: Any, recorded: Collection[Migration]) -> list[Migration]:
    """The last ones of each app."""
    graph = loader.graph
    there = _effective(loader, recorded) & set(graph.nodes)
    return sorted(
        one
        for one in there
        if not any(
            child.key[0] == one[0] and child.key in there for child in graph.node_map[one].children
        )
    )
