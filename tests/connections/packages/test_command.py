"""`manage.py package`: out, a look, in."""

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.models import Connection, Profile
from tests.databases import migrated
from tests.fakes import NEWEST_KEY, OTHER_SECRET, SECRET, connect, profile_of
from tests.pages import world

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse battery"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No terminal, and a folder of its own."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> tuple[str, str]:
    """What the command writes to stdout and stderr."""
    out, said = io.StringIO(), io.StringIO()
    call_command("package", *arguments, stdout=out, stderr=said)
    return out.getvalue(), said.getvalue()


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return str(caught.value)


def exported(*arguments: str) -> str:
    """The name of a package of everything, of which nothing is here any more."""
    run("export", "a.zip", "--profiles", *arguments)
    Profile.objects.all().delete()
    Connection.objects.all().delete()
    return "a.zip"


def passphrase(text: str = PASSPHRASE) -> str:
    Path("passphrase").write_text(f"{text}\n")
    return "passphrase"


# Export


def test_an_export_says_what_is_in_it_and_is_for_its_owner(connection: Connection):
    profile_of(connection)
    out, said = run("export", "a.zip")
    assert (out, said) == ("", "1 connection and 0 profiles, without secrets.\n")
    assert stat.S_IMODE(Path("a.zip").stat().st_mode) == 0o600 and zipfile.is_zipfile("a.zip")


def test_connections_are_chosen_by_alias_and_id(connection: Connection):
    other, _ = connect(name="Other"), connect(name="Third")
    run("export", "a.zip", "Production", str(other.pk))
    found = [
        name for name in zipfile.ZipFile("a.zip").namelist() if name.startswith("connections/")
    ]
    assert found == ["connections/other.yaml", "connections/production.yaml"]


def test_an_unknown_connection_is_refused(connection: Connection):
    assert "There is no connection 'nothing'" in refusal("export", "a.zip", "nothing")
    assert not Path("a.zip").exists()


def test_a_file_that_cannot_be_written_is_told(connection: Connection):
    assert "cannot be written (No such file or directory)" in refusal("export", "no/such/a.zip")


def test_a_passphrase_is_asked_for_at_a_terminal_or_read_from_a_file(connection: Connection):
    assert "--passphrase-file" in refusal("export", "a.zip", "--seal")
    assert "sealed" in run("export", "a.zip", "--seal", "--passphrase-file", passphrase())[1]
    assert "secrets.sealed" in zipfile.ZipFile("a.zip").namelist()


def test_a_passphrase_that_is_too_short_is_refused_and_not_repeated(connection: Connection):
    said = refusal("export", "a.zip", "--seal", "--passphrase-file", passphrase("brief-one"))
    assert "brief-one" not in said and not Path("a.zip").exists()


def test_a_tag_chooses(connection: Connection):
    connect(name="Other", tags=["prod"])
    assert run("export", "a.zip", "--tag", "prod")[1].startswith("1 connection and")
    assert "There is nothing to export" in refusal("export", "a.zip", "--tag", "none")


def test_an_installation_that_fits_into_no_package_is_split(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.packages.services.parts.MOST_ROWS", 4)
    first = profile_of(connect(name="B"), alias="of-b")
    profile_of(connect(name="C"), alias="of-c", fallbacks=[first])
    profile_of(connect(name="A"), alias="of-a")
    assert "--split" in refusal("export", "a.zip", "--profiles")
    before = world()
    said = run("export", "a.zip", "--profiles", "--split")[1]
    # b and c stay together: one stands in for the other
    assert said.splitlines() == [
        "a-1.zip: 1 connection and 1 profile, without secrets.",
        "a-2.zip: 2 connections and 2 profiles, without secrets.",
        "a-3.zip: 1 connection and 0 profiles, without secrets.",
    ]
    for number in (1, 2, 3):
        run("import", f"a-{number}.zip")
    assert world() == before


# Show and import


def test_show_tells_what_is_in_a_package_and_writes_nothing(connection: Connection):
    file = exported()
    before = world()
    out, _ = run("show", file)
    assert (
        out.splitlines()[0] == "create     connection production (new); needs production.api_key"
        and world() == before
    )


def test_importing_what_was_exported_changes_nothing(connection: Connection):
    profile_of(connection)
    run("export", "a.zip", "--profiles")
    before = world()
    out, said = run("import", "a.zip")
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["nothing", "connection"],
        ["nothing", "profile"],
    ]
    assert said == "Done.\n" and world() == before


def test_a_dry_run_writes_nothing_and_says_so(connection: Connection):
    out, said = run("import", exported(), "--dry-run")
    assert (
        out.startswith("create ")
        and said == "Nothing was written: this is a dry run.\n"
        and Connection.objects.count() == 0
    )


def test_a_conflict_is_shown_and_refused(connection: Connection):
    run("export", "a.zip")
    services.update_connection(connection, actor=None, name="Mine")
    before, out = world(), io.StringIO()
    with pytest.raises(CommandError, match="--decide"):
        call_command("package", "import", "a.zip", stdout=out)
    assert "refuse     connection production (conflict)" in out.getvalue() and world() == before


@pytest.mark.parametrize(
    "how", ["--on-conflict=replace", "--decide=connection:production=replace", "by id"]
)
def test_a_conflict_is_decided(connection: Connection, how: str):
    run("export", "a.zip")
    services.update_connection(connection, actor=None, name="Mine")
    run(
        "import", "a.zip", f"--decide=connection:{connection.pk}=replace" if how == "by id" else how
    )
    assert Connection.objects.get().name == "Production"


