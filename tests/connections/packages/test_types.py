"""Packages with connection types that are not installed where they arrive; and imports that
meet.
"""

import threading
from typing import Any

import pytest
from django.db import connections as databases

from connections.models import Connection, ConnectionType
from connections.packages import services as package_services
from connections.packages.format.files import read_package
from connections.packages.services import Decisions, PackageConflict, Plan
from connections.types import services as type_services
from providers.core.registry import UnknownProvider, get_provider
from tests.connections.types.manifests import SETTINGS, document, second
from tests.fakes import connect

pytestmark = pytest.mark.server

KEY, PASSPHRASE = "acme.helpdesk", "correct horse battery staple"
ALONG = Decisions(install_types=True)


def items(plan: Plan) -> dict[str, tuple[str, str]]:
    return {one.kind: (one.state, one.action) for one in plan.items}


@pytest.fixture
def content(db: None) -> bytes:
    """A sealed package of a connection whose type is not here any more, nor is the connection."""
    type_services.install_type(document(), actor=None)
    row = connect(KEY, settings=SETTINGS | {"region": "eu"})
    made = package_services.export_package([row], actor=None, passphrase=PASSPHRASE)
    row.delete()
    type_services.remove_type(KEY, actor=None)
    return made


def test_the_manifest_of_an_installed_type_comes_along(content):
    assert list(read_package(content).types) == [KEY]


def test_that_of_a_type_which_comes_with_switchboard_does_not(db):
    row = connect("github", settings={"variant": "cloud", "token": "$Github:Token"})
    assert read_package(package_services.export_package([row], actor=None)).types == {}


def test_without_its_type_a_connection_is_refused_or_left_out(content):
    plan = package_services.plan_import(content, actor=None, passphrase=PASSPHRASE)
    assert items(plan) == {"type": ("new", "skip"), "connection": ("missing_type", "refuse")}
    with pytest.raises(PackageConflict):
        package_services.import_package(content, actor=None, passphrase=PASSPHRASE)


def test_a_plan_that_would_install_a_type_leaves_none_behind(content):
    plan = package_services.plan_import(content, actor=None, passphrase=PASSPHRASE, decisions=ALONG)
    assert items(plan) == {"type": ("new", "create"), "connection": ("new", "create")}
    assert not ConnectionType.objects.exists()
    with pytest.raises(UnknownProvider):
        get_provider(KEY)


def test_the_type_is_installed_with_its_connection(content):
    package_services.import_package(content, actor=None, passphrase=PASSPHRASE, decisions=ALONG)
    assert Connection.objects.get().provider is get_provider(KEY)
    assert dict(Connection.objects.get().credentials) == {"api_key": SETTINGS["api_key"]}
    assert package_services.import_package(
        content, actor=None, passphrase=PASSPHRASE, decisions=ALONG
    ).is_noop


def test_only_who_may_install_types_gets_one_with_a_package(content, operator, administrator):
    plan = package_services.plan_import(content, actor=operator, decisions=ALONG)
    assert items(plan) == {"type": ("new", "refuse"), "connection": ("missing_type", "refuse")}
    package_services.import_package(content, actor=administrator, decisions=ALONG)
    assert ConnectionType.objects.get().installed_by == administrator


def test_settings_of_an_older_version_of_a_type_are_brought_up(content):
    type_services.install_type(second(), actor=None)
    done = package_services.import_package(content, actor=None, passphrase=PASSPHRASE)
    assert items(done)["type"] == ("identical", "nothing")
    row = Connection.objects.get()
    assert dict(row.credentials) == {"token": SETTINGS["api_key"]} and row.type_version == 2


def test_a_manifest_that_is_none_is_refused_in_the_plan(content):
    from .test_archive import files_of, resummed

    for text in (b"key: acme.helpdesk", document(key="acme.other").encode(), b"- 1"):
        wrong = resummed({**files_of(content), f"types/{KEY}.yaml": text})
        plan = package_services.plan_import(wrong, actor=None, decisions=ALONG)
        assert items(plan)["type"] == ("new", "refuse") and plan.items[0].notes


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_at_once_one_imports_and_one_finds_it_done(fake):
    row = connect()
    made = package_services.export_package([row], actor=None, passphrase=PASSPHRASE)
    row.delete()
    found: list[Any] = []

    def act() -> None:
        try:
            found.append(
                package_services.import_package(made, actor=None, passphrase=PASSPHRASE)
                .items[0]
                .action
            )
        except Exception as error:  # noqa: BLE001 whatever it is, the assertion shows it
            found.append(error)
        finally:
            databases.close_all()

    threads = [threading.Thread(target=act) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(str, found)) == ["create", "nothing", "nothing", "nothing"]
    assert (Connection.objects.count(), Connection.objects.get().version) == (1, 1)


def test_an_import_that_crashes_in_the_middle_leaves_nothing(db, fake, monkeypatch):
    rows = [connect(name=f"Number {number}") for number in range(3)]
    made = package_services.export_package(rows, actor=None)
    for row in rows:
        row.delete()
    history, tries = Connection.history.count(), []

    def crash(chains: Any) -> Any:
        tries.append(Connection.objects.count())
        raise ZeroDivisionError

    monkeypatch.setattr("connections.packages.services.saving.replace_fallbacks", crash)
    with pytest.raises(ZeroDivisionError):
        package_services.import_package(made, actor=None)
    assert (
        tries == [3] and not Connection.objects.exists() and Connection.history.count() == history
    )
