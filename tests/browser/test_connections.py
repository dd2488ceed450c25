"""Connections in the browser: added, tested, edited, switched, deleted.

What a script has a part in runs with JavaScript and without.
"""

import re

import pytest
from playwright.sync_api import expect

from .conftest import (
    GOOD_KEY,
    TYPED_KEY,
    WRONG_KEY,
    OpenPage,
    Upstream,
    act,
    add_connection,
    add_profile,
    field_of,
    fill_openai,
    press,
    shows_no_secret,
    sign_in,
)

pytestmark = pytest.mark.usefixtures("no_rows")


def test_connection_with_a_reference_is_tested_and_saved(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page(None, javascript)
    sign_in(page, "administrator")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.get_by_role("link", name="Add a connection").first.click()
    page.get_by_role("link", name="OpenAI", exact=True).click()
    fill_openai(page, "OpenAI production", "$OpenAI:ApiKey", f"{upstream.url}/v1")
    press(page, "Test")
    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text("It works. 2 models.")
    expect(outcome).to_contain_text("/v1/models")
    expect(outcome).to_contain_text(re.compile(r"\d+ ms"))
    expect(page.locator("[name=settings-api_key]")).to_have_value("$OpenAI:ApiKey")
    press(page, "Save")
    expect(page.locator("#messages")).to_contain_text("OpenAI production is saved.")
    expect(page.locator("#detail")).to_contain_text("resolved from environment")
    assert shows_no_secret(page)
    page.get_by_role("link", name="Connections").first.click()
    expect(page.get_by_role("row", name="OpenAI production")).to_contain_text("openai-production")
    assert GOOD_KEY in upstream.requests[0]


def test_wrong_key_is_named_corrected_and_saved(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page("operator", javascript)
    fill_openai(page, "OpenAI", WRONG_KEY, f"{upstream.url}/v1")
    press(page, "Test")
    expect(page.locator("#outcome")).to_contain_text(
        "does not accept the credentials. Enter a valid key."
    )
    assert shows_no_secret(page)
    page.locator("[name=settings-api_key]").fill(TYPED_KEY)
    press(page, "Test")
    expect(page.locator("#outcome")).to_contain_text("It works.")
    assert shows_no_secret(page)
    press(page, "Save")
    expect(page.locator("#detail")).to_contain_text("typed-***")
    assert shows_no_secret(page)


def test_typed_key_survives_failed_test_and_save_anyway(
    open_page: OpenPage, javascript: bool, upstream: Upstream
):
    page = open_page("operator", javascript)
    upstream.mode = "500"
    fill_openai(page, "OpenAI", TYPED_KEY, f"{upstream.url}/v1")
    press(page, "Test and save")
    expect(page.locator("#outcome")).to_contain_text("failed with HTTP 500")
    expect(page.locator("#outcome")).to_contain_text("Nothing is saved.")
    press(page, "Save anyway")
    expect(page.get_by_role("heading", name="OpenAI", level=1)).to_be_visible()
    upstream.mode = "good"
    press(page, "Test now")
    expect(page.locator("#messages")).to_contain_text("Test of OpenAI: It works. 2 models.")
    assert TYPED_KEY in upstream.requests[-1]


def test_test_and_save_does_both(open_page: OpenPage, upstream: Upstream):
    page = open_page("administrator")
    fill_openai(page, "OpenAI", "$OpenAI:ApiKey", f"{upstream.url}/v1")
    press(page, "Test and save")
    expect(page.locator("#messages")).to_contain_text("OpenAI is saved.")
    expect(page.locator("#messages")).to_contain_text("Test of OpenAI: It works.")
    expect(page.locator("#detail")).to_contain_text("Works")


def test_missing_reference_is_saved_with_a_warning(open_page: OpenPage, upstream: Upstream):
    page = open_page("administrator")
    fill_openai(page, "OpenAI", "$OpenAI:NotYet", f"{upstream.url}/v1")
    press(page, "Test")
    expect(page.locator("#outcome")).to_contain_text("OpenAI__NotYet")
    press(page, "Save anyway")
    expect(page.locator(".message.warning")).to_contain_text("not usable yet")
    expect(page.locator("#detail")).to_contain_text("Reference missing")


def test_edit_without_retyping_keeps_the_key(open_page: OpenPage, upstream: Upstream):
    page = open_page("operator")
    address = add_connection(
        page, "openai", "OpenAI", api_key=TYPED_KEY, base_url=f"{upstream.url}/v1"
    )
    page.goto(f"{address}edit/")
    expect(field_of(page, "settings-api_key")).to_contain_text(
        "typed-*** is kept; the ends are never shown."
    )
    page.locator("[name=name]").fill("OpenAI renamed")
    press(page, "Test")
    expect(page.locator("#outcome")).to_contain_text("It works.")
    press(page, "Save")
    expect(page.get_by_role("heading", name="OpenAI renamed")).to_be_visible()
    press(page, "Test now")
    expect(page.locator("#messages")).to_contain_text("It works.")
    assert [TYPED_KEY in one for one in upstream.requests] == [True, True]


def test_another_endpoint_asks_for_the_key_again(open_page: OpenPage, upstream: Upstream):
    page = open_page("operator")
    address = add_connection(
        page, "openai", "OpenAI", api_key=TYPED_KEY, base_url="https://api.openai.com/v1"
    )
    page.goto(f"{address}edit/")
    page.locator("[name=settings-base_url]").fill(f"{upstream.url}/v1")
    press(page, "Test")
    expect(field_of(page, "settings-api_key")).to_contain_text(
        "Enter the API key again, because the endpoint changed."
    )
    assert upstream.requests == []
    page.locator("[name=settings-api_key]").fill(TYPED_KEY)
    press(page, "Save")
    expect(page.locator("#detail")).to_contain_text(upstream.url)


def test_operator_switches_in_list_and_on_detail_page(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    address = add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    switch = page.get_by_role("switch", name="Active: Echo")
    for there, checked in (
        ("/connections/", "false"),
        ("/connections/", "true"),
        (address, "false"),
        (address, "true"),
    ):
        if there not in page.url:
            page.goto(there)
        switch.click()
        expect(switch).to_have_attribute("aria-checked", checked)
    page.reload()
    expect(switch).to_have_attribute("aria-checked", "true")


def test_operator_tests_in_the_list(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    add_connection(page, "echo", "Echo")
    page.goto("/connections/")
    act(page, "Echo", "Test")
    expect(page.get_by_role("row", name="Echo")).to_contain_text("Works")
    expect(page.get_by_role("status").filter(has_text="It works. 2 models.")).to_be_visible()
    if javascript:
        expect(page.get_by_role("button", name="Actions: Echo")).to_be_focused()


def test_viewer_has_no_switch_and_no_buttons(open_page: OpenPage):
    address = add_connection(open_page("operator"), "echo", "Echo")
    page = open_page("viewer")
    for there in ("/connections/", address):
        page.goto(there)
        expect(page.get_by_role("main")).to_contain_text("Active")
        expect(page.get_by_role("switch")).to_have_count(0)
        expect(
            page.get_by_role("button", name=re.compile("^(Test|Switch on|Switch off)"))
        ).to_have_count(0)
        expect(page.get_by_role("link", name=re.compile(r"^(Edit|Delete\b|Add)"))).to_have_count(0)


def test_connection_in_use_is_deleted_after_its_profiles_moved(
    open_page: OpenPage,
):
    page = open_page("administrator")
    address = add_connection(page, "echo", "Old", alias="old")
    add_connection(page, "echo", "Other", alias="other")
    add_profile(page, "old", "Helpdesk", "echo-1")
    page.goto(address)
    page.get_by_role("link", name="Delete").click()
    refusal = page.locator("section.panel.bad")
    expect(refusal).to_contain_text("Old cannot be deleted: 1 profile needs it.")
    expect(page.get_by_role("link", name="Helpdesk")).to_be_visible()
    page.get_by_label("To connection").select_option("other")
    press(page, "Move")
    expect(page.locator("#messages")).to_contain_text("1 profile moved to Other.")
    press(page, "Delete")
    expect(page.locator("#messages")).to_contain_text("Old is deleted.")
    expect(page.get_by_role("row", name="Old")).to_have_count(0)


def test_delete_page_offers_to_deactivate(open_page: OpenPage):
    page = open_page("administrator")
    page.goto(add_connection(page, "echo", "Echo") + "delete/")
    press(page, "Switch off")
    expect(page.get_by_role("switch", name="Active: Echo")).to_have_attribute(
        "aria-checked", "false"
    )


def test_second_editor_is_told_and_loses_nothing(open_page: OpenPage, javascript: bool):
    first, second = open_page("operator", javascript), open_page("administrator", javascript)
    address = add_connection(first, "echo", "Echo") + "edit/"
    first.goto(address)
    second.goto(address)
    first.locator("[name=name]").fill("Echo of the operator")
    press(first, "Save")
    second.locator("[name=tags]").fill("mine, kept")
    press(second, "Save")
    expect(second.get_by_role("alert")).to_contain_text(
        "operator changed this while you were editing"
    )
    expect(second.locator("[name=tags]")).to_have_value("mine, kept")
    press(second, "Save")
    expect(second.locator("#messages")).to_contain_text("Echo is saved.")
    expect(second.locator("#detail")).to_contain_text("kept")


def test_authentication_choice_shows_and_hides_its_fields(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/add/azure-openai/")
    key, tenant = page.locator("[name=settings-api_key]"), page.locator("[name=settings-tenant_id]")
    expect(key).to_be_visible()
    expect(tenant).to_be_hidden()
    page.get_by_role("radio", name="Microsoft Entra ID").check()
    expect(key).to_be_hidden()
    expect(tenant).to_be_visible()
    field_of(page, "settings-auth_mode-reference").get_by_role("radio", name="Reference").check()
    expect(key).to_be_visible()
    expect(tenant).to_be_visible()


def test_choice_survives_a_refused_save(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/add/azure-openai/")
    page.get_by_role("radio", name="Microsoft Entra ID").check()
    page.locator("[name=name]").fill("Azure")
    page.locator("[name=settings-endpoint]").fill("https://switchboard.openai.azure.com")
    page.locator("[name=settings-tenant_id]").fill("contoso.onmicrosoft.com")
    press(page, "Save")
    expect(field_of(page, "settings-client_id")).to_contain_text("belong together")
    expect(page.get_by_role("radio", name="Microsoft Entra ID")).to_be_checked()
    expect(page.locator("[name=settings-tenant_id]")).to_have_value("contoso.onmicrosoft.com")


def test_test_of_a_silent_service_ends_with_a_sentence(open_page: OpenPage, upstream: Upstream):
    page = open_page("administrator")
    upstream.mode = "hang"
    fill_openai(page, "OpenAI", "$OpenAI:ApiKey", f"{upstream.url}/v1")
    page.locator("#test").click(no_wait_after=True)
    expect(page.locator("#outcome")).to_contain_text("did not answer in time", timeout=15_000)