def test_a_decision_about_what_is_not_there_is_refused(connection: Connection):
    run("export", "a.zip")
    assert "This package does not hold connection:nothing" in refusal(
        "import", "a.zip", "--decide=connection:nothing=keep"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "--decide=production=keep",
        "--decide=connection:production=explode",
        "--secret=production.api_key",
    ],
)
def test_wrong_arguments_are_told(connection: Connection, wrong: str):
    run("export", "a.zip")
    assert " takes " in refusal("import", "a.zip", wrong)


def test_a_missing_secret_becomes_a_reference(connection: Connection):
    run("import", exported(), "--secret", "production.api_key=$Fake:ApiKey")
    assert Connection.objects.get().settings["api_key"] == "$Fake:ApiKey"


def test_a_missing_secret_is_taken_from_another_connection(connection: Connection):
    file = exported()
    connect(name="Other", settings={"api_key": OTHER_SECRET})
    out, said = run("import", file, "--secret", "production.api_key=connection:other")
    assert Connection.objects.get(alias="production").credentials["api_key"] == OTHER_SECRET
    assert OTHER_SECRET not in out + said


def test_a_key_on_the_command_line_is_refused_and_not_repeated(connection: Connection):
    said = refusal("import", exported(), "--secret", f"production.api_key={SECRET}")
    assert SECRET not in said and "never given on a command line" in said


def test_sealed_keys_need_a_passphrase_or_a_word(connection: Connection):
    file = exported("--seal", "--passphrase-file", passphrase())
    assert "--without-secrets" in refusal("import", file)
    assert (
        refusal("import", file, "--passphrase-file", passphrase("a wrong passphrase"))
        and Connection.objects.count() == 0
    )
    run("import", file, "--passphrase-file", passphrase())
    assert Connection.objects.get().credentials["api_key"] == SECRET


def test_sealed_keys_are_left_out_when_told_so(connection: Connection):
    run("import", exported("--seal", "--passphrase-file", passphrase()), "--without-secrets")
    assert Connection.objects.get().lacking == ["api_key"]


def test_a_plan_for_machines_is_json_without_secrets(connection: Connection):
    out, _ = run("import", exported(), "--dry-run", "--json")
    assert [one["action"] for one in json.loads(out)["items"]] == ["create"] and SECRET not in out


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(90)])
def test_what_is_no_package_is_refused(content: bytes):
    Path("a.zip").write_bytes(content)
    assert refusal("show", "a.zip") and refusal("import", "a.zip")


def test_a_file_that_is_not_there_is_told():
    assert "nothing.zip cannot be read" in refusal("import", "nothing.zip")


# As a program


def program(place: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """The command as a shell runs it, with a database of its own."""
    environment = {
        "SECRET_KEY": "of-one-test-only-0123456789abcdefgh",
        "FERNET_KEYS": NEWEST_KEY,
        "DATABASE_URL": f"sqlite:///{place / 'db.sqlite3'}",
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(
        command,
        cwd=place,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )


def test_a_package_goes_through_pipes_and_refusals_have_their_codes(tmp_path: Path):
    migrated(tmp_path / "db.sqlite3")
    (tmp_path / "one.yaml").write_text("name: search\ntype: serp\napi_key: $SerpAPI:ApiKey\n")
    assert program(tmp_path, "connection", "create", "-f", "one.yaml").returncode == 0
    out = program(tmp_path, "package", "export", "-")
    assert out.returncode == 0 and zipfile.is_zipfile(io.BytesIO(out.stdout)), out.stderr
    done = program(tmp_path, "package", "import", "-", input=out.stdout)
    assert (done.returncode, done.stdout[:8]) == (0, b"nothing "), done.stderr
    assert program(tmp_path, "package", "import", "-", input=b"no package").returncode == 1
    assert program(tmp_path, "package", "import", "-", "--secret", "a=b").returncode == 2


# A folder


def desired(path: str, text: str) -> None:
    """Writes a file of a folder that is kept by hand."""
    file = Path("desired", path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_folder_says_what_is_there_and_drift_has_an_exit_code_of_its_own(fake):
    desired("connections/main.yaml", "provider: fake\nsecrets: {api_key: $Fake:ApiKey}\n")
    desired("profiles/writer.yaml", "capability: Chat\nconnection: main\nmodel: a\ntags: [web]\n")
    desired("README.md", "not a part of it")
    plan = ["import", "desired", "--on-conflict", "replace", "--dry-run", "--exit-code"]
    with pytest.raises(SystemExit, match=r"^3$"):
        run(*plan)
    assert not Connection.objects.exists()
    run(*plan[:4])
    row = Profile.objects.select_related("connection").get()
    assert (row.alias, row.connection.alias, row.tags) == ("writer", "main", ["web"])
    assert row.is_active and "nothing" in run(*plan)[0]
    desired("connections/main.yaml", "provider: fake\nis_active: false\n")
    with pytest.raises(SystemExit, match=r"^3$"):
        run(*plan)
    run(*plan[:4])
    assert not Connection.objects.get().is_active and Profile.objects.get().pk == row.pk


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("notes.txt", "x", "has neither connections/ALIAS.yaml"),
        ("connections/a.txt", "x", "connections/a.txt is not a file of a package"),
        ("connections/a.yaml", "provider: fake\nalias: b\n", "has to be called like the alias"),
        ("connections/a.yaml", f"provider: fake\nsecrets: {{api_key: {SECRET}}}\n", "in clear"),
        ("profiles/a.yaml", "model: x\n", "profiles/a.yaml, capability"),
    ],
)
def test_a_folder_that_is_wrong_is_told_with_the_file(fake, path: str, text: str, said: str):
    desired(path, text)
    with pytest.raises(CommandError) as caught:
        run("import", "desired")
    assert said in str(caught.value) and SECRET not in str(caught.value)
