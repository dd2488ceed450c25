"""The "+" beside a picker: a dialog with JavaScript, pages that lead back without.

Nothing that was typed is lost.
"""

from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import (
    PHONE,
    TYPED_KEY,
    WRONG_KEY,
    OpenPage,
    Upstream,
    Watch,
    add_connection,
    add_profile,
    press,
    shows_no_secret,
)
from .gallery import too_wide
from .test_accessibility import violations
from .test_keyboard import tab_to

pytestmark = pytest.mark.usefixtures("no_rows")
ENTRIES = {
    "name": "Helpdesk",
    "tags": "support",
    "model": "made-up",
    "settings-temperature": "warm",
    "settings-stop": "END\nSTOP",
}
ON_ECHO = (
    "document.activeElement.matches('a.cover') && "
    "document.activeElement.innerText.trim().endsWith('Echo')"
)
IDS = (
    "() => [...document.querySelectorAll('[id]')].map(one => one.id).filter((id, at, all) => "
    "all.indexOf(id) !== at)"
)


def fill(page: Page) -> None:
    """Something into the form of a profile."""
    page.goto("/profiles/add/chat/")
    page.locator("summary", has_text="More settings").click()
    for name, value in ENTRIES.items():
        page.locator(f"#profile-form [name={name}]").fill(value)
    page.get_by_label("Active").uncheck()


def expect_filled(page: Page) -> None:
    for name, value in ENTRIES.items():
        expect(page.locator(f"#profile-form [name={name}]")).to_have_value(value)
    expect(page.locator("#profile-form [name=is_active]")).not_to_be_checked()


def place(page: Page, javascript: bool) -> Any:
    """Where a connection is added: the dialog, or the page."""
    return page.get_by_role("dialog") if javascript else page.get_by_role("main")


def choose_provider(page: Page, javascript: bool, name: str) -> Any:
    """Presses "+" and chooses a card."""
    press(page, "Add a connection")
    here = place(page, javascript)
    here.get_by_role("link", name=name, exact=True).click()
    expect(here.locator("[name=name]")).to_be_visible()
    return here


def picker(page: Page) -> Any:
    return page.locator("#profile-form [name=connection]")


