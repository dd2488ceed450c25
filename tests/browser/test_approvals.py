"""A referenced key goes to another host after a second person approved it."""

from playwright.sync_api import expect

from tests.upstreams import Upstream

from .conftest import OpenPage, fill_openai, press


def test_an_administrator_lets_an_operators_reference_go_to_a_host(
    open_page: OpenPage, no_rows: None, upstream: Upstream, javascript: bool
):
    operator = open_page("operator", javascript=javascript)
    fill_openai(operator, "Of another team", "$OpenAI:ApiKey", f"{upstream.url}/v1")
    press(operator, "Save")
    expect(operator.locator("main")).to_contain_text("before an administrator approves that")
    press(operator, "Test now")
    expect(operator.locator("main")).to_contain_text("An administrator has been asked")
    assert not upstream.requests

    administrator = open_page("administrator", javascript=javascript)
    administrator.goto("/")
    administrator.get_by_role("link", name=f"openai to {upstream.url}", exact=True).click()
    administrator.get_by_role("button", name=f"Approve {upstream.url}").click()
    expect(administrator.locator(".message")).to_contain_text("may go there from now on")

    operator.reload()
    press(operator, "Test now")
    expect(operator.locator("main")).to_contain_text("Works")
