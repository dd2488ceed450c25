"""The strict policy holds on every page and after every interaction, nothing comes from elsewhere,
nothing overflows.

What the browser reports in any test of this folder fails it (`watch`), test_accessibility.py goes
through every page. Here is the rest.
"""

import pytest
from playwright.sync_api import expect

from tests.connections.types.authorizing import DOCUMENT as ALLOWED_TYPE

from .conftest import OpenPage, Watch, add_connection, add_profile, press, submit
from .gallery import too_wide


def test_long_words_fit_a_phone(open_page: OpenPage, no_rows: None):
    page = open_page("administrator")
    address = add_connection(
        page,
        "openai",
        "W" * 200,
        alias="a" * 100,
        tags="t" * 50,
        api_key="$OpenAI:" + "K" * 200,
        organization="o" * 200,
    )
    pages = ["/", "/connections/", address, f"{address}edit/", f"{address}delete/", "/references/"]
    pages += [add_profile(page, "a" * 100, "P" * 200, "m" * 200), "/profiles/", f"{address}delete/"]
    for path in pages:
        page.goto(path)
        assert too_wide(page) == [], path


def test_a_long_name_of_a_service_that_is_asked_fits_a_phone(open_page: OpenPage, no_rows: None):
    page = open_page("administrator")
    submit(page, "/types/install/", document=ALLOWED_TYPE, action="install")
    values = {"url": f"https://{'h' * 60}.{'h' * 60}.example", "client_id": "c", "alias": "a" * 100}
    page.goto(add_connection(page, "acme.allowed", "W" * 200, client_secret="s", **values))
    assert too_wide(page) == []
    press(page, "Allow access")
    expect(page.get_by_role("link", name="Go to hhh")).to_be_visible()
    assert too_wide(page) == []


@pytest.mark.parametrize(
    "name",
    [
        "auth/user/",
        "auth/group/",
        "connections/connection/",
        "connections/profile/",
        "auth/user/add/",
        "",
    ],
)
def test_djangos_own_pages_keep_the_policy(open_page: OpenPage, no_rows: None, name: str):
    page = open_page("administrator")
    add_connection(page, "echo", "Echo")
    add_profile(page, "echo", "Answers", "echo-1")
    page.goto(f"/admin/{name}")
    expect(page.locator("#content")).to_be_visible()


def test_watch_sees_what_a_page_may_not_do(open_page: OpenPage, watch: Watch):
    page = open_page("administrator")
    page.goto("/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'let a "
        "= 1'}))"
    )
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    page.wait_for_timeout(200)
    assert ["inline script" in one or "inline style" in one for one in watch.found][:2] == [
        True,
        True,
    ]
    watch.found.clear()


def test_pages_name_no_other_host_as_a_source(open_page: OpenPage):
    policy = open_page(None).request.get("/sign-in/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_expired_form_is_told_in_a_page(open_page: OpenPage):
    page = open_page(None)
    page.goto("/sign-in/")
    page.context.clear_cookies()
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("anything")
    press(page, "Sign in")
    expect(page.get_by_role("heading", name="This form is out of date")).to_be_visible()
