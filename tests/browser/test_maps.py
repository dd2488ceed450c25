"""Rows of keys and values in the browser, with JavaScript and without."""

import pytest
from playwright.sync_api import expect

from .conftest import TYPED_KEY, WRONG_KEY, OpenPage, press, shows_no_secret

pytestmark = pytest.mark.usefixtures("no_rows")
CONFIG, SECRET = "[name=settings-configs-{}-{}]", "[name=settings-secrets-{}-{}]"


def test_rows_are_added_filled_saved_and_removed(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/add/custom/")
    page.get_by_label("Name", exact=False).first.fill("Search")
    page.locator(CONFIG.format(0, "key")).fill("endpoint")
    page.locator(CONFIG.format(0, "value")).fill("https://search.example.com")
    page.locator(SECRET.format(0, "key")).fill("api-key")
    page.locator(SECRET.format(0, "value")).fill(TYPED_KEY)
    press(page, "Add a row to Secrets")
    expect(page.locator(SECRET.format(1, "key"))).to_be_focused()
    expect(page.get_by_text("kept, encrypted, for the next try")).to_be_visible()
    assert shows_no_secret(page)
    page.keyboard.type("token")
    page.locator(SECRET.format(1, "value")).fill("$OpenAI:ApiKey")
    page.locator(SECRET.format(1, "value")).press("Enter")  # saves, and adds no row
    expect(page.locator("#messages")).to_contain_text("Search is saved.")
    detail = page.locator("#detail")
    for text in (
        "Configs: endpoint",
        "Secrets: api-key",
        "typed-***",
        "Secrets: token",
        "$OpenAI:ApiKey",
        "resolved from environment",
    ):
        expect(detail).to_contain_text(text)
    assert shows_no_secret(page)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Remove token").check()
    page.locator(SECRET.format(1, "value")).fill("")
    press(page, "Save")
    expect(detail).not_to_contain_text("Secrets: token")
    expect(detail).to_contain_text("typed-***")


def test_a_refused_row_says_why_and_nothing_typed_is_lost(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/add/custom/")
    page.get_by_label("Name", exact=False).first.fill("Search")
    page.locator(CONFIG.format(0, "key")).fill("endpoint")
    page.locator(CONFIG.format(0, "value")).fill("$OpenAI:ApiKey")
    page.locator(SECRET.format(0, "key")).fill("api-key")
    page.locator(SECRET.format(0, "value")).fill(WRONG_KEY)
    press(page, "Save")
    expect(page.locator(".errors")).to_contain_text("endpoint: ApiKey counts as a secret")
    assert shows_no_secret(page)
    page.locator(CONFIG.format(0, "value")).fill("https://search.example.com")
    press(page, "Save")
    expect(page.locator("#detail")).to_contain_text("wrong-***")
