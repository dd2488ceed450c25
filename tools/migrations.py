"""Judges the migrations since the previous release: that release must go on working after them.

`make lint` runs it. docs/upgrading.md has the rules; tests/upgrades/previous_release.toml names the
release, and under [allowed] the migrations that break a rule for a reason.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

RECORD = Path(__file__).resolve().parent.parent / "tests/upgrades/previous_release.toml"
AFTER = re.compile(r"\d+_after_(\d+)_")
TAKES_AWAY = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
)
# may be partitioned by day: no index of all partitions is built or dropped concurrently
PARTITIONED = ("usagerecord", "usageattempt")
INDEXES = (operations.AddIndex, AddIndexConcurrently, RemoveIndexConcurrently)
DATA = (operations.RunPython, operations.RunSQL)
CURE = "name it NNNN_after_{last:04}_..., once a release is out that works without it"


def main() -> None:
    """Prints what is wrong, and ends with 1 where there is something."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from django.db.migrations.loader import MigrationLoader

    record = tomllib.loads(RECORD.read_text())
    loader, problems = MigrationLoader(None), []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        last = _number(record["last"].get(app, "9999"))
        if _number(name) > last and f"{app}.{name}" not in record.get("allowed", {}):
            before = loader.project_state((app, name), at_end=False)
            problems += [f"{app}.{name}: {one}" for one in judge(migration, before, last)]
    for one in problems:
        sys.stderr.write(f"{one}\n")
    sys.exit(bool(problems))


def judge(migration: Migration, before: ProjectState, last: int) -> list[str]:
    """What the release before would not survive. `before`: the models as they were; `last`: the
    number of that release's last migration of this app.
    """
    found = AFTER.match(migration.name)
    if found and int(found[1]) > last:
        return [f"the previous release has no migration {found[1]}, so it would stop working"]
    every = list(_flat(migration.operations))
    problems = [] if found else [one for step in every for one in _of_step(step, migration, before)]
    if any(isinstance(one, DATA) for one in every) and not all(
        isinstance(one, DATA) for one in every
    ):
        problems.append("rows are changed under the locks of its tables: give them their own")
    return [one.format(last=last) for one in problems]


def _flat(steps: Any) -> Iterator[Operation]:
    for one in steps:
        if isinstance(one, operations.SeparateDatabaseAndState):
            yield from _flat(one.database_operations)
        else:
            yield one


def _of_step(step: Any, migration: Migration, before: ProjectState) -> Iterator[str]:
    what = step.describe()
    if _builds_index(step) and step.model_name.lower() in PARTITIONED:
        yield f"{what}: the table may be partitioned; docs/upgrading.md says how"
    if isinstance(step, TAKES_AWAY):
        yield f"{what}: the previous release uses it; {CURE}"
    elif isinstance(step, operations.AddField):
        if _must_be_given(step.field) and _is_there(step.model_name, migration, before):
            yield f"{what}: the previous release writes rows without it; give it a db_default"
    elif isinstance(step, operations.AlterField):
        model = before.models.get((migration.app_label, step.model_name.lower()))
        field = model.fields.get(step.name) if model else None
        if field is not None and _is_narrower(field, step.field):
            yield f"{what}: the previous release may write what it refuses; {CURE}"
    elif isinstance(step, operations.AddConstraint):
        if _is_there(step.model_name, migration, before):
            yield f"{what}: the previous release may write what it refuses; {CURE}"
    elif isinstance(step, operations.RunSQL):
        yield f"{what}: nothing tells what it does; use other operations"


def _builds_index(step: Any) -> bool:
    return isinstance(step, INDEXES) or (
        isinstance(step, operations.AddField | operations.AlterField)
        and bool(getattr(step.field, "db_index", False))
    )


def _is_there(model: str, migration: Migration, before: ProjectState) -> bool:
    """True unless the table comes with this migration."""
    return (migration.app_label, model.lower()) in before.models


def _must_be_given(field: Any) -> bool:
    return not (field.many_to_many or field.null or field.has_db_default())


def _is_narrower(before: Any, after: Any) -> bool:
    """True if a row of before might not fit."""
    if before.many_to_many or after.many_to_many:
        return bool(before.many_to_many != after.many_to_many)
    lengths = (before.max_length or sys.maxsize, after.max_length or sys.maxsize)
    return (
        (before.null and not after.null)
        or (after.unique and not before.unique)
        or lengths[1] < lengths[0]
        or (before.has_db_default() and not after.has_db_default())
        or before.get_internal_type() != after.get_internal_type()
    )


def _number(name: str) -> int:
    return int(name.partition("_")[0])


if __name__ == "__main__":
    main()
