"""`manage.py connectiontype`."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections import catalog, services
from connections.models import ConnectionType
from connections.types import services as type_services
from tests.fakes import connect, reload

from .manifests import SETTINGS, document, second

pytestmark = pytest.mark.django_db
KEY = "acme.helpdesk"
COGNIGY = json.dumps(
    [
        {"type": f"acme{name}", "label": name, "fields": [{"fieldName": "apiKey"}]}
        for name in ("One", "Two")
    ]
)


def run(*arguments: str) -> tuple[str, str]:
    """What it prints, and what it says."""
    out, err = io.StringIO(), io.StringIO()
    call_command("connectiontype", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a document and gives its path."""

    def file(text: str, name: str = "acme.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return file


def test_a_file_is_installed_and_the_next_version_too(file: Any):
    out, err = run("install", file(document()))
    assert (
        "acme.helpdesk  version 1  installed" in out
        and "credentials of acme.helpdesk (API key) go to: *.acme.example.com" in err
    )
    row = connect(KEY, settings=SETTINGS)
    out, err = run("install", file(second()))
    assert (
        "updated from version 1" in out
        and "brought up: Production" in err
        and "1 connection needs: Region" in err
    )
    assert reload(row).type_version == 2 and "unchanged" in run("install", file(second()))[0]


def test_stdin_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(document().encode())))
    run("install", "-")
    assert ConnectionType.objects.get().key == KEY


def test_a_dry_run_writes_nothing(file: Any):
    assert "Nothing was written" in run("install", file(document()), "--dry-run")[1]
    assert not ConnectionType.objects.exists()


@pytest.mark.server
def test_cognigys_schemas_are_installed_together_and_guesses_are_said(file: Any):
    assert "assumed: " in run("install", file(COGNIGY, "acme.json"))[1]
    assert ConnectionType.objects.count() == 2


@pytest.mark.parametrize("text", ["key: [", document(key="openai"), "", "x" * 300_000])
def test_what_is_refused_says_why(file: Any, text: str):
    with pytest.raises(CommandError, match=r".+\."):
        run("install", file(text))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(
        CommandError, match=r"/no/such/file cannot be read \(No such file or directory\)\."
    ):
        run("install", "/no/such/file")


def test_the_list_has_every_type(file: Any):
    run("install", file(document()))
    connect(KEY, settings=SETTINGS)
    lines = run("list")[0].splitlines()
    assert any(
        line.split() == ["acme.helpdesk", "1", "installed", "used", "by", "1", "Acme", "Helpdesk"]
        for line in lines
    )
    found = {one["key"]: one for one in json.loads(run("list", "--json")[0])}
    assert found[KEY] == {
        "key": KEY,
        "version": 1,
        "label": "Acme Helpdesk",
        "source": "installed",
        "file": "",
        "used_by": 1,
    }
    assert found["zendesk"]["source"] == "shipped"


def test_a_document_is_shown_and_can_be_installed_again(file: Any):
    for key in (KEY, "zendesk"):
        if key == KEY:
            run("install", file(document()))
        assert type_services.read_types(run("show", key)[0])[0].key == key


def test_a_type_is_removed_unless_it_is_used(file: Any):
    run("install", file(document()))
    row = connect(KEY, settings=SETTINGS)
    with pytest.raises(CommandError, match="Still used by Production"):
        run("remove", KEY)
    services.delete_connection(row, actor=None)
    assert "is removed" in run("remove", KEY)[1]
    for key, why in ((KEY, "There is no connection type"), ("zendesk", "Only what was installed")):
        with pytest.raises(CommandError, match=why):
            run("remove", key)


def test_sync_brings_the_connections_of_files_up(settings: Any, tmp_path: Path):
    type_services.install_type(document(), actor=None)
    row = connect(KEY, settings=SETTINGS)
    ConnectionType.objects.all().delete()
    settings.CONNECTIONS_TYPES_DIR = str(tmp_path)
    (tmp_path / "acme.yaml").write_text(second())
    catalog.forget()
    out, err = run("sync")
    assert (
        "acme.helpdesk  version 2" in out
        and "brought up: Production" in err
        and reload(row).type_version == 2
    )
    assert "Every connection is at the version of its type." in run("sync")[1]


def test_check_reads_only_and_fails_for_what_is_wrong(file: Any):
    good, bad = file(document()), file(document(icon="Not an icon"), "bad.yaml")
    assert "acme.helpdesk version 1 can be read." in run("check", good)[0]
    with pytest.raises(CommandError, match="1 of 2 cannot be installed"):
        run("check", good, bad)
    assert not ConnectionType.objects.exists()
