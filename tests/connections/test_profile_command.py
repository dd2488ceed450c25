"""`manage.py profile`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.models import Profile

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    said = StringIO()
    call_command("profile", *words, stdout=said)
    return said.getvalue()


@pytest.fixture(autouse=True)
def _echo():
    services.create_connection("echo", actor=None, name="Echo")


def test_a_profile_is_made_listed_and_deleted():
    run("create", "spare", "echo", "echo-1")
    said = run(
        *("create", "content-writer", "echo", "echo-1", "--fallback", "spare"),
        *("--set", "temperature=0.2", "--set", "system_prompt_template=Be brief."),
    )
    assert said == "Content writer is made. Programs ask for content-writer, with a token.\n"
    made = Profile.objects.get(alias="content-writer")
    settings = {"temperature": 0.2, "system_prompt_template": "Be brief."}
    assert (made.settings, made.connection.alias) == (settings, "echo")
    assert json.loads(run("list", "--output", "json"))[0] == {
        "alias": "content-writer",
        "name": "Content writer",
        "capability": "Chat",
        "connection": "echo",
        "model": "echo-1",
        "is_active": True,
    }
    with pytest.raises(CommandError, match="Content writer"):
        run("delete", "spare")
    assert run("list") == "content-writer  echo  echo-1\nspare  echo  echo-1\n"
    run("delete", "content-writer")
    assert [one["alias"] for one in json.loads(run("list", "--output", "json"))] == ["spare"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "a", "gone", "echo-1"], "There is no connection 'gone'."),
        (["create", "a", "echo", "echo-1", "--set", "warmth=1"], "is not KEY=VALUE with one of"),
        (
            ["create", "a", "echo", "echo-1", "--set", "temperature=9"],
            "must be at most 2",
        ),
        (["delete", "gone"], "There is no profile 'gone'."),
    ],
    ids=["connection", "setting", "value", "profile"],
)
def test_what_cannot_be_done_is_said(words: list[str], said: str):
    with pytest.raises(CommandError, match=said):
        run(*words)
