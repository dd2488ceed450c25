"""Numbers that the code knows are in the documents as the code has them."""

import pytest

from backoffice.settings import ENVIRONMENT
from connections.packages.format import archive
from connections.promptflow.services.reveal import MOST_A_MINUTE
from connections.promptflow.services.reveal_tokens import DEFAULT_DAYS, MOST_DAYS
from gateway.core import cooldowns
from providers.core.registry import all_providers
from providers.manifests import parsing
from switchboard.retries import RETRIES

from .blocks import ROOT

MB = 1024 * 1024
TOKEN_DAYS = ENVIRONMENT.variables["CONNECTIONS_TOKEN_DAYS"].default
FACTS = [
    ("packages.md", f"{archive.MOST_BYTES // MB} MB, {archive.MOST_ENTRIES:,} files"),
    ("packages.md", f"{archive.MOST_UNPACKED // MB} MB unpacked, {archive.MOST_OF_ONE // MB} MB"),
    ("promptflow-flows.md", f"more than {MOST_A_MINUTE} reads of this token in a minute"),
    ("promptflow-flows.md", f"({DEFAULT_DAYS}, at most {MOST_DAYS})"),
    ("connection-types.md", f"at most {parsing.LARGEST // 1024} KB"),
    ("gateway.md", f"at most {cooldowns.LONGEST_COOLDOWN / 60:.0f} minutes"),
    ("sdk.md", f"`retries=` ({RETRIES})"),
    ("tutorial.md", f"A token ends after {TOKEN_DAYS} days"),
]


@pytest.mark.parametrize(("page", "words"), FACTS, ids=lambda one: one)
def test_a_page_has_the_number_of_the_code(page: str, words: str):
    assert words in (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_every_provider_has_a_page():
    pages = {one.stem for one in (ROOT / "docs" / "providers").glob("*.md")}
    assert pages == {one.id for one in all_providers()}
