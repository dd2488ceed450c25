"""The bytes that a browser gets for a page: compressed, and static files once."""

from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import OpenPage, add_connection

pytestmark = pytest.mark.usefixtures("no_rows")
ROWS = 25  # of a page


def bytes_of(page: Page, address: str) -> int:
    """Bytes over the wire for the page at `address` and what it loads; a headless browser asks for
    no icon.
    """
    sizes: list[int] = []

    def note(event: dict[str, Any]) -> None:
        sizes.append(int(event["encodedDataLength"]))

    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", note)
    page.goto(address, wait_until="networkidle")
    devtools.detach()
    return sum(sizes)


def test_a_first_visit_is_small_and_a_second_smaller(open_page: OpenPage):
    page = open_page("administrator")
    for number in range(ROWS):
        add_connection(page, "echo", f"Connection {number:03}", tags="test, eu")
    first, second = (bytes_of(page, "/connections/") for _ in range(2))
    assert page.locator("#rows tbody tr").count() == ROWS
    assert (first < 45_000, second < 12_000) == (True, True), (first, second)


def test_every_static_file_of_a_page_is_kept_for_a_year(open_page: OpenPage):
    page, kept = open_page("administrator"), {}

    def note(response: Any) -> None:
        if "/static/" in response.url:
            kept[response.url] = response.headers["cache-control"]

    page.on("response", note)
    page.goto("/connections/", wait_until="networkidle")
    icon = page.locator("link[rel=icon]").get_attribute("href") or ""
    assert set(kept.values()) == {"max-age=31536000, public, immutable"}
    assert "immutable" in page.request.get(icon).headers["cache-control"]
