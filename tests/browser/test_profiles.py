"""Profiles in the browser: with a model that the provider lists, with a typed one, with a
mistake.
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import OpenPage, Upstream, act, add_connection, add_profile, field_of, press
from .test_keyboard import tab_to

pytestmark = pytest.mark.usefixtures("no_rows")


def test_profile_is_added_with_a_fetched_model(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page("administrator", javascript)
    add_connection(
        page, "openai", "OpenAI", api_key="$OpenAI:ApiKey", base_url=f"{upstream.url}/v1"
    )
    page.goto("/profiles/")
    page.get_by_role("link", name="Add a profile").click()
    page.get_by_role("link", name="Chat").click()
    page.locator("[name=name]").fill("Helpdesk")
    page.locator("[name=tags]").fill("support")
    page.get_by_label("Connection").select_option("openai")
    press(page, "Fetch models")
    expect(page.get_by_role("status").filter(has_text="chat model")).to_contain_text("gpt-4o-mini")
    expect(page.locator("[name=name]")).to_have_value("Helpdesk")
    expect(page.locator("[name=tags]")).to_have_value("support")
    assert page.locator("#models option").evaluate_all(
        "options => options.map(one => one.value)"
    ) == ["gpt-4o-mini"]
    page.locator("[name=model]").fill("gpt-4o-mini")
    press(page, "Save")
    expect(page.get_by_role("heading", name="Helpdesk", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("gpt-4o-mini")


def test_typed_model_and_a_mistake_keep_every_entry(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/profiles/add/chat/?connection=echo")
    entries = {
        "name": "Helpdesk",
        "model": "made-up-model",
        "settings-temperature": "7",
        "settings-system_prompt_template": "Be {tone}.",
    }
    for name, value in entries.items():
        page.locator(f"[name={name}]").fill(value)
    press(page, "Save")
    expect(field_of(page, "settings-temperature").locator(".errors")).to_contain_text(
        "Temperature must be at most 2."
    )
    for name, value in entries.items():
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    expect(page.get_by_label("Connection")).to_have_value("echo")
    page.locator("[name=settings-temperature]").fill("0.7")
    press(page, "Save")
    expect(page.get_by_role("main")).to_contain_text("made-up-model")


def test_enter_in_a_profile_form_saves(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/profiles/add/chat/?connection=echo")
    page.locator("[name=name]").fill("Helpdesk")
    page.locator("[name=model]").fill("echo-1")
    page.locator("[name=model]").press("Enter")
    expect(page.locator("#messages")).to_contain_text("Helpdesk is saved.")


def test_models_that_cannot_be_fetched_are_a_sentence(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page("administrator", javascript)
    upstream.mode = "401"
    add_connection(
        page, "openai", "OpenAI", api_key="$OpenAI:ApiKey", base_url=f"{upstream.url}/v1"
    )
    page.goto("/profiles/add/embedding/")
    press(page, "Fetch models")
    expect(page.get_by_role("alert")).to_contain_text("Choose a connection first.")
    page.get_by_label("Connection").select_option("openai")
    press(page, "Fetch models")
    expect(page.get_by_role("alert")).to_contain_text("does not accept the credentials")


def three(page: Page) -> None:
    """Three profiles of one connection."""
    add_connection(page, "echo", "Echo")
    for name in ("Helpdesk", "Night shift", "Reserve"):
        add_profile(page, "echo", name, "echo-1")


def attempts(page: Page) -> Locator:
    """The rows that a profile's page shows of whom it asks: the profile itself, its fallbacks."""
    return page.get_by_role("table", name="Attempts").locator("tbody tr")


def test_fallbacks_are_chosen_put_in_order_and_shown(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    three(page)
    page.goto("/profiles/?q=Helpdesk")
    act(page, "Helpdesk", "Edit")
    page.get_by_label("Fallback 1").select_option("reserve")
    page.get_by_label("Fallback 3").select_option("night-shift")
    press(page, "Save")
    expect(attempts(page)).to_contain_text(["Helpdesk", "Reserve", "Night shift"])
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Fallback 2")).to_have_value("night-shift")
    expect(page.get_by_label("Fallback 3")).to_have_value("")


def test_a_fallback_is_chosen_by_keyboard_alone(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    three(page)
    page.goto("/profiles/?q=Helpdesk")
    for name in ("Actions: Helpdesk", "Edit Helpdesk"):
        tab_to(page, name)
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Edit Helpdesk")).to_be_visible()
    tab_to(page, "Fallback 1")
    page.keyboard.type("Night")
    page.keyboard.press("Enter")  # a list sends no form
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(attempts(page)).to_contain_text(["Helpdesk", "Night shift"])


def test_what_requests_may_set_appears_when_it_counts(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    three(page)
    page.goto("/profiles/?q=Helpdesk")
    act(page, "Helpdesk", "Edit")
    page.locator("summary", has_text="Limits").click()
    group = page.get_by_role("group", name="Requests may set")
    expect(group.get_by_label("tools")).to_be_hidden()
    group.get_by_label("Only what is ticked").check()
    group.get_by_label("tools").check()
    press(page, "Save")
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"Requests may set\s*tools\b"))


def test_a_fallback_in_use_is_not_deleted(open_page: OpenPage):
    page = open_page("administrator")
    add_connection(page, "echo", "Echo")
    needed = add_profile(page, "echo", "Reserve", "echo-1")
    add_profile(page, "echo", "Helpdesk", "echo-1", fallbacks="reserve")
    page.goto(needed)
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("main")).to_contain_text("cannot be deleted")
    expect(page.get_by_role("button", name="Delete", exact=True)).to_have_count(0)
    press(page, "Switch off")
    expect(page.locator("#messages")).to_contain_text("Reserve is inactive.")


def test_operator_switches_a_profile(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    address = add_profile(page, "echo", "Helpdesk", "echo-1")
    switch = page.get_by_role("switch", name="Active: Helpdesk")
    for there, checked in (("/profiles/", "false"), (address, "true")):
        page.goto(there)
        switch.click()
        expect(switch).to_have_attribute("aria-checked", checked)


def test_administrator_deletes_a_profile(open_page: OpenPage):
    page = open_page("administrator")
    add_connection(page, "echo", "Echo")
    page.goto(add_profile(page, "echo", "Helpdesk", "echo-1"))
    page.get_by_role("link", name="Delete").click()
    press(page, "Delete")
    expect(page.locator("#messages")).to_contain_text("Helpdesk is deleted.")
