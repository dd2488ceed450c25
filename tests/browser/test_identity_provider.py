"""A person goes the whole way by a provider that others wrote, in a browser without JavaScript:
in, confirmed, refreshed, out, and out by the provider itself.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backoffice.people.models import ProviderSession
from backoffice.people.oidc import discovery, staying
from connections.services import create_token, find_caller
from tests.identity import ROOT, StrictProvider
from tests.people import person

from .conftest import press
from .gallery import too_wide
from .test_accessibility import violations


@pytest.fixture(scope="module", autouse=True)
def database_beside_playwright() -> Iterator[None]:
    """Lets this thread, in which Playwright's loop runs, ask the database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


def sign_in_there(page: Page) -> None:
    page.goto("/sign-in/?next=/people/roles/")
    press(page, "Sign in with Strict")
    page.locator("[name=login]").fill("ann")
    page.locator("[name=password]").fill("anything")
    page.get_by_role("button").click()
    page.get_by_role("button", name="Continue").click()  # consent
    expect(page).to_have_url(re.compile("/people/roles/$"))


def looks_right(browser: Browser, address: str, signed_in: BrowserContext) -> None:
    """Fails if axe finds anything on a page that providers change, light or dark, wide or narrow;
    or if one sticks out of a phone's screen.
    """
    link = SocialAccount.objects.get()
    pages = ["/your-sign-in/", f"/your-sign-in/unlink/{link.pk}/", "/sign-in/confirm/provider/"]
    pages += [f"/people/{User.objects.get(username='ada').pk}/providers/"]
    state = signed_in.storage_state()
    for place, known in [("/sign-in/", None), *((page, state) for page in pages)]:
        with browser.new_context(base_url=address, storage_state=known) as context:
            page = context.new_page()
            page.goto(place)
            assert (place, violations(page)) == (place, [])
            assert (place, too_wide(page)) == (place, [])


def ask_now() -> str:
    due = timezone.now() - staying.ASK_EVERY - timedelta(seconds=1)
    ProviderSession.objects.update(asked_at=due)
    return staying.ask_due()


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_by_a_provider(live_server, browser: Browser, settings):
    discovery.forget()
    settings.STATIC_ROOT = str(ROOT / "static")  # the server of Django's tests serves it
    person("ada", "Administrators", is_staff=True)
    roles = (("bosses", "Administrators"), ("staff", "Viewers"))
    with StrictProvider(live_server.url) as strict:
        settings.IDENTITY_PROVIDERS = {"strict": strict.ours(roles=roles, groups=("bosses",))}
        email = {"email": "ann@strict.example", "email_verified": True}
        strict.put("ann", {"groups": ["bosses"], **email})
        context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
        page = context.new_page()

        sign_in_there(page)
        looks_right(browser, live_server.url, context)
        ann = User.objects.get(username="ann@strict.example")
        text = create_token("CI", user=ann, actor=None, scopes=["gateway:use"])[1]

        for _ in range(2):  # the second with the token that the first brought
            assert ask_now() == "Sign-ins: 1 asked about, 0 ended, 0 forgotten."
        page.reload()
        expect(page).to_have_url(re.compile("/people/roles/$"))

        press(page, "Sign out")
        page.get_by_role("button", name="Yes, sign me out").click()
        expect(page).to_have_url(re.compile("/sign-in/$"))
        assert find_caller(text)

        sign_in_there(page)
        page.goto(f"{strict.issuer}/session/end")  # somewhere else in the company
        page.get_by_role("button", name="Yes, sign me out").click()
        expect(page.get_by_text("Sign-out Success")).to_be_visible()
        page.goto("/people/roles/")
        expect(page).to_have_url(re.compile("/sign-in/"))

        sign_in_there(page)
        strict.put("ann", None)
        ask_now()
        staying.ask_due()
        page.reload()
        expect(page).to_have_url(re.compile("/sign-in/"))
        assert find_caller(text) is None
        context.close()
