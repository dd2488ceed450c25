"""A passkey is added and lets its person in, with Chromium's virtual authenticator:
https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
"""

import re

from playwright.sync_api import Page, expect

from .conftest import OpenPage, Server, Watch, press, sign_in

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_authenticator(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def test_a_passkey_is_added_signs_in_and_is_removed(
    open_page: OpenPage, server: Server, watch: Watch
):
    address = server.url.replace("127.0.0.1", "localhost")  # no passkey has an address of numbers
    page = open_page(None, base_url=address)
    with_authenticator(page)
    sign_in(page, "viewer")
    page.goto("/your-sign-in/passkeys/add/")
    page.get_by_label("Name").fill("My laptop")
    press(page, "Add")
    expect(page).to_have_url(re.compile("/your-sign-in/codes/"))
    page.goto("/your-sign-in/")
    expect(page.get_by_role("link", name="My laptop", exact=True)).to_be_visible()
    press(page, "Sign out")
    press(page, "Use a passkey")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/sign-in/confirm/passkey/?next=/profiles/")
    press(page, "Use a passkey")
    expect(page).to_have_url(re.compile("/profiles/$"))
    press(page, "Sign out")
    sign_in(page, "viewer")
    press(page, "Use a passkey")  # in place of a code, after the password
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/your-sign-in/")
    page.get_by_role("link", name="Remove My laptop").click()
    press(page, "Remove")
    expect(page.get_by_text("A passkey takes the place")).to_be_visible()
    watch.found[:] = [one for one in watch.found if not one.startswith(f"request to {address}")]
