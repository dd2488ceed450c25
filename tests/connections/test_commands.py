"""What is generated is fresh. rotate_credentials has its own room: test_rotation.py."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.management.commands.render_provider_docs import least, render
from providers.core.registry import all_providers
from providers.core.schema import settings_fields
from tests.fakes import fake_provider

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docs(settings, tmp_path: Path) -> Path:
    """docs/providers.md of another place, and docs/providers/ beside it."""
    settings.BASE_DIR = tmp_path
    return tmp_path / "docs" / "providers.md"


@pytest.mark.parametrize("command", ["render_provider_docs", "render_openapi"])
def test_what_is_committed_is_fresh(command: str):
    call_command(command, "--check")


def test_a_missing_api_document_is_stale(docs: Path):
    with pytest.raises(CommandError, match="Run: make docs"):
        call_command("render_openapi", "--check")


def test_the_page_is_written(docs: Path):
    call_command("render_provider_docs")
    assert docs.read_text().startswith("# Providers")
    call_command("render_provider_docs", "--check")


def test_a_missing_page_is_stale_and_is_not_written(docs: Path):
    with pytest.raises(CommandError, match="Run: make docs"):
        call_command("render_provider_docs", "--check")
    assert not docs.exists()


def test_a_changed_page_is_stale_and_stays(docs: Path):
    call_command("render_provider_docs")
    docs.write_text(docs.read_text() + "by hand\n")
    with pytest.raises(CommandError, match="out of date"):
        call_command("render_provider_docs", "--check")
    assert docs.read_text().endswith("by hand\n")


def test_a_new_provider_makes_the_page_stale(docs: Path):
    call_command("render_provider_docs")
    with fake_provider(), pytest.raises(CommandError, match="out of date"):
        call_command("render_provider_docs", "--check")


def test_a_page_of_a_provider_that_is_gone_is_stale_and_is_taken_away(docs: Path):
    call_command("render_provider_docs")
    gone = docs.parent / "providers" / "gone.md"
    gone.write_text("# Gone")
    with pytest.raises(CommandError, match="out of date"):
        call_command("render_provider_docs", "--check")
    call_command("render_provider_docs")
    assert not gone.exists()


@pytest.mark.django_db
def test_the_example_of_every_page_is_a_connection():
    for provider in all_providers():
        saved = services.create_connection(
            provider.id, actor=None, name=provider.name, settings=least(provider)
        )
        assert saved.row.provider_id == provider.id


@pytest.mark.parametrize("provider", all_providers(), ids=lambda provider: provider.id)
def test_every_setting_is_a_row_of_as_many_cells_as_the_head(provider):
    text = "\n".join(render(provider))
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = head.count("|")
    assert [row.replace("\\|", "").count("|") for row in rows] == [cells] * len(
        settings_fields(provider)
    )
