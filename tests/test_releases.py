"""What a release says about itself."""

import re
import tomllib

from tests.upgrades.releases import RECORD, ROOT, Release

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
NEWEST = re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1]


def test_the_newest_release_of_the_changelog_is_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(r"\d+\.\d+\.\d+\S*", NEWEST.splitlines()[0])[0] == version


def test_a_release_says_what_operators_must_do():
    assert "### For operators\n" in NEWEST


def test_migrations_since_the_previous_release_are_told_to_operators():
    operators = NEWEST.partition("### For operators\n")[2].partition("\n### ")[0]
    assert Release(ROOT).last_migrations() == RECORD["last"] or "Migrations:" in operators
