"""`/connections/{idOrAlias}/replacement`, leaked keys, and the commands."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections.models import Connection
from tests.fakes import SECRET, reload

from .conftest import NEXT

pytestmark = pytest.mark.django_db
GIVEN = {"settings": {"apiKey": NEXT}}


def path(row: Connection, more: str = "") -> str:
    return f"/connections/{row.alias}/replacement{more}"


def test_a_key_is_replaced_read_and_gone_back_from(api, connection, taken):
    made = api("POST", path(connection), GIVEN)
    assert (made.status_code, made.json()["state"]) == (201, "watching")
    assert made.json()["settings"] == ["apiKey"] and NEXT not in made.content.decode()
    assert api("GET", path(connection)).json() == made.json()
    back = api("POST", path(connection, "/go-back"))
    assert (back.status_code, back.json()["state"]) == (200, "gone_back")
    assert reload(connection).credentials["api_key"] == SECRET
    assert api("POST", path(connection, "/go-back")).status_code == 409


def test_a_refused_key_changes_nothing(api, connection, taken):
    answer = api("POST", path(connection), {"settings": {"apiKey": "sk-wrong-00112233"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "unauthorized")
    assert reload(connection).credentials["api_key"] == SECRET


def test_an_outage_is_told_and_can_be_passed_over(api, connection, taken):
    taken.add("away")
    assert api("POST", path(connection), GIVEN).json()["code"] == "not_tested"
    assert api("POST", path(connection), {**GIVEN, "anyway": True}).status_code == 201


def test_a_second_replacement_is_a_conflict(api, connection, taken):
    api("POST", path(connection), GIVEN)
    answer = api("POST", path(connection), {"settings": {"apiKey": "sk-third-00112233"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "replacement_open")


def test_the_unused_key_is_forgotten(api, connection, taken):
    api("POST", path(connection), GIVEN)
    assert api("DELETE", path(connection)).status_code == 204
    assert api("GET", path(connection)).json()["isPreviousKept"] is False


def test_a_key_that_was_never_replaced_is_not_found(api, connection, taken):
    assert [api(one, path(connection)).status_code for one in ("GET", "DELETE")] == [404, 404]


def run(*arguments: str, command: str = "replace_key") -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_reads_the_next_key_and_goes_back(connection, taken, monkeypatch: Any):
    monkeypatch.setattr("sys.stdin", StringIO(f"{NEXT}\n"))
    assert "is watched until" in run(connection.alias, "--from-stdin")
    assert reload(connection).credentials["api_key"] == NEXT
    assert "from before" in run(connection.alias, "--go-back")
    assert "is forgotten" in run(connection.alias, "--forget")


def test_the_command_names_the_next_reference(connection, taken, monkeypatch: Any):
    monkeypatch.setenv("Fake__ApiKeyNext", NEXT)
    run(connection.alias, "--reference", "$Fake:ApiKeyNext")
    assert reload(connection).settings["api_key"] == "$Fake:ApiKeyNext"
    run(connection.alias, "--go-back")
    assert reload(connection).credentials["api_key"] == SECRET


def test_the_command_says_why_it_does_not(connection, taken, monkeypatch: Any):
    monkeypatch.setattr("sys.stdin", StringIO("sk-wrong-00112233"))
    with pytest.raises(CommandError, match="cannot be used"):
        run(connection.alias, "--from-stdin")


def test_a_leaked_key_is_found_and_its_connection_switched_off(api, connection, taken):
    found = api("POST", "/leaked-keys/search", {"key": SECRET}).json()
    assert found["total"] == 1 and found["items"][0]["connection"]["alias"] == connection.alias
    assert api("POST", "/leaked-keys/search", {"key": " "}).status_code == 400
    leak = api("POST", f"/connections/{connection.alias}/leak", {"revoke": True}).json()
    assert (leak["isActive"], leak["revoked"], leak["others"]) == (False, "", [])
    assert not reload(connection).is_active


def test_the_command_finds_a_leaked_key_that_it_reads(connection, taken, monkeypatch: Any, capsys):
    monkeypatch.setattr("sys.stdin", StringIO("sk-nobody-has-this"))
    assert "not ours" in run("find", command="leaked_key")
    monkeypatch.setattr("sys.stdin", StringIO(f"{SECRET}\n"))
    with pytest.raises(SystemExit, match="3"):
        call_command("leaked_key", "find")
    out = capsys.readouterr().out
    assert out == f"{connection.alias}: in use as api_key\n"


def test_the_command_switches_a_leaked_connection_off(connection, taken):
    assert "is switched off." in run("report", connection.alias, command="leaked_key")
    assert not reload(connection).is_active
