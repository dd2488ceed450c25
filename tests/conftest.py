"""What every test gets: an environment, keys and caches of its own.

And the people, the fake provider and a saved connection.
"""

import gc
import os
import ssl
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.test import TransactionTestCase, override_settings

from backoffice.catalogues import load_catalogues
from connections import catalog, conf
from connections.audit import bounded
from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from .connections.api.serving import Served, serving
from .databases import migrated, shared_folder, template
from .fakes import NEWEST_KEY, connect, fake  # noqa: F401 fixtures
from .people import administrator, make_groups, nobody, operator, people, roles, stranger, viewer  # noqa: F401 fixtures
from .spans import spans  # noqa: F401 a fixture

# A machine that is busy with other tests is slow, and no example is wrong for that.
hypothesis.settings.register_profile("no-clock", deadline=None)
hypothesis.settings.load_profile("no-clock")

VENDORS = (
    "AWS_",
    "AZURE_",
    "OPENAI_",
    "ANTHROPIC_",
    "GOOGLE_",
    "GEMINI_",
    "MISTRAL_",
    "OLLAMA_",
    "IDENTITY_",
    "MSI_",
    "HTTP_",
    "HTTPS_",
)
SETTINGS: dict[str, Any] = {
    # else every django.test.Client reads all the static files: a third of the time of a page's test
    "WHITENOISE_USE_FINDERS": False,
    "STATIC_ROOT": None,
    "STORAGES": {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
    "FERNET_KEYS": [NEWEST_KEY],
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "CONNECTIONS_CONFIG": {},
    "CONNECTIONS_CONFIG_FILE": "",
    "CONNECTIONS_SECRETS_DIR": "",
    "CONNECTIONS_TYPES_DIR": "",
    "CONNECTIONS_REFERENCE_SECTIONS": [],
    "CONNECTIONS_REFERENCE_ENV": [],
    "CONNECTIONS_EGRESS_ALLOW": [],
    "CONNECTIONS_EGRESS_PRIVATE": True,
    "CONNECTIONS_SECRET_KEYS": ["key", "secret", "password", "token"],
    "CONNECTIONS_TEST_RATE": 60,
    "RUN_DUE": False,  # nothing asks or writes by itself while something else is looked at
}


def _foreign(name: str, declared: frozenset[str]) -> bool:
    return (
        "__" in name
        or name.upper().removesuffix("_FILE") in declared
        or name.upper().startswith(VENDORS)
    )


@pytest.fixture(scope="session")
def _declared() -> frozenset[str]:
    """Every environment variable that a setting of a shipped provider may come from."""
    return frozenset(
        field.environment.upper()
        for provider in all_providers()
        for field in settings_fields(provider).values()
    )


@pytest.fixture(autouse=True)
def _no_environment(_declared: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a machine has set decides a test."""
    for name in [one for one in os.environ if _foreign(one, _declared)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _own_settings() -> Iterator[None]:
    """The settings of every test. A test that changes one takes `settings`, which puts it back.

    Set once: done for each test it was half of the time of one that does little.
    """
    with override_settings(**SETTINGS):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_public_authorities() -> Iterator[Any]:
    """Leaves the machine's certificate authorities out: nobody a test asks has a certificate of
    theirs, and each client that is made reads all of them, 40 ms a time.

    Gives the method that reads them.
    """
    paths, read = ssl.get_default_verify_paths(), ssl.SSLContext.load_verify_locations
    public = {certifi.where(), paths.cafile, paths.openssl_cafile}

    def load(
        context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        own = None if cafile in public else cafile
        if own or capath or cadata:
            read(context, own, capath, cadata)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", load)
        yield read


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    cache.clear()
    bounded.forget()
    catalog.forget()
    conf.resolver.cache_clear()
    yield
    cache.clear()
    # what is made once for a module must not see the types of the test before
    catalog.forget()
    conf.resolver.cache_clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as people have it: in memory all threads share one connection, and no file
    could leak. Its tables are there, as those of PostgreSQL are, so that nothing is migrated.
    """
    test = django_settings.DATABASES["default"].setdefault("TEST", {})
    if _on_sqlite():
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        migrated(file)
        test |= {"NAME": str(file), "MIGRATE": False}
    elif os.environ.get("DATABASE_URL", "").startswith("postgres"):
        test |= {"TEMPLATE": template(), "MIGRATE": False}


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Whether the database that is there is used."""
    return _on_sqlite()


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """A test with real transactions leaves the groups of the migrations, which each test with
    people that follows had to make; making them takes longer than the flush.
    """
    with pytest.MonkeyPatch.context() as patch:
        if _on_sqlite():
            patch.setattr(TransactionTestCase, "_fixture_teardown", _flush)
        yield


flush = TransactionTestCase._fixture_teardown
CHANGES = '"connections_changestamp"'
standing: dict[str, list[Any]] = {}  # the rows that a flush leaves, by table


def _flush(case: TransactionTestCase) -> None:
    """Empties all tables but those of `standing`, if these are as a flush left them; else flushes.

    The count of changes goes on: who remembers rows by it must not meet a number twice.
    """
    if standing and {name: _rows(name) for name in standing} == standing:
        with transaction.atomic(), database.cursor() as cursor:
            for name in _with_rows():
                if name not in standing and name != CHANGES:
                    cursor.execute(f"DELETE FROM {name}")
        return
    flush(case)
    make_groups()
    standing.clear()
    standing.update({name: _rows(name) for name in _with_rows() if name != CHANGES})


def _rows(table: str) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        return cursor.fetchall()


def _with_rows() -> list[str]:
    """The tables of models that are not empty."""
    names = [database.ops.quote_name(one) for one in database.introspection.django_table_names()]
    looks = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names]
    with database.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks))
        return [name for (name,) in cursor.fetchall()]


def _on_sqlite() -> bool:
    return bool(django_settings.DATABASES["default"]["ENGINE"] == "backoffice.sqlite")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all tests that ask a real one, and do no more to its rows than add some."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture
def connection(fake):  # noqa: F811
    """A saved connection of the fake provider, with a literal key."""
    return connect()


@pytest.fixture
def secrets(settings, tmp_path: Path) -> Path:
    """The secrets directory, empty."""
    settings.CONNECTIONS_SECRETS_DIR = str(tmp_path)
    return tmp_path


def pytest_configure() -> None:
    """Makes what the processes of a run share, before any of them is started."""
    # a grammar for the format "iri", which nothing here has: jsonschema parses it forty times over,
    # two seconds of a core for each process that imports it
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    shared_folder()
    load_catalogues()
    # looking for garbage among 13,000 tests was a third of the time of collecting them
    gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish() -> None:
    """Leaves alone, from now on, what is there to the end: tests and modules."""
    gc.freeze()


@pytest.hookimpl(trylast=True)  # pytest-django puts what needs no database last
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the browser's tests first: they are in the share of one process then, so that one server
    and one browser are started, and that process runs nothing else while the others do the rest.
    The second process begins with the longest tests, which would else be waited for in the end.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/browser/"))
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes > 1:
        longest = [one for one in items if one.path.name == "test_schemathesis.py"]
        others = [one for one in items if one not in longest]
        share = len(items) // processes
        items[:] = [*others[:share], *longest, *others[share:]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the time per folder of tests, setup and teardown included; with -n that of all
    processes together.
    """
    rooms: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for one in reports:
            if isinstance(one, pytest.TestReport):
                rooms[_room(one.nodeid.partition("::")[0])] += one.duration
    if rooms:
        terminalreporter.section("seconds per room")
        for room, seconds in rooms.most_common():
            terminalreporter.write_line(f"{seconds:8.1f}  {room}")


def _room(file: str) -> str:
    """tests/api for tests/api/test_wire.py; a folder below tests/connections is a room too."""
    folders = file.split("/")[:-1]
    return "/".join(folders[: 3 if "connections" in folders else 2])
