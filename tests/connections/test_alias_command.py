"""`manage.py alias`: other aliases, and the former ones that still answer, from the terminal."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections.former_aliases import note_use
from connections.management.commands.alias import Command
from connections.models import Connection, FormerAlias
from tests.fakes import connect, profile_of, reload

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("alias", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(params=["connection", "profile"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def row(fake: Any, kind: str) -> Any:
    connection = connect(name="Old")
    return connection if kind == "connection" else profile_of(connection, name="Old")


def test_it_is_changed_listed_and_removed(row: Any, kind: str):
    assert run("list") == ""
    told = "Old has the alias fresh now. old goes on answering until it is removed."
    assert told in run("change", kind, "old", "fresh") and reload(row).alias == "fresh"
    assert f"{kind:<10} old is fresh since " in run("list")
    assert "nobody has used it since" in run("list")
    note_use(FormerAlias.objects.get(), "olga, token CI")
    assert "used by olga, token CI at " in run("list")
    (listed,) = json.loads(run("list", "--json"))
    assert (listed["kind"], listed["alias"], listed["of"]) == (kind, "old", "fresh")
    assert [one["used_by"] for one in listed["uses"]] == ["olga, token CI"]
    assert "old finds Old no longer." in run("remove", kind, "old")
    assert not FormerAlias.objects.exists()


def test_it_is_named_by_a_former_alias_or_the_id_too(row: Any, kind: str):
    run("change", kind, str(row.pk), "fresh")
    run("change", kind, "old", "fresher")
    assert reload(row).alias == "fresher"
    assert "already" in run("change", kind, "fresher", "fresher")


def test_what_is_not_there_or_cannot_be_is_told(row: Any, kind: str):
    with pytest.raises(CommandError, match=f"There is no {kind} 'nobody'"):
        run("change", kind, "nobody", "fresh")
    with pytest.raises(CommandError, match="reserved word"):
        run("change", kind, "old", "add")
    with pytest.raises(CommandError, match=f"There is no former alias of a {kind} 'old'"):
        run("remove", kind, "old")


@pytest.mark.parametrize(
    "arguments", [["change", "connection", "a"], ["remove", "token", "a"], ["move"]], ids=" ".join
)
def test_wrong_arguments_end_with_2(capsys: Any, arguments: list[str]):
    with pytest.raises(SystemExit, match=r"^2$"):
        Command().run_from_argv(["manage.py", "alias", *arguments])
    assert "`manage.py alias" in capsys.readouterr().err and not Connection.objects.exists()
