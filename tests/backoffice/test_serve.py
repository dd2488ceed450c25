"""The pieces of `make run`; tools/check_start.py starts the whole."""

import os
import socket
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from backoffice import first_keys, serve


@pytest.fixture
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An .env in another place, and an environment without keys."""
    monkeypatch.setenv("SWITCHBOARD_ENV_FILE", str(tmp_path / ".env"))
    for name in ("SECRET_KEY", "FERNET_KEYS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".env"


def lines(file: Path) -> dict[str, str]:
    """The settings of an .env that are not commented out."""
    return dict(
        line.split("=", 1)
        for line in file.read_text().splitlines()
        if line and not line.startswith("#")
    )


def test_keys_are_generated_for_their_owner_only(env_file: Path):
    serve.write_env_file()
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert {name: len(value) >= 44 for name, value in lines(env_file).items()} == {
        "SECRET_KEY": True,
        "FERNET_KEYS": True,
    }


def test_keys_are_never_printed(env_file: Path, capsys: pytest.CaptureFixture[str]):
    serve.write_env_file()
    said = capsys.readouterr().out
    assert ".env" in said and [value for value in lines(env_file).values() if value in said] == []


def test_every_installation_has_keys_of_its_own(env_file: Path):
    serve.write_env_file()
    first = lines(env_file)
    env_file.unlink()
    serve.write_env_file()
    assert not set(first.values()) & set(lines(env_file).values())


def test_an_env_file_that_is_there_stays(env_file: Path, capsys: pytest.CaptureFixture[str]):
    env_file.write_text("SECRET_KEY=mine\n")
    serve.write_env_file()
    assert env_file.read_text() == "SECRET_KEY=mine\n" and capsys.readouterr().out == ""


def test_only_what_the_environment_lacks_is_generated(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET_KEY", "x")
    serve.write_env_file()
    assert set(lines(env_file)) == {"FERNET_KEYS"}


def test_with_both_keys_in_the_environment_no_file_is_written(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET_KEY", "x")
    monkeypatch.setenv("FERNET_KEYS", "y")
    serve.write_env_file()
    assert not env_file.exists()


def test_keys_that_cannot_be_written_stop_the_start_with_the_cure(
    env_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SWITCHBOARD_ENV_FILE", str(env_file / "not a folder"))
    with pytest.raises(SystemExit):
        serve.write_env_file()
    said = capsys.readouterr().err
    assert "SECRET_KEY_FILE and FERNET_KEYS_FILE name files" in said and str(env_file) in said


def test_without_a_file_nothing_is_generated(monkeypatch: pytest.MonkeyPatch, env_file: Path):
    monkeypatch.setenv("SWITCHBOARD_ENV_FILE", os.devnull)
    assert serve.write_env_file() is None and not env_file.exists()


def test_an_env_file_without_keys_gets_them_once_and_never_where_the_database_was_used(
    tmp_path: Path,
):
    file, given = tmp_path / ".env", "OpenAI__ApiKey=sk-of-mine\nSECRET_KEY="
    file.write_text(given)
    file.chmod(0o644)
    done = prepared(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert done.returncode == 0 and "Generated SECRET_KEY and FERNET_KEYS into" in done.stdout
    found = file.read_text()
    assert found.startswith(f"{given}\n") and {*lines(file)} >= {"SECRET_KEY", "FERNET_KEYS"}
    assert prepared(tmp_path).returncode == 0 and file.read_text() == found
    file.write_text(given)
    done = prepared(tmp_path)
    assert done.returncode == 1 and "the stored credentials of 0 connections" in done.stderr
    assert file.read_text() == given


def test_keys_are_added_in_the_encoding_that_the_file_has(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_bytes("PORT=8001".encode("utf-16"))
    first_keys._append(file, "SECRET_KEY=x\n")
    assert file.read_bytes().decode("utf-16") == "PORT=8001\nSECRET_KEY=x\n"


def prepared(folder: Path) -> "subprocess.CompletedProcess[str]":
    """A start without a server, with .env and a database in this folder and nothing else."""
    own = {"SWITCHBOARD_ENV_FILE": f"{folder}/.env", "DATABASE_URL": f"sqlite:///{folder}/db"}
    return subprocess.run(
        [sys.executable, "-m", "backoffice.serve", "--prepare"],
        env=own | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ([], ["refuse_taken_port", "migrate", "ensure_admin", "run_gunicorn"]),
        (["--prepare"], ["migrate as asked", "ensure_admin"]),
    ],
)
def test_the_database_can_be_prepared_without_a_server(
    arguments: list[str], steps: list[str], monkeypatch: pytest.MonkeyPatch
):
    done: list[str] = []
    monkeypatch.setattr("os.umask", lambda _mask: None)
    monkeypatch.setattr("os.chdir", lambda _path: None)
    monkeypatch.setattr("sys.argv", ["serve.py", *arguments])
    for name in ("write_env_file", "set_up_django"):
        monkeypatch.setattr(serve, name, lambda: None)
    monkeypatch.setattr(
        serve, "migrate", lambda is_asked: done.append("migrate" + " as asked" * is_asked) or True
    )
    for name in ("refuse_taken_port", "ensure_admin", "run_gunicorn"):
        monkeypatch.setattr(serve, name, lambda name=name: done.append(name))
    serve.main()
    assert done == steps


def test_where_the_schema_does_not_fit_no_user_is_made(monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []
    monkeypatch.setattr("os.chdir", lambda _path: None)
    monkeypatch.setattr("os.umask", lambda _mask: None)
    for name in ("write_env_file", "set_up_django", "refuse_taken_port"):
        monkeypatch.setattr(serve, name, lambda: None)
    monkeypatch.setattr(serve, "migrate", lambda is_asked: False)
    for name in ("ensure_admin", "run_gunicorn"):
        monkeypatch.setattr(serve, name, lambda name=name: done.append(name))
    monkeypatch.setattr("sys.argv", ["serve.py"])
    serve.main()
    assert done == ["run_gunicorn"]


def test_a_taken_port_is_told_with_another_one(settings, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.HOST, settings.PORT = taken.getsockname()
        with pytest.raises(SystemExit):
            serve.refuse_taken_port()
    assert f"port {settings.PORT}" in capsys.readouterr().err


def test_a_free_port_is_accepted(settings):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        settings.HOST, settings.PORT = probe.getsockname()
    assert serve.refuse_taken_port() is None


@pytest.mark.parametrize(
    ("options", "stops"),
    [("--bind 127.0.0.1:8009", False), ("-b unix:/run/s", False), ("--backlog 5", True)],
)
def test_where_gunicorn_is_told_to_listen_elsewhere_a_taken_port_stops_nothing(
    settings, monkeypatch: pytest.MonkeyPatch, options: str, stops: bool
):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", options)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.HOST, settings.PORT = taken.getsockname()
        with pytest.raises(SystemExit) if stops else nullcontext():
            serve.refuse_taken_port()


@pytest.fixture
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_ADMIN_PASSWORD", raising=False)


@pytest.mark.django_db
def test_the_first_user_gets_a_password_that_is_printed_once(
    no_password, capsys: pytest.CaptureFixture[str]
):
    serve.ensure_admin()
    password = capsys.readouterr().out.split("Password")[1].split()[0]
    admin = User.objects.get()
    assert (admin.username, admin.is_superuser, admin.check_password(password)) == (
        "admin",
        True,
        True,
    ) and len(password) >= 20
    serve.ensure_admin()
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_a_given_password_is_taken_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SWITCHBOARD_ADMIN_PASSWORD", "a-given-password")
    serve.ensure_admin()
    assert User.objects.get().check_password("a-given-password")
    assert (
        "a-given-password" not in capsys.readouterr().out
        and "SWITCHBOARD_ADMIN_PASSWORD" not in serve.os.environ
    )


@pytest.mark.django_db
def test_the_first_password_may_be_in_a_file(
    monkeypatch: pytest.MonkeyPatch, no_password, tmp_path: Path
):
    (tmp_path / "password").write_text("a-given-password\n")
    monkeypatch.setenv("SWITCHBOARD_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    serve.ensure_admin()
    assert User.objects.get().check_password("a-given-password")


@pytest.mark.django_db
def test_where_there_are_users_none_is_made(
    no_password, viewer, capsys: pytest.CaptureFixture[str]
):
    serve.ensure_admin()
    assert list(User.objects.all()) == [viewer] and capsys.readouterr().out == ""


@pytest.mark.django_db
def test_a_database_that_is_up_to_date_is_left_alone(capsys: pytest.CaptureFixture[str]):
    serve.migrate()
    assert capsys.readouterr().out == ""
