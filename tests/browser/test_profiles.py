"""Profiles in the browser: with a model that the provider lists, with a typed one, with a mistake."""

import pytest
from playwright.sync_api import expect

from .conftest import OpenPage, Upstream, add_connection, add_profile, field_of, press

pytestmark = pytest.mark.usefixtures("no_rows")


def test_profile_is_added_with_a_fetched_model(open_page: OpenPage, javascript: bool, upstream: Upstream):
    page = open_page("operator", javascript)
    add_connection(page, "openai", "OpenAI", api_key="$OpenAI:ApiKey", base_url=f"{upstream.url}/v1")
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
    assert page.locator("#models option").evaluate_all("options => options.map(one => one.value)") == ["gpt-4o-mini"]
    page.locator("[name=model]").fill("gpt-4o-mini")
    press(page, "Save")
    expect(page.get_by_role("heading", name="Helpdesk", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("gpt-4o-mini")


def test_typed_model_and_a_mistake_keep_every_entry(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/profiles/add/chat/?connection=echo")
    entries = {"name": "Helpdesk", "model": "made-up-model", "settings-temperature": "7", "settings-system_prompt_template": "Be {tone}."}
    for name, value in entries.items():
        page.locator(f"[name={name}]").fill(value)
    press(page, "Save")
    expect(field_of(page, "settings-temperature").locator(".errors")).to_contain_text("less than or equal to 2")
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


def test_models_that_cannot_be_fetched_are_a_sentence(open_page: OpenPage, javascript: bool, upstream: Upstream):
    page = open_page("operator", javascript)
    upstream.mode = "401"
    add_connection(page, "openai", "OpenAI", api_key="$OpenAI:ApiKey", base_url=f"{upstream.url}/v1")
    page.goto("/profiles/add/embedding/")
    press(page, "Fetch models")
    expect(page.get_by_role("alert")).to_contain_text("Choose a connection first.")
    page.get_by_label("Connection").select_option("openai")
    press(page, "Fetch models")
    expect(page.get_by_role("alert")).to_contain_text("does not accept the credentials")


def test_operator_switches_a_profile(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    address = add_profile(page, "echo", "Helpdesk", "echo-1")
    switch = page.get_by_role("switch", name="Active: Helpdesk")
    for there, checked in (("/profiles/", "false"), (address, "true")):
        page.goto(there)
        switch.click()
        expect(switch).to_have_attribute("aria-checked", checked)


def test_administrator_deletes_a_profile(open_page: OpenPage, javascript: bool):
    page = open_page("administrator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto(add_profile(page, "echo", "Helpdesk", "echo-1"))
    page.get_by_role("link", name="Delete").click()
    press(page, "Delete")
    expect(page.locator("#messages")).to_contain_text("Helpdesk is deleted.")
