"""Large imports, which are saved in parts."""

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from connections import services
from connections.models import Connection, Profile
from connections.packages import services as package_services
from connections.packages.format import files
from connections.packages.services import Decisions, PackageError, Plan, saving
from tests.fakes import connect, profile_of, reload
from tests.pages import HTMX, words
from tests.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.server]
STOP = {"action": "cancel"}


@pytest.fixture(autouse=True)
def _parts_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_services.importing, "AT_ONCE", 2)
    monkeypatch.setattr(saving, "PART", 2)
    monkeypatch.setattr(saving, "PAUSE", 0)


@pytest.fixture
def rows(fake: Any) -> list[Connection]:
    return [connect(name=f"Number {number}") for number in range(5)]


@pytest.fixture
def profiles(rows: list[Connection]) -> list[Profile]:
    """Each stands in for the one before it, the first for the last."""
    found = [profile_of(row, alias=f"p{number}") for number, row in enumerate(rows)]
    for one, other in zip(found, [*found[1:], found[0]], strict=True):
        services.update_profile(reload(one), actor=None, fallbacks=[other])
    return [reload(one) for one in found]


def package_of(rows: list[Connection], profiles: list[Profile]) -> bytes:
    return package_services.export_package(rows, profiles, actor=None)


def delete_all() -> None:
    for row in Profile.objects.all():
        row.fallback_steps.all().delete()
    Profile.objects.all().delete()
    Connection.objects.all().delete()


def take(content: bytes, **more: Any) -> Plan:
    return package_services.import_package(content, actor=None, **more)


def chains() -> dict[str, list[str]]:
    return {
        row.alias: [step.fallback.alias for step in row.fallback_steps.all()]
        for row in Profile.objects.order_by("alias")
    }


def test_a_large_package_comes_back_as_it_was(rows, profiles):
    content, before = package_of(rows, profiles), chains()
    delete_all()
    seen: list[tuple[int, int]] = []
    plan = take(content, told=lambda done, total: seen.append((done, total)))
    assert {item.action for item in plan.items} == {"create"}
    assert chains() == before and Connection.objects.count() == 5
    assert seen[:4] == [(0, 10), (2, 10), (4, 10), (5, 10)] and seen[-1] == (10, 10)
    assert {item.state for item in take(content).items} == {"identical"}


def test_a_conflict_is_found_before_anything_is_written(rows, profiles):
    content = package_of(rows, profiles)
    services.update_connection(reload(rows[4]), actor=None, name="Other")
    for row in rows[:4]:
        services.update_connection(reload(row), actor=None, name=f"{row.name} now")
    before = {row.pk: row.version for row in Connection.objects.all()}
    with pytest.raises(package_services.PackageConflict):
        take(content)
    assert {row.pk: row.version for row in Connection.objects.all()} == before


@pytest.mark.parametrize("kind", [Connection, Profile])
def test_what_somebody_changes_meanwhile_is_judged_again(
    rows: Any, profiles: Any, kind: Any, monkeypatch: pytest.MonkeyPatch
):
    """The last part's row, changed while the first part is saved."""
    content = package_of(rows, profiles)
    for row in rows:
        services.update_connection(reload(row), actor=None, name=f"{row.name} now")
    for row in profiles:
        services.update_profile(reload(row), actor=None, name=f"{row.name} now")
    update = services.update_connection if kind is Connection else services.update_profile
    changed = (rows if kind is Connection else profiles)[4]

    def told(done: int, _total: int) -> None:
        if done == 2:
            update(reload(changed), actor=None, name="Somebody's")

    take(content, decisions=Decisions(on_conflict="replace"), told=told)
    after = reload(changed)
    assert (after.name, after.version) == (changed.name, changed.version + 3)
    names = [row.name for row in kind.objects.order_by("alias")]
    assert not [name for name in names if name.endswith("now")]


def test_a_conflict_of_a_later_part_says_how_much_is_imported(rows, profiles):
    content = package_of(rows, profiles)
    delete_all()

    def told(done: int, _total: int) -> None:
        if done == 2:  # somebody takes the alias of one that comes later
            connect(name="Somebody's", alias=rows[4].alias)

    with pytest.raises(PackageError) as caught:
        take(content, told=told)
    assert caught.value.code == "changed" and "4 of 10 rows are imported" in str(caught.value)
    assert Connection.objects.count() == 5 and not Profile.objects.exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_database_that_goes_away_says_how_much_is_imported(
    rows: Any, profiles: Any, number: int, monkeypatch: pytest.MonkeyPatch
):
    content, before = package_of(rows, profiles), chains()
    delete_all()
    save, parts = saving._save, []

    def fail(run: Any, some: list[Any]) -> None:
        parts.append(len(some))
        if len(parts) > number:
            raise OperationalError("server closed the connection unexpectedly")
        save(run, some)

    with monkeypatch.context() as patched:
        patched.setattr(saving, "_save", fail)
        with pytest.raises(PackageError if number else OperationalError) as caught:
            take(content)
    assert not number or "2 of 10 rows are imported" in str(caught.value)
    take(content)
    assert chains() == before and Connection.objects.count() == 5


