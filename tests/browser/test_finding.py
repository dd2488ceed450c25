"""The palette, the keys of rows, and what they become without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage, add_connection

pytestmark = pytest.mark.usefixtures("no_rows")


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The list of three connections."""
    page = open_page("operator")
    for name in ("Alpha", "Beta", "Gamma"):
        add_connection(page, "echo", name)
    page.goto("/connections/")
    return page


def test_the_palette_finds_and_says_how_much_and_gives_the_focus_back(page: Page):
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find anything")
    expect(palette.get_by_role("link", name="Usage")).to_be_visible()
    page.keyboard.type("bet")
    expect(palette.get_by_role("link", name="Beta")).to_be_visible()
    expect(palette.get_by_role("status")).to_have_text("1 result, first Beta")
    page.keyboard.press("ArrowDown")
    expect(palette.get_by_role("link", name="Beta")).to_be_focused()
    page.keyboard.press("a")  # typed into the field again
    expect(palette.get_by_role("searchbox")).to_have_value("beta")
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("test beta")  # over what was there
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("Test of Beta: It works.")


def test_keys_go_through_rows_and_do_nothing_while_somebody_types(page: Page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Beta")).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="Tick Beta")).to_be_checked()
    page.keyboard.press("t")
    expect(page.locator("[data-row]", has_text="Beta")).to_contain_text("Works")
    expect(page.get_by_role("link", name="Beta")).to_be_focused()
    page.keyboard.press("Control+j")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("kx?e")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("kx?e")
    page.goto("/connections/")
    page.keyboard.press("k")  # the last one
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Edit Gamma")).to_be_visible()


def test_single_keys_can_be_switched_off(page: Page):
    page.keyboard.press("?")
    page.get_by_label("Single keys work in this browser").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("body")).to_be_focused()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_without_javascript_the_button_leads_to_the_page_that_finds(open_page: OpenPage):
    page = open_page("operator", javascript=False)
    add_connection(page, "echo", "Alpha")
    page.goto("/connections/")
    page.get_by_role("link", name="Find", exact=True).click()
    page.get_by_role("searchbox").fill("test alpha")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Test Alpha").click()
    expect(page.locator("#messages")).to_contain_text("Test of Alpha: It works.")
