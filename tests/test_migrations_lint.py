"""Migrations that the previous release would not survive are refused by `make lint`."""

from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tools.migrations import judge

LAST = 44


@pytest.fixture(scope="module")
def before() -> ProjectState:
    return MigrationLoader(None).project_state([("connections", "0044_audit_stream")])


def judged(before: ProjectState, name: str, *steps: Any) -> list[str]:
    migration = Migration(name, "connections")
    migration.operations = list(steps)
    return judge(migration, before, LAST)


def add(field: Any) -> operations.AddField:
    return operations.AddField("connection", "news", field)


def alter(name: str, field: Any) -> operations.AlterField:
    return operations.AlterField("connection", name, field)


KEY = models.Index(fields=["key"], name="by_key")
INDEXED = models.IntegerField(null=True, db_index=True)
ONCE = models.UniqueConstraint(fields=["name"], name="once")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (operations.RemoveField("connection", "name"), "after_0044"),
        (operations.RenameField("connection", "name", "title"), "after_0044"),
        (operations.DeleteModel("connection"), "after_0044"),
        (add(models.TextField(default="")), "db_default"),
        (add(models.JSONField(default=list)), "db_default"),
        (alter("name", models.CharField(max_length=10)), "may write what it refuses"),
        (alter("name", models.CharField(max_length=255, unique=True)), "may write what it refuses"),
        (alter("name", models.IntegerField()), "may write what it refuses"),
        (alter("created_by", models.IntegerField()), "may write what it refuses"),
        (operations.AddConstraint("connection", ONCE), "may write what it refuses"),
        (operations.AddIndex("UsageRecord", KEY), "may be partitioned"),
        (operations.AddField("usagerecord", "x", INDEXED), "may be partitioned"),
        (AddIndexConcurrently("usageattempt", KEY), "may be partitioned"),
        (operations.RunSQL("DROP TABLE x"), "nothing tells what it does"),
        (
            operations.SeparateDatabaseAndState([operations.RemoveField("connection", "name")]),
            "after_0044",
        ),
    ],
)
def test_what_the_previous_release_does_not_survive_is_refused(
    before: ProjectState, step: Any, words: str
):
    found = judged(before, "0045_more", step)
    assert len(found) == 1 and words in found[0]


@pytest.mark.parametrize(
    "step",
    [
        add(models.TextField(null=True)),
        add(models.TextField(default="", db_default="")),
        add(models.ManyToManyField("connections.profile")),
        alter("name", models.CharField(max_length=300)),
        alter("name", models.CharField(max_length=255, null=True)),
        operations.AddIndex("connection", models.Index(fields=["name"], name="by_name")),
        operations.CreateModel("News", [("id", models.BigAutoField(primary_key=True))]),
        operations.AddConstraint("news", ONCE),  # of a table that is as new
        operations.AddField("news", "text", models.TextField(default="")),
        operations.RunPython(operations.RunPython.noop),
    ],
)
def test_what_only_adds_is_fine(before: ProjectState, step: Any):
    assert judged(before, "0045_more", step) == []


def test_what_no_release_uses_any_more_may_go(before: ProjectState):
    step = operations.RemoveField("connection", "name")
    assert judged(before, "0045_after_0044_less", step) == []


def test_what_needs_code_that_no_release_has_is_refused(before: ProjectState):
    step = operations.RemoveField("connection", "name")
    assert "has no migration 0045" in judged(before, "0046_after_0045_less", step)[0]


def test_rows_are_not_changed_under_the_locks_of_their_tables(before: ProjectState):
    steps = (add(models.TextField(null=True)), operations.RunPython(operations.RunPython.noop))
    assert "give them their own" in judged(before, "0045_more", *steps)[0]