def test_a_connection_is_added_and_chosen_and_nothing_typed_is_lost(
    open_page: OpenPage, javascript: bool
):
    page = open_page("operator", javascript)
    fill(page)
    here = choose_provider(page, javascript, "Echo")
    here.locator("[name=name]").fill("Echo here")
    here.get_by_role("button", name="Save", exact=True).click()
    expect(picker(page)).to_have_value("echo-here")
    expect_filled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    if javascript:
        expect(picker(page)).to_be_focused()
        expect(page.get_by_role("status").filter(has_text="Echo here is chosen.")).to_be_visible()
    page.locator("[name=settings-temperature]").fill("0.5")
    page.locator("#save").click()
    expect(page.get_by_role("heading", name="Helpdesk", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Echo here")


def test_only_what_the_picker_accepts_is_offered(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/profiles/add/chat/")
    press(page, "Add a connection")
    here = place(page, javascript)
    expect(here.get_by_role("link", name="OpenAI", exact=True)).to_be_visible()
    expect(here.get_by_role("link", name="Qdrant")).to_have_count(0)


def test_mistakes_tests_and_secrets_stay_in_it(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page("operator", javascript)
    fill(page)
    here = choose_provider(page, javascript, "OpenAI")
    here.locator("[name=settings-organization]").fill("org-typed")
    here.get_by_role("button", name="Save", exact=True).click()
    expect(here.get_by_role("alert").filter(has_text="a change.")).to_be_visible()
    here.locator("[name=name]").fill("OpenAI here")
    here.locator("[name=settings-api_key]").fill(WRONG_KEY)
    here.locator("summary", has_text="Advanced").click()
    here.locator("[name=settings-base_url]").fill(f"{upstream.url}/v1")
    here.get_by_role("button", name="Test", exact=True).click()
    expect(here.get_by_role("alert").filter(has_text="The test failed.")).to_be_visible()
    expect(here.locator("[name=settings-organization]")).to_have_value("org-typed")
    assert shows_no_secret(page)
    if javascript:
        expect_filled(page)
    here.locator("[name=settings-api_key]").fill(TYPED_KEY)
    here.get_by_role("button", name="Test and save", exact=True).click()
    expect(picker(page)).to_have_value("openai-here")
    expect(page.get_by_text("Test of OpenAI here: It works.")).to_be_visible()
    expect_filled(page)
    assert shows_no_secret(page)


def test_rows_are_added_in_it(open_page: OpenPage, javascript: bool):
    page = open_page("administrator", javascript)
    page.goto("/tokens/flows/")
    page.locator("form.sheet [name=name]").fill("Nightly")
    here = choose_provider(page, javascript, "Custom")
    here.locator("[name=name]").fill("Search")
    here.locator("[name=settings-configs-0-key]").fill("region")
    here.locator("[name=settings-configs-0-value]").fill("eu")
    here.get_by_role("button", name="Add a row to Configs").click()
    expect(here.locator("[name=settings-configs-1-key]")).to_be_focused()
    here.locator("[name=settings-secrets-0-key]").fill("api-key")
    here.locator("[name=settings-secrets-0-value]").fill(TYPED_KEY)
    here.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Search", exact=True)).to_be_checked()
    expect(page.locator("form.sheet [name=name]")).to_have_value("Nightly")
    press(page, "Make a token")
    expect(page.get_by_text("Nightly is made.")).to_be_visible()


def test_two_in_a_row(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    fill(page)
    for name in ("First", "Second"):
        here = choose_provider(page, javascript, "Echo")
        here.locator("[name=name]").fill(name)
        here.get_by_role("button", name="Save", exact=True).click()
        expect(picker(page)).to_have_value(name.lower())
        expect_filled(page)
    expect(picker(page).locator("option", has_text="First")).to_have_count(1)


def test_a_target_of_profiles_is_added(open_page: OpenPage, javascript: bool):
    page = open_page("administrator", javascript)
    address = add_connection(page, "echo", "Old")
    add_profile(page, "old", "Answers", "echo-1")
    page.goto(f"{address}delete/")
    here = choose_provider(page, javascript, "Echo")
    here.locator("[name=name]").fill("Replacement")
    here.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("To connection")).to_have_value("replacement")
    press(page, "Move")
    expect(page.get_by_text("1 profile moved to Replacement.")).to_be_visible()


@pytest.mark.parametrize("leave", ["Escape", "Close", "Cancel"])
def test_leaving_the_dialog_loses_nothing_outside(open_page: OpenPage, leave: str):
    page = open_page("operator")
    fill(page)
    here = choose_provider(page, True, "OpenAI")
    here.locator("[name=settings-api_key]").fill(TYPED_KEY)
    if leave == "Escape":
        page.once("dialog", lambda asked: asked.dismiss())
        page.keyboard.press("Escape")
        expect(here.locator("[name=settings-api_key]")).to_have_value(TYPED_KEY)
        page.once("dialog", lambda asked: asked.accept())
        page.keyboard.press("Escape")
    else:
        here.locator("[data-close]", has_text=leave).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a connection")).to_be_focused()
    expect_filled(page)
    assert TYPED_KEY not in page.content() and page.url.endswith("/profiles/add/chat/")


@pytest.mark.parametrize("where", ["cards", "form"])
def test_without_javascript_cancel_leads_back(open_page: OpenPage, where: str):
    page = open_page("operator", javascript=False)
    fill(page)
    if where == "cards":
        press(page, "Add a connection")
        page.get_by_role("link", name="Back without adding").click()
    else:
        choose_provider(page, False, "Echo")
        page.get_by_role("link", name="Cancel").click()
    expect_filled(page)


def test_keyboard_alone(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/profiles/add/chat/")
    tab_to(page, "Name")
    page.keyboard.type("Helpdesk")
    tab_to(page, "+")
    page.keyboard.press("Enter")
    expect(place(page, javascript).get_by_role("link", name="Echo", exact=True)).to_be_visible()
    while not page.evaluate(ON_ECHO):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(place(page, javascript).locator("[name=name]")).to_be_visible()
    tab_to(page, "Name")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(picker(page)).to_have_value("by-keyboard")
    expect(page.locator("#profile-form [name=name]")).to_have_value("Helpdesk")


def test_the_dialog_has_no_violation_no_second_ids_and_fits_a_phone(open_page: OpenPage):
    page = open_page("operator")
    fill(page)
    press(page, "Add a connection")
    dialog = page.get_by_role("dialog", name="Add a connection")
    expect(dialog.get_by_role("link", name="OpenAI", exact=True)).to_be_visible()
    assert violations(page) == [] and too_wide(page) == []
    dialog.get_by_role("searchbox").fill("echo")
    expect(dialog.get_by_role("link", name="OpenAI", exact=True)).to_have_count(0)
    dialog.get_by_role("link", name="Echo", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add Echo")
    dialog.locator("[name=name]").fill("")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_role("alert").filter(has_text="1 field needs a change")).to_be_focused()
    assert page.evaluate(IDS) == []
    assert violations(page) == [] and too_wide(page) == []
    page.set_viewport_size(PHONE)
    dialog.locator("[name=name]").fill("On a phone")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(picker(page)).to_have_value("on-a-phone")
    assert violations(page) == []


def answer_with(route: Any, body: str | None) -> None:
    """A failure with this page, or none at all."""
    if body is None:
        route.abort()
    else:
        route.fulfill(status=500, body=body)


def test_an_error_is_told_in_the_dialog_and_the_page_behind_stays(
    open_page: OpenPage, watch: Watch
):
    page = open_page("operator")
    fill(page)
    here = choose_provider(page, True, "Echo")
    here.locator("[name=name]").fill("Cut off")
    for answer, told in (
        (None, "cannot be reached"),
        ("<main id=main><p class=card><p>Not today.", "Not today."),
    ):
        page.unroute_all()
        page.route("**/add/echo/**", partial(answer_with, body=answer))
        here.get_by_role("button", name="Save", exact=True).click()
        expect(here.get_by_role("alert").filter(has_text=told)).to_be_visible()
        expect(here.locator("[name=name]")).to_have_value("Cut off")
        expect_filled(page)
    assert all(
        "net::ERR_FAILED" in one or "500" in one or "htmx-2" in one for one in watch.found
    ), watch.found
    watch.found.clear()
