"""What the environment sets. Each case is read by a process of its own, without any .env."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
READ = """
import json, sys
from unittest import mock
from providers.core import env_file
with mock.patch.object(env_file, "load_env_file"):
    from backoffice import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def read(*names: str, **environment: str) -> dict[str, Any]:
    """These settings in this environment and no other."""
    command = [sys.executable, "-c", READ, *names]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


BROKEN = """
from pathlib import Path
from unittest import mock
with mock.patch.object(Path, "read_text", return_value="SECRET_KEY=hunter1\\n=hunter2"):
    from backoffice import settings
"""


def test_a_broken_line_of_the_env_file_is_named_and_not_shown():
    done = subprocess.run(
        [sys.executable, "-c", BROKEN], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True
    )
    assert "ImproperlyConfigured: .env: Line 2 is not NAME=value" in done.stderr
    assert "hunter" not in done.stderr


def test_without_any_environment_everything_is_safe():
    found = read(
        "DEBUG",
        "SECRET_KEY",
        "FERNET_KEYS",
        "ALLOWED_HOSTS",
        "CONNECTIONS_EGRESS_PRIVATE",
        "CONNECTIONS_TEST_RATE",
        "CACHES",
        "DATABASES",
    )
    assert (found["DEBUG"], found["SECRET_KEY"], found["FERNET_KEYS"]) == (False, "", [])
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert (found["CONNECTIONS_EGRESS_PRIVATE"], found["CONNECTIONS_TEST_RATE"]) == (True, 60)
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert found["DATABASES"]["default"]["NAME"] == str(ROOT / "switchboard.sqlite3")


def test_sqlite_is_set_up_for_several_writers(tmp_path: Path):
    database = read("DATABASES", DATABASE_URL=f"sqlite:///{tmp_path / 'a.sqlite3'}")["DATABASES"][
        "default"
    ]
    assert (
        database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        and "journal_mode=WAL" in database["OPTIONS"]["init_command"]
    )


def test_postgresql_and_redis_come_by_address():
    found = read(
        "DATABASES",
        "CACHES",
        DATABASE_URL="postgres://u:p@db:5433/name",
        CACHE_URL="redis://cache:6379/1",
    )
    database = found["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"], database["PORT"], database["NAME"]) == (
        "backoffice.postgresql",
        "db",
        5433,
        "name",
    )
    assert database["OPTIONS"]["pool"] and "Redis" in found["CACHES"]["default"]["BACKEND"]


def test_lists_are_separated_by_commas():
    names = (
        "FERNET_KEYS",
        "CONNECTIONS_REFERENCE_SECTIONS",
        "CONNECTIONS_REFERENCE_ENV",
        "CONNECTIONS_EGRESS_ALLOW",
        "CONNECTIONS_SECRET_KEYS",
    )
    found = read(*names, **dict.fromkeys(names, "one,two"))
    assert found == {name: ["one", "two"] for name in names}


def test_https_makes_cookies_secure():
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert [bool(value) for value in read(*names, HTTPS="true").values()] == [True] * 3
    assert [bool(value) for value in read(*names).values()] == [False] * 3


@pytest.mark.parametrize(("worker", "count"), [("1", 1), ("5", 5)])
def test_gunicorn_is_set_by_the_environment(worker: str, count: int):
    code = (
        "import json; from backoffice import gunicorn_conf as g; print(json.dumps([g.bind, "
        "g.workers, g.worker_class]))"
    )
    environment = {"PATH": "", "HOST": "::1", "PORT": "8123", "WEB_CONCURRENCY": worker}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [
        "[::1]:8123",
        count,
        "backoffice.asgi_worker.BoundedWorker",
    ]
