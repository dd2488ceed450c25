"""Names that only look alike, in the commands: none is changed or deleted in another's place."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connections.models import Connection
from tests.fakes import OTHER_SECRET, SECRET

pytestmark = pytest.mark.django_db
ALIKE = ["my_key", "My-Key", "My  Key", "MY KEY", "my key"]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("connection", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refusal(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("connection", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue() + str(caught.value)


def file(folder: Path, name: str, key: str = SECRET, file_name: str = "") -> str:
    folder.mkdir(exist_ok=True)
    path = folder / (file_name or f"{len(list(folder.iterdir()))}.yaml")
    path.write_text(f"name: {name}\ntype: custom\nsecrets:\n  k: {key}\n")
    return str(path)


def keys() -> dict[str, str]:
    return {row.name: row.credentials["secrets"]["k"] for row in Connection.objects.all()}


@pytest.fixture
def stored(tmp_path: Path) -> Connection:
    """A connection called My Key, whose alias is my-key."""
    run("create", "-f", file(tmp_path / "first", "My Key"))
    return Connection.objects.get()


@pytest.mark.server
@pytest.mark.parametrize("name", ALIKE)
def test_what_looks_alike_is_created_beside_it_and_found_by_its_name(
    stored: Connection, tmp_path: Path, name: str
):
    path = file(tmp_path / "more", name, OTHER_SECRET)
    run("create", "-f", path), run("create", "-f", path, "--force")
    assert keys() == {"My Key": SECRET, name: OTHER_SECRET}
    run("delete", "-n", name, "-y")
    assert keys() == {"My Key": SECRET}


@pytest.mark.server
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_what_is_called_as_its_alias_is_a_conflict_that_names_both(
    stored: Connection, tmp_path: Path, force: tuple[str, ...]
):
    said = refusal("create", "-f", file(tmp_path / "more", "my-key", OTHER_SECRET), *force)
    assert "'my-key'" in said and "'My Key'" in said
    assert keys() == {"My Key": SECRET}


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_was_never_stored_deletes_and_changes_nothing(stored: Connection, name: str):
    assert "There is no connection" in refusal("delete", "-n", name, "-y")
    assert "There is no connection" in refusal("update", "-n", name, "--set", "secrets.k=x")
    assert keys() == {"My Key": SECRET}


@pytest.mark.server
def test_an_alias_that_is_the_name_of_another_is_refused_with_both(stored: Connection):
    other = Connection.objects.get()
    other.pk, other.alias, other.name = None, "other", "my-key"
    other._state.adding = True
    other.save()
    for action in (["delete", "-y"], ["update", "--set", "configs.a=b"]):
        said = refusal(action[0], "-n", "my-key", *action[1:])
        assert "'My Key'" in said and str(stored.pk) in said and "the name of another" in said
    assert Connection.objects.count() == 2


@pytest.mark.parametrize("name", ALIKE)
def test_apply_leaves_what_looks_alike(stored: Connection, tmp_path: Path, name: str):
    folder = tmp_path / "folder"
    file(folder, name, OTHER_SECRET)
    run("apply", "-f", str(folder))
    assert "unchanged" in run("apply", "-f", str(folder))
    assert keys() == {"My Key": SECRET, name: OTHER_SECRET}


def test_apply_of_what_is_called_as_an_alias_is_a_conflict_with_its_file(
    stored: Connection, tmp_path: Path
):
    folder = tmp_path / "folder"
    file(folder, "my-key", OTHER_SECRET, "b.yaml")
    said = refusal("apply", "-f", str(folder))
    assert "my-key  (b.yaml)" in said and "'My Key'" in said
    assert keys() == {"My Key": SECRET}


def test_a_folder_of_names_that_look_alike_settles(tmp_path: Path):
    folder = tmp_path / "folder"
    names = ["My Key", *ALIKE, "my-key"]
    for number, name in enumerate(names):
        file(folder, name, f"secret-of-{number}")
    assert run("apply", "-f", str(folder)).count("create") == 7
    assert run("apply", "-f", str(folder)).count("unchanged") == 7
    assert keys() == {name: f"secret-of-{number}" for number, name in enumerate(names)}
