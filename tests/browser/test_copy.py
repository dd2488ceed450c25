"""The id and the alias of a connection or a profile: copied with one click, selected without
JavaScript; and Duplicate.
"""

import pytest
from playwright.sync_api import Page, expect

from .conftest import TYPED_KEY, OpenPage, add_connection, add_profile, press
from .gallery import too_wide
from .test_accessibility import violations
from .test_keyboard import tab_to

pytestmark = pytest.mark.usefixtures("no_rows")
CLIPBOARD = ["clipboard-read", "clipboard-write"]
SELECTED = "getSelection().toString()"
SELECTED_IN_INPUT = (
    "(one => one.value.slice(one.selectionStart, one.selectionEnd))(document.activeElement)"
)


# both pages show the id and the alias by the same element
one_kind = pytest.mark.parametrize("address", ["connection"], indirect=True)


@pytest.fixture(params=["connection", "profile"])
def address(request: pytest.FixtureRequest, open_page: OpenPage) -> str:
    """The page of a row."""
    page = open_page("operator")
    found = add_connection(page, "echo", "Echo")
    return (
        found if request.param == "connection" else add_profile(page, "echo", "Answers", "echo-1")
    )


def id_in(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def status_of_copying(page: Page):
    return page.get_by_role("status").filter(has_text="Reference ID: ")


def test_one_click_copies_and_says_so(open_page: OpenPage, address: str):
    page = open_page("viewer", permissions=CLIPBOARD)
    page.goto(address)
    press(page, "Copy Reference ID")
    expect(status_of_copying(page)).to_have_text("Reference ID: copied")
    assert page.evaluate("navigator.clipboard.readText()") == id_in(address)
    press(page, "Copy Alias")
    assert page.evaluate("navigator.clipboard.readText()") in ("echo", "answers")


@one_kind
def test_it_copies_by_keyboard(open_page: OpenPage, address: str):
    page = open_page("viewer", permissions=CLIPBOARD)
    page.goto(address)
    tab_to(page, "Copy Reference ID")
    page.keyboard.press("Enter")
    expect(status_of_copying(page)).to_have_text("Reference ID: copied")
    assert page.evaluate("navigator.clipboard.readText()") == id_in(address)


@one_kind
def test_it_copies_where_the_browser_offers_no_clipboard(open_page: OpenPage, address: str):
    page = open_page("viewer", permissions=CLIPBOARD)
    page.goto(address)
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    )  # as over plain HTTP
    press(page, "Copy Reference ID")
    expect(status_of_copying(page)).to_contain_text("Reference ID: ")
    assert page.evaluate(SELECTED) == id_in(address)


def test_without_javascript_one_click_or_tab_selects_all_of_it(open_page: OpenPage, address: str):
    page = open_page("viewer", javascript=False)
    page.goto(address)
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_text(id_in(address), exact=True).click()
    assert page.evaluate(SELECTED) == id_in(address)
    tab_to(page, "Reference ID, to copy")
    assert page.evaluate(SELECTED_IN_INPUT) == id_in(address)
    assert too_wide(page) == []


def test_a_copy_opens_its_form_and_is_inactive_until_saved(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto(add_connection(page, "openai", "OpenAI", api_key=TYPED_KEY))
    press(page, "Duplicate")
    expect(page.get_by_role("heading", name="Edit OpenAI copy")).to_be_visible()
    expect(page.get_by_text("This is a copy. It is inactive until you save it.")).to_be_visible()
    expect(page.get_by_label("Active")).to_be_checked()
    assert violations(page) == [] if javascript else True
    page.goto("/connections/")
    expect(page.get_by_role("switch", name="Active: OpenAI copy")).to_have_attribute(
        "aria-checked", "false"
    )
    page.go_back()
    page.locator("[name=name]").fill("OpenAI for tests")
    press(page, "Save")
    expect(page.get_by_role("switch", name="Active: OpenAI for tests")).to_have_attribute(
        "aria-checked", "true"
    )


def test_a_profile_is_copied(open_page: OpenPage):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    page.goto(add_profile(page, "echo", "Answers", "echo-1"))
    press(page, "Duplicate")
    expect(page.get_by_text("This is a copy. It is inactive until you save it.")).to_be_visible()
    press(page, "Save")
    expect(page.get_by_role("heading", name="Answers copy", level=1)).to_be_visible()
