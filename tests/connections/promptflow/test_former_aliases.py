"""Commands, folders and flows that still name the alias a connection had."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections import services
from connections.models import AliasUse, Connection
from connections.promptflow import services as promptflow_services
from tests.fakes import SECRET, connect, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def row() -> Connection:
    """A connection called My OpenAI, whose alias was `old` and is `fresh`."""
    made = connect("openai", name="My OpenAI", alias="old")
    return services.change_alias(made, "fresh", actor=None).row


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("connection", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def uses() -> list[str]:
    return [one.used_by for one in AliasUse.objects.all()]


def file(folder: Path, name: str, key: str = SECRET) -> str:
    (folder / "a.yaml").write_text(f"name: {name}\ntype: open_ai\napi_key: {key}\n")
    return str(folder)


def test_commands_find_it_and_are_noted(row: Connection):
    assert '"name": "My OpenAI"' in run("show", "-n", "old")
    assert uses() == ["the command line"]
    run("update", "-n", "old", "--set", "organization=org-1")
    assert reload(row).settings["organization"] == "org-1" and reload(row).alias == "fresh"


def test_commands_that_name_it_otherwise_are_not(row: Connection):
    for name in ("fresh", str(row.pk), "My OpenAI"):
        run("show", "-n", name)
    assert uses() == []


def test_what_is_called_like_its_former_alias_goes_on_by_its_name(tmp_path: Path):
    made = connect("openai", name="old")
    services.change_alias(made, "fresh", actor=None)
    assert "unchanged" in run("apply", "-f", file(tmp_path, "old"))
    run("show", "-n", "old")
    assert (Connection.objects.count(), uses()) == (1, [])


def test_a_file_of_that_name_is_a_conflict_as_before(row: Connection, tmp_path: Path):
    folder = file(tmp_path, "old")
    with pytest.raises(Exception, match="1 conflict"):
        run("apply", "-f", folder)
    assert Connection.objects.count() == 1 and uses() == ["the command line"]


def test_a_new_file_gets_another_alias(row: Connection, tmp_path: Path):
    run("apply", "-f", file(tmp_path, "OLD"))
    assert set(Connection.objects.values_list("alias", flat=True)) == {"fresh", "old-2"}


def test_a_dump_names_another_connection_by_its_alias(row: Connection):
    """Its name alone would find the one that had it as an alias."""
    other = connect("openai", name="old", alias="other")
    text = promptflow_services.promptflow_file(other, actor=None)
    assert "name: other\n" in text


def test_flows_find_it_and_their_token_is_noted(row: Connection, administrator: Any):
    _, text = promptflow_services.create_reveal_token(
        "nightly", user=administrator, actor=None, connections=["old"]
    )
    AliasUse.objects.all().delete()
    found = Client().get(f"/promptflow/{text}/connections/old")
    assert (found.status_code, found.json()["name"]) == (200, "old")
    assert uses() == ["promptflow token nightly"]
    for name in ("fresh", "My OpenAI"):
        assert Client().get(f"/promptflow/{text}/connections/{name}").status_code == 200
    assert AliasUse.objects.count() == 1


def test_the_list_of_a_flow_never_names_one_by_the_former_alias_of_another(
    row: Connection, administrator: Any
):
    other = connect("openai", name="old", alias="other")
    _, text = promptflow_services.create_reveal_token(
        "nightly", user=administrator, actor=None, connections=[row.alias, other.alias]
    )
    listed = Client().get(f"/promptflow/{text}/connections").json()
    assert [one["name"] for one in listed] == ["My OpenAI", "other"]
