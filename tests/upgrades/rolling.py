"""The previous release and this one on one database, in every order that an upgrade has.

Run by `make test-upgrades`. UPGRADE_FROM names another commit than the recorded one.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.connections.api.serving import environment
from tests.databases import address

from .acts import GOOD, PREPARE, Load, Program, acts
from .releases import RECORD, ROOT, Release, previous_release

POSTGRESQL = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
NEW = Release(ROOT)
COUNT = """
from gateway.models import UsageRecord
print(UsageRecord.objects.filter(outcome="ok").count())
"""


@pytest.fixture(scope="module")
def old() -> Iterator[Release]:
    with previous_release() as found:
        yield found


def is_recorded() -> bool:
    """True unless UPGRADE_FROM names another commit."""
    return not os.environ.get("UPGRADE_FROM")


def test_the_record_names_the_last_migrations_of_the_previous_release(old: Release):
    assert not is_recorded() or old.last_migrations() == RECORD["last"]


@dataclass
class Stage:
    """A database that the previous release has made, and servers of both."""

    old: Release
    place: Path
    variables: dict[str, str]
    programs: list[Program] = field(default_factory=list)
    token: str = ""
    count: int = 0

    def begin(self) -> None:
        """Lets the previous release make the tables and some rows."""
        self.old.manage(self.variables, "migrate", "-v0", "--skip-checks")
        self.token = self.old.manage(self.variables, "shell", "-v0", "-c", PREPARE).split()[-1]

    def served(self, release: Release, stack: ExitStack) -> Program:
        """A program that asks a new server of this release, which runs as long as the stack."""
        self.count += 1
        log = self.place / f"{self.count}.log"
        server = stack.enter_context(release.serving(self.variables, log))
        self.programs.append(Program(server, self.token))
        return self.programs[-1]

    def acted(self, program: Program) -> dict[str, int]:
        """The statuses of all that people and programs do."""
        self.count += 1
        return acts(program, str(self.count))

    def verify(self) -> None:
        """Holds that every call is in the records, and that no event is missing or wrong."""
        said = NEW.manage(self.variables, "shell", "-v0", "-c", COUNT)
        assert int(said.split()[-1]) == sum(len(one.answered) for one in self.programs)
        NEW.manage(self.variables, "verify_audit")


@pytest.fixture
def on_postgresql(old: Release, tmp_path: Path) -> Iterator[Stage]:
    name = f"upgrades_{uuid4().hex[:12]}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield Stage(old, tmp_path, variables(POSTGRESQL.rpartition("/")[0] + f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def on_sqlite(old: Release, tmp_path: Path) -> Stage:
    return Stage(old, tmp_path, variables(address(tmp_path / "switchboard.sqlite3")))


def variables(database: str) -> dict[str, str]:
    return environment(database, WEB_CONCURRENCY="2", RUN_DUE="true")


def bad(statuses: dict[str, int]) -> dict[str, int]:
    """Those of acts that did not succeed."""
    return {name: status for name, status in statuses.items() if status not in GOOD}


def lost(load: Load, program: Program) -> dict[tuple[str, int], int]:
    """The requests that failed, but for calls that the previous release refuses because the rows
    change faster than it reads them: CHANGELOG, 0.1.0. The next one that is recorded refuses none.
    """
    changing = sum('"changing"' in text for text in program.refused)
    failed = {what: number for what, number in load.statuses.items() if what[1] != 200}
    return failed if failed != {("_call", 503): changing} else {}


def test_instances_are_upgraded_one_after_the_other_and_back(on_postgresql: Stage):
    stage = on_postgresql
    stage.begin()
    with ExitStack() as ours:
        with ExitStack() as theirs:
            old = stage.served(stage.old, theirs)
            before = stage.acted(old)
            assert not is_recorded() or bad(before) == {}
            with Load(old) as load:
                _new_code_waits_for_its_schema(stage)
                NEW.manage(stage.variables, "migrate", "-v0")
                assert stage.acted(old) == before, "the previous release on the new schema"
                new = stage.served(NEW, ours)
                assert bad(stage.acted(new)) == {}, "this release beside the previous one"
            assert lost(load, old) == {}
            assert (old.ready()[0], new.ready()[0]) == (200, 200)
            _what_one_switches_off_the_other_refuses(old, new)
            _what_one_switches_off_the_other_refuses(new, old)
        assert bad(stage.acted(new)) == {}, "this release alone"
    with ExitStack() as theirs:
        old = stage.served(stage.old, theirs)
        assert stage.acted(old) == before and old.ready()[0] == 200, "back to the previous one"
    stage.verify()


def test_both_releases_serve_while_usage_is_partitioned_and_after(on_postgresql: Stage):
    stage = on_postgresql
    stage.variables["GATEWAY_USAGE_DAYS"] = "30"  # 400 take more locks than PostgreSQL has at first
    stage.begin()
    with ExitStack() as servers:
        old = stage.served(stage.old, servers)
        before = stage.acted(old)
        NEW.manage(stage.variables, "migrate", "-v0")
        new = stage.served(NEW, servers)
        with Load(old) as load:
            NEW.manage(stage.variables, "partition_usage")
            assert stage.acted(old) == before, "the previous release, with partitions"
            assert bad(stage.acted(new)) == {}, "this release, with partitions"
        assert lost(load, old) == {}
        _what_one_switches_off_the_other_refuses(old, new)
    stage.verify()


def _new_code_waits_for_its_schema(stage: Stage) -> None:
    """Where there are new migrations: an instance of this release is alive and not ready, and does
    nothing.
    """
    if stage.old.last_migrations() == NEW.last_migrations():
        return
    with ExitStack() as stack:
        early = stage.served(NEW, stack)
        status, body = early.ready()
        assert status == 503 and "older than this code" in body["reasons"]["schema"]
        assert early.client.get("/health/live").status_code == 200
        assert (early.chat(), early.switch(False)) == (503, 503)


def _what_one_switches_off_the_other_refuses(one: Program, other: Program) -> None:
    assert other.chat() == 200
    assert one.switch(False) == 200
    assert [other.chat() for _ in range(10)] == [409] * 10  # both workers
    assert one.switch(True) == 200
    assert other.chat() == 200


def test_one_instance_on_sqlite_is_upgraded_and_goes_back(on_sqlite: Stage):
    stage = on_sqlite
    stage.begin()
    with ExitStack() as stack:
        before = stage.acted(stage.served(stage.old, stack))
    NEW.manage(stage.variables, "migrate", "-v0")
    with ExitStack() as stack:
        assert bad(stage.acted(stage.served(NEW, stack))) == {}
    with ExitStack() as stack:
        assert stage.acted(stage.served(stage.old, stack)) == before
    stage.verify()
