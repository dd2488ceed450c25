"""The lists: several rows at once, filters, order, pages."""

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage, add_connection, add_profile, press

pytestmark = pytest.mark.usefixtures("no_rows")


def tick(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=f"Tick {name}").check()


def names(page: Page) -> list[str]:
    return page.locator(".name a:first-child").all_text_contents()


def test_ticked_rows_are_deactivated_and_activated(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    for name in ("One", "Two", "Three"):
        add_connection(page, "echo", name)
    page.goto("/connections/")
    tick(page, "One", "Two")
    press(page, "Switch off")
    expect(page.locator("#messages")).to_contain_text("2 connections switched off.")
    expect(page.get_by_role("switch", name="Active: Two")).to_have_attribute(
        "aria-checked", "false"
    )
    expect(page.get_by_role("switch", name="Active: Three")).to_have_attribute(
        "aria-checked", "true"
    )
    tick(page, "Two")
    press(page, "Switch on")
    expect(page.locator("#messages")).to_contain_text("Two is active.")


def test_ticked_rows_are_tested(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Good")
    add_connection(page, "openai", "Bad", api_key="$OpenAI:NotYet")
    page.goto("/connections/")
    tick(page, "Good", "Bad")
    press(page, "Test")
    outcome = page.get_by_role("region", name="The test of 2")
    expect(outcome.get_by_role("status")).to_have_text("1 works, 1 does not.")
    reasons = outcome.get_by_role("list", name="Reasons").get_by_role("listitem")
    expect(reasons).to_have_text([re.compile(r"OpenAI__NotYet.*\bBad\b")])


def test_nothing_ticked_changes_nothing(open_page: OpenPage, javascript: bool):
    """Without JavaScript it is said; with it there is nothing to press until a row is ticked."""
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    bar = page.get_by_role("form", name="With those ticked")
    if javascript:
        tick(page, "Echo")
        expect(bar).to_contain_text("1 ticked")
        page.get_by_role("checkbox", name="Tick Echo").uncheck()
        expect(bar).to_have_count(0)
    else:
        press(page, "Switch off")
        expect(page.locator("#messages")).to_contain_text("Tick the connections first.")
    expect(page.get_by_role("switch", name="Active: Echo")).to_have_attribute(
        "aria-checked", "true"
    )


def test_filters_narrow_the_list(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo", tags="blue")
    add_connection(page, "openai", "OpenAI", api_key="$OpenAI:ApiKey", tags="red")
    page.goto("/connections/")
    page.get_by_role("combobox", name="Provider").select_option("echo")
    press(page, "Filter")
    expect(page.locator(".name a:first-child")).to_have_text(["Echo"])
    page.goto("/connections/?tag=red")
    expect(page.get_by_role("textbox", name="Tag")).to_have_value("red")
    expect(page.locator(".name a:first-child")).to_have_text(["OpenAI"])
    page.get_by_role("searchbox", name="Search").fill("nothing like it")
    press(page, "Filter")
    expect(page.locator("#rows")).to_contain_text("No connection fits these filters.")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".name a:first-child")).to_have_text(["Echo", "OpenAI"])


def test_search_filters_while_typing(open_page: OpenPage):
    page = open_page("operator")
    for name in ("Alpha", "Beta"):
        add_connection(page, "echo", name)
    page.goto("/connections/")
    page.get_by_role("searchbox", name="Search").press_sequentially("bet")
    expect(page.locator(".name a:first-child")).to_have_text(["Beta"])
    expect(page).to_have_url(re.compile("q=bet"))
    expect(page.locator("main + [role=status]")).to_have_text("1 connection")
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("[data-open]")).to_have_text(["Alpha", "Beta"])


def test_back_from_a_row_shows_the_filtered_list(open_page: OpenPage):
    page = open_page("operator")
    for name in ("Alpha", "Beta"):
        add_connection(page, "echo", name)
    page.goto("/connections/")
    page.get_by_role("searchbox", name="Search").fill("bet")
    press(page, "Filter")
    expect(page.locator(".name a:first-child")).to_have_text(["Beta"])
    page.get_by_role("link", name="Beta", exact=True).click()
    expect(page.get_by_role("heading", name="Beta")).to_be_visible()
    page.go_back()
    expect(page.locator(".name a:first-child")).to_have_text(["Beta"])
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("bet")


def test_tab_through_the_filters_asks_for_nothing(open_page: OpenPage):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/connections/" in request.url else None,
    )
    page.get_by_role("searchbox", name="Search").focus()
    for _ in range(8):
        page.keyboard.press("Tab")
    page.wait_for_timeout(800)
    assert asked == []


def test_headings_sort_the_list(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Alpha")
    add_connection(page, "openai", "Beta", api_key="$OpenAI:ApiKey")
    page.goto("/connections/")
    page.get_by_role("columnheader", name="Name").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert names(page) == ["Beta", "Alpha"]
    page.get_by_role("columnheader", name="Provider").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Provider")).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert names(page) == ["Alpha", "Beta"]


def test_long_list_has_pages_that_keep_the_filter(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    for number in range(27):
        add_connection(page, "echo", f"Echo {number:02}", tags="many")
    page.goto("/connections/?tag=many&sort=-name")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_label("Pages")).to_contain_text("Page 2 of 2, 27 in all")
    assert names(page) == ["Echo 01", "Echo 00"]
    expect(page.get_by_role("textbox", name="Tag")).to_have_value("many")


def test_profiles_are_filtered(open_page: OpenPage):
    page = open_page("operator")
    add_connection(page, "echo", "Echo")
    add_profile(page, "echo", "Talk", "echo-1")
    add_profile(page, "echo", "Vectors", "echo-embedding-1", "embedding")
    page.goto("/profiles/")
    page.get_by_role("combobox", name="Capability").select_option("Embedding")
    press(page, "Filter")
    expect(page.locator(".name a:first-child")).to_have_text(["Vectors"])
