"""What a release says about itself."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.test import Client

import manage
import switchboard
from backoffice import serve
from connections.operator_command import OperatorCommand
from providers.core.version import user_agent, version
from providers.http.egress import guarded_client
from providers.http.policy import EgressPolicy
from switchboard import __main__ as client_command
from tests.upgrades.releases import RECORD, ROOT
from tools import release

NEWEST = release.newest((ROOT / "CHANGELOG.md").read_text())
GOOD = release.Part("[1.2.3] - 2027-01-02", "### For operators\n\n- Nothing.\n\n### Added\n")


def test_the_newest_release_of_the_changelog_is_the_version():
    assert re.search(r"\d+\.\d+\.\d+\S*", NEWEST.heading)[0] == version()


def test_a_release_says_what_operators_must_do():
    assert NEWEST.operators


def test_migrations_since_the_previous_release_are_told_to_operators():
    assert [*release.problems_of_migrations(ROOT, RECORD, NEWEST)] == []


def test_every_place_has_the_same_version():
    assert [*release.other_versions(ROOT)] == []
    assert (switchboard.__version__, user_agent()) == (version(), f"Switchboard/{version()}")


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (manage.main, ["manage.py", "--version"]),
        (serve.main, ["serve", "--version"]),
        (client_command.main, ["switchboard", "--version"]),
    ],
)
def test_each_program_says_its_version(
    main: Callable[[], object],
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(sys, "argv", arguments)
    with suppress(SystemExit):
        main()
    assert capsys.readouterr().out.startswith(f"Switchboard {version()}")


def test_a_command_says_our_version():
    assert f"Switchboard {version()}" in OperatorCommand().get_version()


def test_a_page_says_the_version_to_whoever_is_signed_in(admin_client: Client, client: Client):
    foot = f'<footer class="foot">Switchboard {version()} '
    assert foot in admin_client.get("/you/").content.decode()
    assert foot not in client.get("/sign-in/").content.decode()


def test_requests_of_ours_say_who_asks_unless_they_are_told_to_say_another():
    def said(**headers: str) -> list[str]:
        with guarded_client(EgressPolicy(), 1.0, headers=headers) as one:
            return one.headers.get_list("user-agent")

    assert said() == [user_agent()]
    assert said(**{"user-agent": "me"}) == ["me"]


@pytest.mark.parametrize("place", [*release.COPIES, release.SBOM])
def test_a_place_with_another_version_is_named(place: str, tmp_path: Path):
    for name in ("pyproject.toml", release.SBOM, *release.COPIES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    file = tmp_path / place
    file.write_text(re.sub(rf"\b{re.escape(version())}\b", "9.9.9", file.read_text()))
    told = [*release.other_versions(tmp_path)]
    assert told == [f"{place} has the version 9.9.9, pyproject.toml {version()}."]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (release.Part("[Unreleased] 1.2.3", GOOD.text), "with its date"),
        (release.Part("[1.2.2] - 2027-01-02", GOOD.text), "is of 1.2.2, not of 1.2.3"),
        (release.Part(GOOD.heading, "### Added\n\n- More.\n"), "what operators must do"),
        (release.Part(GOOD.heading, "### For operators\n\n### Added\n"), "what operators must do"),
    ],
)
def test_a_part_that_is_not_ready_is_refused(part: release.Part, problem: str):
    assert problem in " ".join(release.problems_of_changelog(part, "1.2.3"))


def test_a_part_that_is_ready_is_taken():
    assert [*release.problems_of_changelog(GOOD, "1.2.3")] == []


def test_migrations_that_nobody_tells_operators_of_are_refused():
    record = RECORD | {"last": RECORD["last"] | {"gateway": "0001_squashed"}}
    assert "not told" in " ".join(release.problems_of_migrations(ROOT, record, GOOD))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, one with a migration and one after it."""
    folder = tmp_path / "gateway/migrations"
    folder.mkdir(parents=True)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for name in ("0001_first", "0002_second"):
        (folder / f"{name}.py").write_text("")
        git(tmp_path, "add", ".")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        git(tmp_path, *who, "commit", "--quiet", "--message", name)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_the_record_is_held_to_its_commit(repository: Path):
    first, second = git(repository, "rev-list", "--reverse", "HEAD").split()

    def told(commit: str, last: str) -> str:
        record = {"commit": commit, "last": {"gateway": last}}
        return " ".join(release.problems_of_record(repository, record))

    assert told(first, "0001_first") == ""
    assert "not those of its commit" in told(first, "0002_second")
    assert "is not here" in told("0" * 40, "0001_first")
    git(repository, "reset", "--quiet", "--hard", first)
    assert "does not come before" in told(second, "0002_second")


def test_what_is_not_committed_and_a_tag_that_is_there_are_refused(repository: Path):
    assert [*release.problems_of_tree(repository, "v1.2.3")] == []
    git(repository, "tag", "v1.2.3")
    (repository / "gateway/migrations/0001_first.py").write_text("more")
    told = " ".join(release.problems_of_tree(repository, "v1.2.3"))
    assert "0001_first.py" in told and "v1.2.3 is there already" in told
