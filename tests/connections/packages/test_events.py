"""Exports and imports leave one event each: who took what, who brought what."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError

from connections import services as core
from connections.models import AuditEvent, Connection, Profile, RevealRecord
from connections.packages import services
from connections.packages.services import Decisions, PackageConflict, PackageError, saving
from connections.types import services as types
from tests.connections.types.manifests import SETTINGS, document
from tests.events import body_of, left_by, told
from tests.fakes import SECRET, connect, profile_of, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]
PASSPHRASE = "correct horse battery staple 7"
ACTS = {"export_package": "package.export", "import_package": "package.import"}
# An upload is kept for an hour, for its person alone, and is not an act; its import is one.
READERS = frozenset(
    {
        "brings_profiles",
        "package_of_folder",
        "parts_of",
        "plan_import",
        "read_upload",
    }
    | {"declare_own_keeper", "drop_upload", "import_upload", "keep_upload"}
)


@pytest.fixture
def rows(fake: Any) -> list[Connection]:
    return [connect(name=name) for name in ("One", "Two", "Three")]


@pytest.fixture
def content(rows: list[Connection]) -> bytes:
    """A package of them, with secrets."""
    return services.export_package(rows, [profile_of(rows[0])], actor=None, passphrase=PASSPHRASE)


def take(content: bytes, who: Any = None, **more: Any) -> Any:
    return services.import_package(content, actor=who, **more)


def delete_all() -> None:
    Profile.objects.all().delete()
    Connection.objects.all().delete()


def test_every_act_of_the_door_is_in_the_table():
    acts = {one for one in services.__all__ if one[0].islower()}
    assert acts == {*ACTS, *READERS}


def test_an_export_is_one_event_that_names_each_row(rows: Any, administrator: Any):
    found: list[bytes] = []

    def export() -> None:
        found.append(services.export_package(rows, actor=administrator))

    [event] = left_by(export)
    assert (event.action, event.outcome, event.actor_name) == ("package.export", "done", "ada")
    assert event.object_id == sha256(found[0]).hexdigest()
    assert body_of(event)["detail"] == {"connections": 3, "profiles": 0, "secrets": 0}
    assert {one.object_id for one in event.mentions.all()} == {str(row.pk) for row in rows}


def test_an_export_with_secrets_is_another_act_and_has_none(rows: Any, administrator: Any):
    [event] = left_by(
        lambda: services.export_package(rows, actor=administrator, passphrase=PASSPHRASE)
    )
    assert event.action == "secret.export" and body_of(event)["detail"]["secrets"] == 3
    assert event.object_name == "one, three, two"
    text = repr(list(AuditEvent.objects.values()))
    assert SECRET not in text and PASSPHRASE not in text
    assert RevealRecord.objects.count() == 1


def test_a_refused_export_is_one_event(rows: Any, stranger: Any, operator: Any):
    plain = told(lambda: services.export_package(rows, actor=stranger), PermissionDenied)
    assert [one[:2] for one in plain] == [("package.export", "refused")]
    sealed = left_by(
        lambda: services.export_package(rows, actor=stranger, passphrase=PASSPHRASE),
        PermissionDenied,
    )
    assert [(one.action, one.outcome) for one in sealed] == [("secret.export", "refused")]
    none = told(lambda: services.export_package([], actor=None), PackageError)
    assert none == [("package.export", "refused", "nothing_to_export")]


def test_an_import_is_one_event_with_its_rows(content: bytes, administrator: Any):
    delete_all()
    [event] = left_by(lambda: take(content, administrator, passphrase=PASSPHRASE))
    assert (event.action, event.outcome, event.actor_name) == ("package.import", "done", "ada")
    assert event.object_id == sha256(content).hexdigest()
    numbers = {"connections": 3, "profiles": 1, "new": 4, "with_secrets": True, "mapped_secrets": 0}
    assert body_of(event)["detail"] == numbers
    assert {one.object_id for one in event.mentions.filter(kind="connection")} == {
        str(pk) for pk in Connection.objects.values_list("pk", flat=True)
    }
    text = repr(list(AuditEvent.objects.values()))
    assert SECRET not in text and PASSPHRASE not in text


def test_what_is_there_already_and_a_preview_leave_no_event(content: bytes):
    assert left_by(lambda: take(content)) == []
    assert left_by(lambda: services.plan_import(content, actor=None)) == []


def test_refused_imports_are_one_event_by_code(content: bytes, rows: Any, stranger: Any):
    core.update_connection(reload(rows[0]), actor=None, name="Other")
    about = sha256(content).hexdigest()
    cases: list[tuple[Callable[[], Any], str, str]] = [
        (lambda: take(content), "conflict", about),
        (lambda: take(content, passphrase="wrong passphrase"), "wrong_passphrase", about),
        (lambda: take(b"no package"), "not_a_package", sha256(b"no package").hexdigest()),
        (lambda: take(content, stranger), "missing_right, connections.view_connection", ""),
    ]
    for act, code, digest in cases:
        [event] = left_by(act, PackageConflict, PackageError, PermissionDenied)
        assert (event.action, event.outcome, event.object_id) == (
            *("package.import", "refused"),
            digest,
        )
        assert event.code.startswith(code)


def test_types_that_a_package_brings_are_in_its_event(db: None):
    types.install_type(document(), actor=None)
    row = connect("acme.helpdesk", settings=SETTINGS)
    content = services.export_package([row], actor=None)
    row.delete()
    types.remove_type("acme.helpdesk", actor=None)
    [event] = left_by(lambda: take(content, decisions=Decisions(install_types=True)))
    assert event.action == "package.import"
    assert ["type", "acme.helpdesk", "acme.helpdesk 1"] in body_of(event)["others"]


# In parts


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.importing, "AT_ONCE", 2)
    monkeypatch.setattr(saving, "PART", 2)
    monkeypatch.setattr(saving, "PAUSE", 0)


def test_an_import_in_parts_is_one_event_that_is_there_with_the_first(
    content: bytes, in_parts: None
):
    delete_all()
    seen: list[int] = []

    def told_of(_done: int, _total: int) -> None:
        seen.append(AuditEvent.objects.filter(action="package.import").count())

    [event] = left_by(lambda: take(content, told=told_of))
    assert seen == [0, 1, 1, 1]
    assert len(body_of(event)["others"]) == 4


def test_types_of_an_import_in_parts_come_first_with_an_event_of_their_own(
    db: None, in_parts: None
):
    types.install_type(document(), actor=None)
    rows = [
        connect("acme.helpdesk", name=f"Number {number}", settings=SETTINGS) for number in range(3)
    ]
    content = services.export_package(rows, actor=None)
    delete_all()
    types.remove_type("acme.helpdesk", actor=None)
    events = left_by(lambda: take(content, decisions=Decisions(install_types=True)))
    assert [one.action for one in events] == ["type.install", "package.import"]
    assert [one[0] for one in body_of(events[0])["others"]] == ["type"]
    assert [one[0] for one in body_of(events[1])["others"]] == ["connection"] * 3


def test_an_import_that_ends_between_two_parts_says_so(
    content: bytes, in_parts: None, monkeypatch: pytest.MonkeyPatch
):
    delete_all()

    def broken(*_arguments: Any) -> int:
        raise OperationalError("away")

    monkeypatch.setattr(saving, "_save_profiles", broken)
    found = told(lambda: take(content), PackageError)
    assert found == [
        ("package.import", "done", ""),
        ("package.import", "failed", "interrupted"),
    ]


def test_an_import_of_more_rows_than_an_event_names_says_how_many(
    fake: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.audit.writing.MOST_OTHERS", 2)
    rows = [connect(name=f"Number {number}") for number in range(5)]
    content = services.export_package(rows, actor=None)
    delete_all()
    [event] = left_by(lambda: take(content))
    assert (len(body_of(event)["others"]), body_of(event)["number"]) == (2, 6)
    assert event.mentions.count() == 2
