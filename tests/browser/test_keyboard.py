"""No mouse: Tab and Enter do everything."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, OpenPage, add_connection

pytestmark = pytest.mark.usefixtures("no_rows")
NAME_OF_FOCUSED = """() => {
  const focused = document.activeElement
  return focused.getAttribute('aria-label') || focused.labels?.[0]?.innerText
    || focused.innerText || ''
}"""


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has the focus is called like this, and checks that the focus can be
    seen.
    """
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(NAME_OF_FOCUSED).strip().startswith(name):
            assert (
                page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            ), f"focus of {name} cannot be seen"
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_keyboard_alone_signs_in_and_adds_a_connection(open_page: OpenPage, javascript: bool):
    page = open_page(None, javascript)
    page.goto("/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("operator")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    tab_to(page, "Add a connection")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add a connection")).to_be_visible()
    tab_to(page, "Ec\nEcho")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add Echo")).to_be_visible()
    tab_to(page, "Name")
    page.keyboard.type("Echo by keyboard")
    tab_to(page, "Test and save")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("Test of Echo by keyboard: It works.")


def test_keyboard_alone_switches_a_connection_off_in_the_list(
    open_page: OpenPage, javascript: bool
):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    tab_to(page, "Active: Echo")
    page.keyboard.press("Space")
    switch = page.get_by_role("switch", name="Active: Echo")
    expect(switch).to_have_attribute("aria-checked", "false")
    if javascript:
        expect(switch).to_be_focused()


def test_skip_link_leads_to_the_content(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
