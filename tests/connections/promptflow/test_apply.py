"""`manage.py connection apply`: a folder as one change."""

import io
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.models import Connection
from connections.promptflow.format.shapes import shape_of_type
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of

pytestmark = pytest.mark.django_db
SERP_API = shape_of_type("serp").provider.id
AZURE = (
    f"name: azure\ntype: azure_open_ai\napi_key: {SECRET}\napi_base: https://a.openai.azure.com\n"
)
TOOLS = f"name: tools\ntype: custom\nconfigs:\n  region: eu\nsecrets:\n  token: {SECRET}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Two files; nobody at the terminal."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    found = tmp_path / "connections"
    found.mkdir()
    (found / "a.yaml").write_text(AZURE)
    (found / "b.yml").write_text(TOOLS)
    (found / "README.md").write_text("no connection")
    return found


def applied(folder: Path, *more: str) -> list[str]:
    """The lines of the plan."""
    out = io.StringIO()
    call_command("connection", "apply", "-f", str(folder), *more, stdout=out, stderr=io.StringIO())
    assert SECRET not in out.getvalue()
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def refused(folder: Path, *more: str) -> tuple[str, str]:
    """The plan, and why it was not carried out."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(
            "connection", "apply", "-f", str(folder), *more, stdout=out, stderr=io.StringIO()
        )
    assert SECRET not in out.getvalue() + str(caught.value)
    return out.getvalue(), str(caught.value)


def names() -> list[str]:
    return list(Connection.objects.values_list("name", flat=True))


def test_what_is_not_there_is_created(folder):
    assert applied(folder) == ["create azure (a.yaml)", "create tools (b.yml)"]
    assert names() == ["azure", "tools"]


def test_a_dry_run_writes_nothing(folder):
    assert applied(folder, "--dry-run") == ["create azure (a.yaml)", "create tools (b.yml)"]
    assert names() == []


@pytest.mark.server
def test_applying_again_changes_nothing(folder):
    applied(folder)
    assert applied(folder) == ["unchanged azure (a.yaml)", "unchanged tools (b.yml)"]
    assert [row.version for row in Connection.objects.all()] == [1, 1]


def test_a_change_names_its_fields_and_no_value(folder):
    applied(folder)
    (folder / "a.yaml").write_text(AZURE + 'api_version: "2024-10-21"\n')
    (folder / "b.yml").write_text(TOOLS.replace(SECRET, OTHER_SECRET).replace("eu", "us"))
    assert applied(folder) == [
        "update azure (a.yaml): api_version",
        "update tools (b.yml): configs.region, secrets.token",
    ]
    assert Connection.objects.get(name="tools").credentials["secrets"]["token"] == OTHER_SECRET


def test_a_dumped_folder_is_unchanged(folder, tmp_path):
    applied(folder)
    call_command("connection", "dump", "-o", str(tmp_path / "out"), stderr=io.StringIO())
    assert applied(tmp_path / "out") == [
        "unchanged azure (azure.yaml)",
        "unchanged tools (tools.yaml)",
    ]


def test_a_bad_file_is_named_and_nothing_is_written(folder):
    (folder / "c.yaml").write_text("name: c\ntype: serp\napi_key: 5\n")
    (folder / "d.yaml").write_text("name: d\n")
    _, said = refused(folder)
    assert "c.yaml: api_key: Not a valid string" in said and "d.yaml: type is required" in said
    assert names() == []


@pytest.mark.server
def test_what_a_service_refuses_is_a_conflict_and_nothing_is_written(folder):
    (folder / "c.yaml").write_text("name: c\ntype: azure_open_ai\napi_key: x\napi_base: nowhere\n")
    plan, said = refused(folder)
    assert "conflict   c  (c.yaml): api_base: This is not a web address." in plan
    assert said == "1 conflict. Nothing was written."
    assert names() == []


def test_another_type_is_a_conflict(folder):
    connect(provider_id=SERP_API, name="azure")
    plan, _ = refused(folder)
    assert "conflict   azure  (a.yaml): type: azure is of type serp" in plan
    assert names() == ["azure"]


def test_two_files_with_one_name_are_a_conflict(folder):
    (folder / "c.yaml").write_text(AZURE)
    assert "conflict   azure  (c.yaml): a.yaml has this name too. Rename one." in refused(folder)[0]
    assert names() == []


def test_a_secret_that_must_be_typed_is_refused_without_a_terminal(folder):
    (folder / "c.yaml").write_text("name: c\ntype: serp\napi_key: <user-input>\n")
    assert "c.yaml: api_key: This must be typed, and there is no terminal." in refused(folder)[1]
    assert names() == []


def test_an_env_file_is_named_after_itself(folder):
    (folder / "prod.env").write_text("TOKEN=abc\n")
    assert "create prod (prod.env)" in applied(folder)


def test_an_empty_folder_is_no_work(tmp_path):
    assert applied(tmp_path) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "No such file or directory" in refused(tmp_path / "nowhere")[1]


# Prune


@pytest.mark.server
def test_prune_deletes_what_the_folder_made_and_has_no_more(folder):
    applied(folder)
    (folder / "b.yml").unlink()
    assert applied(folder, "--prune") == ["unchanged azure (a.yaml)", "delete tools: custom"]
    assert names() == ["azure"]


def test_without_prune_nothing_is_deleted(folder):
    applied(folder)
    (folder / "b.yml").unlink()
    assert applied(folder) == ["unchanged azure (a.yaml)"]
    assert names() == ["azure", "tools"]


@pytest.mark.server
def test_a_dry_run_of_prune_deletes_nothing(folder):
    applied(folder)
    (folder / "b.yml").unlink()
    assert "delete tools: custom" in applied(folder, "--prune", "--dry-run")
    assert names() == ["azure", "tools"]


def test_prune_leaves_what_somebody_else_made(folder):
    services.create_connection(SERP_API, actor=None, name="by hand", settings={"api_key": SECRET})
    services.create_connection(
        SERP_API,
        actor=None,
        name="azure tools",
        settings={"api_key": SECRET},
        tags=["applied:other"],
    )
    applied(folder, "--prune")
    assert names() == ["azure", "azure tools", "by hand", "tools"]


def test_prune_leaves_what_was_there_before_the_first_apply(folder):
    services.create_connection(
        "custom", actor=None, name="tools", settings={"secrets": {"token": SECRET}}
    )
    applied(folder)
    (folder / "b.yml").unlink()
    assert applied(folder, "--prune") == ["unchanged azure (a.yaml)"]


def test_a_label_keeps_folders_of_one_name_apart(folder):
    applied(folder, "--label", "team one")
    (folder / "b.yml").unlink()
    assert applied(folder, "--prune", "--label", "team two") == ["unchanged azure (a.yaml)"]
    assert Connection.objects.get(name="tools").tags == ["applied:team-one"]


def test_what_is_still_used_is_a_conflict_and_nothing_is_written(folder):
    applied(folder)
    profile_of(Connection.objects.get(name="azure"), name="Answers")
    (folder / "a.yaml").unlink()
    (folder / "b.yml").write_text(TOOLS.replace("eu", "us"))
    plan, _ = refused(folder, "--prune")
    assert "Still used by Answers." in plan
    assert Connection.objects.get(name="tools").settings["configs"] == {"region": "eu"}