def test_a_deadlock_repeats_one_part(rows: Any, profiles: Any, monkeypatch: pytest.MonkeyPatch):
    content, before = package_of(rows, profiles), chains()
    delete_all()
    save, tries = saving.save_versions, []

    def once(some: list[Any], actor: Any) -> None:
        tries.append(len(some))
        save(some, actor)
        if len(tries) == 2:
            raise OperationalError("deadlock detected") from Deadlock()

    monkeypatch.setattr(saving, "save_versions", once)
    monkeypatch.setattr("connections.locks.database", NotInATransaction())
    take(content)
    assert tries == [2, 2, 2, 1, 2, 2, 1]
    assert chains() == before and {row.version for row in Connection.objects.all()} == {1}


class Deadlock(Exception):
    sqlstate = "40P01"


class NotInATransaction:
    """A test is one itself, and inside of one nothing is tried again."""

    in_atomic_block = False


def test_copies_keep_their_chains(rows, profiles):
    content = package_of(rows, profiles)
    copies = {f"profile:{row.pk}": "copy" for row in profiles}
    copies |= {f"connection:{row.pk}": "copy" for row in rows}
    plan = take(content, decisions=Decisions(items=copies))
    made = {uuid.UUID(item.row_id or "") for item in plan.items if item.kind == "profile"}
    assert len(made) == 5 and not made & {row.pk for row in profiles}
    for row in Profile.objects.filter(pk__in=made):
        assert {step.fallback_id for step in row.fallback_steps.all()} <= made


def progress(client: Client, address: str) -> str:
    pk = address.rstrip("/").rpartition("/")[2]
    return words(client.get(f"/tasks/{pk}/?waits=1", headers=HTMX))


@pytest.mark.parametrize("stopping", ["the package is dropped", "the task is cancelled"])
def test_the_page_tells_how_far_it_is_and_stops_when_told_so(
    rows: Any, profiles: Any, operator: Any, monkeypatch: pytest.MonkeyPatch, stopping: str
):
    """Told so in another request, while the import of this one runs."""
    content = package_of(rows, profiles)
    delete_all()
    importing, other = browser(operator), browser(operator)
    file = SimpleUploadedFile("a.zip", content, "application/zip")
    address = importing.post("/packages/import/", {"file": file})["Location"]
    task = address.replace("/packages/import/", "/tasks/")
    told = [progress(other, address)]
    save = saving._save

    def look(run: Any, some: list[Any]) -> None:
        save(run, some)
        told.append(progress(other, address))
        if len(told) == 4:
            where = (address, {"action": "drop"}) if "dropped" in stopping else (task, STOP)
            told.append(words(other.post(*where, follow=True)))

    monkeypatch.setattr(saving, "_save", look)
    answer = importing.post(address, {"action": "apply"}, follow=True)
    assert "It begins" in told[0] and "2 of 10 rows imported 8 left" in told[2]
    if "dropped" in stopping:
        assert "The import stops: 4 of 10 rows are imported" in told[4]
    assert "The import was stopped. 5 of 10 rows are imported." in words(answer)
    assert (Connection.objects.count(), Profile.objects.count()) == (5, 0)
    assert "5 of 10 rows are imported. Import the package again" in progress(other, address)
    assert "5 of 10 rows are imported" in words(other.get("/connections/"))


def test_an_export_tells_how_far_it_is_and_stops_when_told_so(
    rows: Any, profiles: Any, operator: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(package_services.export, "TELL_EVERY", 2)
    exporting, other, told = browser(operator), browser(operator), list[str]()
    written, pk = files._written, str(uuid.uuid4())

    def look(document: Any) -> bytes:
        told.append(progress(other, pk))
        if len(told) == 16:
            other.post(f"/tasks/{pk}/", STOP)
        return written(document)

    monkeypatch.setattr(files, "_written", look)
    whole = exporting.post("/packages/export/", {"task": pk, "profiles": "on"})
    assert whole["Content-Type"] == "application/zip" and len(told) == 10
    assert "2 of 10 rows written 8 left" in told[2] and told[9] == told[8]
    assert "The file is made: 10 rows." in progress(other, pk)
    assert "The file is made" not in words(other.get("/connections/"))
    stopped = exporting.post("/packages/export/", {"task": pk, "profiles": "on"})
    assert "The export was cancelled. No file was made." in words(stopped) and len(told) == 16


def test_an_export_cannot_take_the_task_of_another(rows: Any, operator: Any, administrator: Any):
    task = services.begin_bulk_test(rows, actor=administrator)
    answer = browser(operator).post("/packages/export/", {"task": str(task.pk)})
    assert answer["Content-Type"] == "application/zip"
    task.refresh_from_db()
    assert task.kind == "test" and task.user == administrator
