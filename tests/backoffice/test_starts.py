"""Each start of the server is in the audit, once, with the settings as they were."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from backoffice import starts
from backoffice.environment import Variable
from tests.connections.api.serving import environment, running
from tests.databases import migrated
from tests.event_doors import events, last
from tests.events import body_of

ACTION = "installation.start"


@pytest.fixture
def settings_are(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the settings that the environment has."""

    def put(**texts: str) -> None:
        found = {name: Variable(name, "environment", text) for name, text in texts.items()}
        usual = {"PORT": Variable("PORT", "default", "8000")}
        monkeypatch.setattr(starts.ENVIRONMENT, "variables", found | usual)

    return put


@pytest.mark.django_db
def test_a_start_tells_its_settings_and_what_changed_since_the_one_before(settings_are: Any):
    settings_are(HOST="127.0.0.1", SECRET_KEY="***")
    starts.record_start()
    assert (last().action, last().surface, last().actor_name) == (ACTION, "start", "gunicorn")
    first = body_of(last())
    assert first["detail"] == {"version": "0.1.0", "HOST": "127.0.0.1", "SECRET_KEY": "***"}
    assert "changes" not in first
    settings_are(HOST="0.0.0.0", HTTPS="true")
    starts.record_start()
    assert body_of(last())["changes"] == [
        ["HOST", "127.0.0.1", "0.0.0.0"],
        ["HTTPS", "", "true"],
        ["SECRET_KEY", "***", ""],
    ]


@pytest.mark.django_db
def test_a_start_waits_for_the_database_and_never_fails(
    settings_are: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    answers = [OperationalError, OperationalError, None, ValueError]

    def record() -> None:
        if fault := answers.pop(0):
            raise fault

    monkeypatch.setattr(starts, "PAUSE", 0)
    monkeypatch.setattr(starts, "record_start", record)
    monkeypatch.setattr(starts.databases, "close_all", lambda: None)
    starts._tell()
    assert len(answers) == 1 and not caplog.records
    starts._tell()
    assert [one.getMessage() for one in caplog.records] == ["The start is not in the audit"]
    assert not events()


def test_a_server_with_several_workers_tells_one_start(tmp_path: Path):
    file = tmp_path / "started.sqlite3"
    variables = environment(migrated(file), WEB_CONCURRENCY="2", TIME_ZONE="Europe/Berlin")
    with running(variables, tmp_path / "log", "--graceful-timeout=1"):
        _starts(file)
    found = _starts(file)
    assert len(found) == 1
    told = json.loads(found[0])["detail"]
    assert told["TIME_ZONE"] == "Europe/Berlin" and told["FERNET_KEYS"] == "***"
    assert not any(variables[name] in found[0] for name in ("SECRET_KEY", "FERNET_KEYS"))


def _starts(file: Path) -> list[str]:
    """The bodies of the starts, once there is one."""
    query = "SELECT body FROM connections_auditevent WHERE action = ?"
    end, found = time.monotonic() + 20, []
    while not found and time.monotonic() < end:
        with sqlite3.connect(file) as database:
            found = [body for (body,) in database.execute(query, [ACTION])]
    return found
