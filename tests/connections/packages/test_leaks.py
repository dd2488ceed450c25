"""No secret is in clear in a package, a plan, an error, a log, a repr, a traceback, a record or a
table.
"""

import io
import logging
import traceback
import zipfile
from typing import Any

import pytest
from django.db import connection as database
from django.views.debug import ExceptionReporter

from connections import services
from connections.models import Connection
from connections.packages import services as package_services
from connections.packages.format.files import read_package
from connections.packages.services import Decisions, PackageConflict, PackageError
from tests.fakes import connect

from .test_archive import edited

pytestmark = pytest.mark.django_db
KEY, ENTRY, HEADER, OLD = (
    "sk-literal-4b8d1f7730",
    "entry-of-a-map-3f01c8d7b4",
    "header-secret-c7710e5ab2",
    "sk-older-8812aa01ce",
)
PASSPHRASE = "a passphrase that nobody else has 5d1c"
ADDRESS = "https://a.example.com"
SECRETS = (KEY, ENTRY, HEADER, OLD, PASSPHRASE)


@pytest.fixture
def rows() -> list[Connection]:
    """Connections with every kind of secret."""
    return [
        connect("openai", name="One", settings={"api_key": KEY}),
        connect("custom", name="Map", settings={"secrets": {"a": ENTRY, "b": "$OpenAI:ApiKey"}}),
        connect(
            "openai-compatible",
            name="Headers",
            settings={"base_url": "https://a.example.com", "extra_headers": f"X-Secret: {HEADER}"},
        ),
    ]


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def leaks(*texts: Any) -> list[str]:
    return [secret for secret in SECRETS for text in texts if secret in str(text)]


def unpacked(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return "\n".join(opened.read(name).decode() for name in opened.namelist())


def told(error: BaseException) -> str:
    """All that an error says, with the page that DEBUG shows of it."""
    page = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_text()
    return f"{error!r} {error} {vars(error)} {page} {''.join(traceback.format_exception(error))}"


def test_a_package_holds_no_secret_in_clear(rows, records):
    for passphrase in ("", PASSPHRASE):
        content = package_services.export_package(rows, actor=None, passphrase=passphrase)
        assert leaks(content, unpacked(content), repr(read_package(content))) == []
    assert leaks(records.text) == []
    assert set(read_package(content).secrets(PASSPHRASE).values()) >= {KEY, ENTRY}


@pytest.mark.parametrize("wanted", ["abort", "keep", "replace", "copy", "merge"])
def test_no_plan_and_no_result_tells_a_secret(rows, records, wanted):
    content = package_services.export_package(rows, actor=None, passphrase=PASSPHRASE)
    services.update_connection(rows[0], actor=None, settings={"api_key": OLD}, name="Changed")
    services.update_connection(rows[1], actor=None, settings={"secrets": {"a": OLD}})
    rows[2].delete()
    decisions = Decisions(on_conflict=wanted)
    said = [
        package_services.plan_import(content, actor=None, passphrase=one, decisions=decisions)
        for one in ("", PASSPHRASE)
    ]
    try:
        said.append(
            package_services.import_package(
                content, actor=None, passphrase=PASSPHRASE, decisions=decisions
            )
        )
    except PackageConflict as error:
        said += [told(error), error.plan]
    assert leaks(*said, *map(repr, said), records.text) == []
    assert leaks(repr(Decisions(secrets={"one.api_key": KEY}))) == []


def test_no_refusal_repeats_a_secret(rows, records):
    content = package_services.export_package(rows[:1], actor=None, passphrase=PASSPHRASE)
    path = "connections/one.yaml"
    clear = [
        edited(content, lambda one: one.update(secrets={"api_key": KEY}), path),
        edited(content, lambda one: one.update(settings={"api_key": KEY}), path),
        edited(content, lambda one: one.update(name=[KEY]), path),
        edited(content, lambda one: one.update(settings={"organization": [KEY]}), path),
    ]
    for wrong, passphrase, secrets in [
        *((one, "", {}) for one in clear),
        (content, KEY, {}),
        (content, "", {"one.api_key": KEY}),
    ]:
        with pytest.raises(PackageError) as refused:
            package_services.plan_import(
                wrong, actor=None, passphrase=passphrase, decisions=Decisions(secrets=secrets)
            )
        assert (
            leaks(
                f"{refused.value!r} {vars(refused.value)}",
                "".join(traceback.format_exception(refused.value)),
            )
            == []
        )
    assert leaks(records.text) == []


CRASHES = [
    "connections.packages.services.connections.draft_connection",
    "connections.packages.services.connections.draft_change",
    "connections.packages.services.compare.addresses",
    "connections.packages.services.secrets.merged",
    "connections.packages.services.export.write_package",
    "connections.packages.format.files.seal",
    "connections.packages.format.files.unseal",
    "connections.packages.services.saving.save_versions",
    "connections.credentials.CredentialsField.get_db_prep_save",
]


@pytest.mark.parametrize("where", CRASHES)
@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_tells_no_secret(rows, records, monkeypatch, settings, rf, where, debug):
    settings.DEBUG = debug
    content = package_services.export_package(rows, actor=None, passphrase=PASSPHRASE)
    services.update_connection(
        rows[0], actor=None, settings={"api_key": OLD, "base_url": "https://b.example.com"}
    )
    rows[2].delete()

    def crash(*arguments: Any, **named: Any) -> Any:
        raise ZeroDivisionError("crashed here")

    monkeypatch.setattr(where, crash)
    errors = []
    for wanted in ("replace", "merge", "copy"):
        for act in (
            lambda: package_services.export_package(rows[:2], actor=None, passphrase=PASSPHRASE),
            lambda how=Decisions(on_conflict=wanted): package_services.import_package(
                content, actor=None, passphrase=PASSPHRASE, decisions=how
            ),
        ):
            try:
                act()
            except (ZeroDivisionError, PackageConflict) as error:
                errors.append(error)
    assert any(isinstance(error, ZeroDivisionError) for error in errors), "nothing crashed"
    settings.DEBUG = False
    pages = [
        ExceptionReporter(
            rf.get("/"), type(one), one, one.__traceback__.tb_next.tb_next
        ).get_traceback_html()
        for one in errors
    ]
    assert leaks(*pages, records.text) == []


@pytest.mark.server
def test_no_table_holds_a_secret_after_an_import(rows):
    content = package_services.export_package(rows, actor=None, passphrase=PASSPHRASE)
    for row in rows:
        row.delete()
    package_services.import_package(content, actor=None, passphrase=PASSPHRASE)
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            assert (
                leaks(
                    [
                        [bytes(one) if isinstance(one, memoryview) else one for one in row]
                        for row in cursor.fetchall()
                    ]
                )
                == []
            ), table
