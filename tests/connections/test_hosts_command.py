"""`manage.py hosts`: where the secrets of references may go, from the terminal."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.management.commands.hosts import Command
from connections.models import Connection, HostApproval

pytestmark = pytest.mark.django_db
HOST = "https://gateway.example"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("hosts", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def asked(connection: Connection, operator: Any) -> HostApproval:
    return HostApproval.objects.create(
        section="openai", host=HOST, connection=connection, requested_by=operator
    )


def test_a_request_is_listed_with_who_asked_for_what(asked: HostApproval, operator: Any):
    text = run("list")
    assert f"requested  openai to {HOST}, asked for by {operator} for " in text
    (row,) = json.loads(run("list", "--json", "--state", "requested"))
    assert (row["section"], row["host"], row["requested_by"]) == ("openai", HOST, str(operator))
    assert run("list", "--state", "approved") == ""


def test_who_decided_and_when_is_listed(asked: HostApproval, administrator: Any):
    (row,) = json.loads(run("list", "--json"))
    assert (row["decided_by"], row["date_decided"]) == (None, None)
    assert run("list").endswith(f"{row['date_requested']}\n")
    services.decide_host(asked, "refused", actor=administrator, team=None)
    (row,) = json.loads(run("list", "--json"))
    assert row["decided_by"] == str(administrator) and row["date_decided"]
    assert run("list").endswith(f"; refused by {administrator} at {row['date_decided']}\n")
    run("approve", "openai", HOST)
    assert "; approved by the command line at " in run("list")


@pytest.mark.parametrize(("action", "state"), [("approve", "approved"), ("refuse", "refused")])
def test_it_is_answered(asked: HostApproval, action: str, state: str):
    assert f"openai to {HOST}: {action} done." in run(action, "$OpenAI", HOST)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == (state, None)


def test_an_answer_is_taken_away(asked: HostApproval):
    run("forget", "openai", HOST)
    assert not HostApproval.objects.exists()


@pytest.mark.parametrize("action", ["approve", "refuse", "forget"])
def test_what_nobody_asked_for_is_told(asked: HostApproval, action: str):
    with pytest.raises(CommandError, match="Nobody asked for openai to go to https://other"):
        run(action, "openai", "https://other.example")


@pytest.mark.parametrize(
    "arguments", [["approve", "teamb"], ["list", "--state", "perhaps"], ["withdraw"]], ids=" ".join
)
def test_wrong_arguments_end_with_2(capsys: Any, arguments: list[str]):
    with pytest.raises(SystemExit, match=r"^2$"):
        Command().run_from_argv(["manage.py", "hosts", *arguments])
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("Error: ") and "manage.py hosts" in said.err
