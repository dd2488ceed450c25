"""docs/architecture.md is drawn from the code."""

from pathlib import Path

import pytest

from tools import render_architecture


@pytest.fixture(scope="module")
def text() -> str:
    return "\n".join(render_architecture.page())


def test_a_room_is_drawn_in_its_package_with_its_purpose(text: str):
    gateway = text.partition("subgraph gateway[")[2].partition("\n    end")[0]
    assert (
        'gateway_doors["gateway.doors<br/>The protocols in which callers reach the gateway"]'
        in gateway
    )


def test_an_import_is_an_arrow_and_none_leads_up(text: str):
    assert "    connections_packages --> connections_types\n" in text
    assert "    gateway --> connections\n" in text
    assert "    connections --> gateway\n" not in text


def test_a_table_has_its_columns_and_relations(text: str):
    assert "        UUID connection_id PK, FK\n" in text  # of an access token
    assert "    Connection ||--o{ Profile : connection\n" in text
    assert "Historical" not in text


def test_a_page_that_is_out_of_date_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = tmp_path / "architecture.md"
    monkeypatch.setattr(render_architecture, "PAGE", page)
    render_architecture.main([])
    assert page.read_text() == text
    render_architecture.main(["--check"])
    page.write_text(text.replace("connections_packages --> connections_types\n", ""))
    with pytest.raises(SystemExit, match="out of date"):
        render_architecture.main(["--check"])
