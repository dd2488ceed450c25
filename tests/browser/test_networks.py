"""A proxy without a server behind it, and a network that is gone, take neither a page nor what was
typed.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import OpenPage, Watch, act, add_connection, press

pytestmark = pytest.mark.usefixtures("no_rows")
PROXY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body>"
BREAKS = {
    "502": (lambda route: route.fulfill(status=502, body=PROXY, content_type="text/html"), "502"),
    "lost": (lambda route: route.abort(), "cannot be reached"),
}


@pytest.fixture(params=BREAKS)
def breaks(request: pytest.FixtureRequest, watch: Watch) -> tuple[Callable[[Route], None], str]:
    """How the way to the server breaks, and what is said then. The browser's own words about it
    are no fault of a page.
    """
    yield BREAKS[request.param]
    watch.found[:] = [
        one
        for one in watch.found
        if not any(word in one for word in ("502", "ERR_FAILED", "htmx-2"))
    ]


def told(page: Page, text: str) -> None:
    """The fault is told, by an alert; it goes with Close."""
    expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()
    press(page, "Close")
    expect(page.locator(".trouble")).to_be_hidden()


def test_rows_stay_and_the_fault_is_told(open_page: OpenPage, breaks):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    page.get_by_role("checkbox", name="Tick Echo").check()
    page.route("**/*", breaks[0])
    for do in (
        lambda: act(page, "Echo", "Test"),
        lambda: page.get_by_role("switch", name="Active: Echo").click(),
        lambda: page.get_by_role("searchbox").fill("zz"),
        lambda: press(page, "Export"),
    ):
        do()
        told(page, breaks[1])
        expect(page.get_by_role("link", name="Echo", exact=True)).to_be_visible()
    page.unroute_all()
    act(page, "Echo", "Test")
    expect(page.locator("td .note")).to_contain_text("It works")
    expect(page.locator("#said")).to_contain_text("Test of Echo: It works")
    expect(page.get_by_role("button", name="Actions: Echo")).to_be_focused()


def test_what_was_typed_stays(open_page: OpenPage, breaks):
    page = open_page("operator")
    page.goto("/connections/add/echo/")
    page.locator("[name=name]").fill("Typed with care")
    page.route("**/*", breaks[0])
    for button in ("Test", "Save"):
        press(page, button)
        told(page, breaks[1])
        expect(page.locator("[name=name]")).to_have_value("Typed with care")
    page.unroute_all()
    press(page, "Save")
    expect(page.locator("#messages")).to_contain_text("Typed with care is saved.")


def test_a_row_that_another_deleted_goes_and_the_rest_stays(open_page: OpenPage):
    page = open_page("administrator")
    gone = add_connection(page, "echo", "Gone")
    add_connection(page, "echo", "Here")
    page.goto("/connections/")
    other = page.context.new_page()
    other.goto(f"{gone}delete/")
    press(other, "Delete")
    expect(other.locator("#messages")).to_contain_text("deleted")
    other.close()
    act(page, "Gone", "Test")
    expect(page.locator("#messages")).to_contain_text("Somebody deleted it meanwhile.")
    expect(page.locator("#messages")).to_be_focused()
    assert page.locator("tbody tr").count() == 1
