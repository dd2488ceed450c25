"""Pictures.

WRITE_SCREENSHOT=1 writes the README's docs/screenshot.png and every page into screenshots/.
"""

import os
from itertools import product

import pytest
from playwright.sync_api import Page

from .conftest import DESKTOP, PHONE, ROOT, OpenPage
from .gallery import EMPTY, Gallery, gallery, gallery_service, scene  # noqa: F401 fixtures

WRITE = bool(os.environ.get("WRITE_SCREENSHOT"))


def photograph(page: Page, name: str) -> None:
    """The whole page, light and dark, wide and narrow."""
    for scheme, size in product(("light", "dark"), (DESKTOP, PHONE)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.screenshot(
            path=ROOT / "screenshots" / f"{name}-{size['width']}-{scheme}.png", full_page=True
        )


def test_list_of_connections_is_worth_a_picture(open_page: OpenPage, gallery: Gallery):  # noqa: F811
    page = open_page("administrator", color_scheme="light")
    page.goto("/connections/")
    page.wait_for_load_state("networkidle")
    picture = page.screenshot()
    assert len(picture) > 20_000, "a blank page takes a few kilobytes"
    assert len(picture) < 200_000
    if WRITE:
        (ROOT / "docs" / "screenshot.png").write_bytes(picture)


if WRITE:

    def test_every_page_is_written(scene: Page, request: pytest.FixtureRequest):
        photograph(scene, request.node.callspec.params["scene"])

    @pytest.mark.parametrize("name", EMPTY)
    def test_every_empty_page_is_written(open_page: OpenPage, no_rows: None, name: str):
        page = open_page("administrator")
        page.goto(EMPTY[name])
        photograph(page, name)

    def test_refusal_is_written(open_page: OpenPage):
        page = open_page("stranger")
        page.goto("/connections/")
        photograph(page, "403")
