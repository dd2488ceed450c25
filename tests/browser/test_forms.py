"""What a form tells while it is filled: its changes, the alias, the place to go on."""

import pytest
from playwright.sync_api import Route, expect

from .conftest import OpenPage, Upstream, Watch, add_connection, add_profile, fill_openai, press

pytestmark = pytest.mark.usefixtures("no_rows")


def test_a_form_tells_its_changes_and_keeps_open_what_was_opened(
    open_page: OpenPage, upstream: Upstream
):
    page = open_page("operator")
    fill_openai(page, "Open AI Europe", "sk-wrong", f"{upstream.url}/v1")
    expect(page.locator("#id_alias_offer")).to_have_text("open-ai-europe is free.")
    changes = page.locator(".changes")
    expect(changes).to_have_text("3 changes: Name, API key, Endpoint")
    page.locator("summary", has_text="Advanced").click()
    page.locator("[name=settings-timeout]").fill("99")
    press(page, "Test")
    expect(page.locator("#outcome")).to_be_focused()
    expect(page.locator("[name=settings-timeout]")).to_be_visible()
    expect(changes).to_have_text("4 changes: Name, API key, Endpoint, Timeout")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()
    assert asked == ["beforeunload"]


def test_what_is_wrong_gets_the_focus_and_leads_to_its_field(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/profiles/add/chat/?connection=echo")
    page.locator("[name=settings-temperature]").fill("7")
    press(page, "Save")
    expect(page).to_have_title("Error: Add a profile for chat · Switchboard")
    expect(page.locator("#form-errors")).to_be_focused()
    page.locator("#form-errors").get_by_role("link", name="Temperature").click()
    expect(page.locator("[name=settings-temperature]")).to_be_focused()


def test_a_model_is_chosen_and_fallbacks_moved(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    for name in ("Night shift", "Reserve"):
        add_profile(page, "echo", name, "echo-1")
    page.goto("/profiles/add/chat/?connection=echo")
    page.get_by_label("Fallback 1", exact=True).select_option("reserve")
    page.get_by_label("Fallback 2", exact=True).select_option("night-shift")
    page.get_by_role("button", name="Move up from place 2").click()
    expect(page.get_by_label("Fallback 1", exact=True)).to_have_value("night-shift")
    expect(page.get_by_role("button", name="Move down from place 1")).to_be_focused()
    page.locator("[name=model]").fill("")
    press(page, "Fetch models")
    page.locator("#model-choices").get_by_role("button", name="echo-1").click()
    expect(page.locator("[name=model]")).to_have_value("echo-1")
    expect(page.get_by_label("Fallback 2", exact=True)).to_have_value("reserve")


def test_what_another_press_makes_old_brings_no_answer(open_page: OpenPage):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    page.goto("/profiles/add/chat/?connection=echo")
    looks: list[Route] = []

    def hold(one: Route) -> None:
        looks.append(one) if "action=look" in (one.request.post_data or "") else one.continue_()

    page.route("**/profiles/add/chat/**", hold)
    page.locator("[name=model]").fill("echo")
    press(page, "Fetch models")  # the input is left, which asks what the model does not take
    expect(page.locator("#model-choices")).to_be_visible()
    assert [one.request.failure for one in looks] == ["net::ERR_ABORTED"]


def test_the_outcome_for_a_row_that_was_filtered_away_is_told(open_page: OpenPage, watch: Watch):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    held: list[Route] = []
    page.route("**/toggle/", lambda one: held.append(one))
    page.get_by_role("switch", name="Active: Echo").click()
    page.get_by_role("searchbox").first.fill("nothing")
    expect(page.get_by_role("switch")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("#messages")).to_contain_text("Echo")
    assert ["oobErrorNoTarget" in one for one in watch.found] == [True]  # htmx's own, of the row
    watch.found.clear()
