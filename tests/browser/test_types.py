"""Connection types in the browser: installed with a preview, used, removed; with JavaScript and
without.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.connections.types.authorizing import DOCUMENT as ALLOWED_TYPE
from tests.connections.types.authorizing import Service
from tests.connections.types.manifests import acme, document, second

from .conftest import (
    MARK,
    TYPED_KEY,
    OpenPage,
    Server,
    Watch,
    add_connection,
    press,
    shows_no_secret,
    submit,
)
from .gallery import too_wide
from .test_accessibility import violations

pytestmark = pytest.mark.usefixtures("no_rows")
KEY = "acme.helpdesk"
COGNIGY = {
    "type": "acmePower",
    "label": "Acme Power",
    "fields": [{"fieldName": "apiKey"}, {"fieldName": "region"}],
}


@pytest.fixture(autouse=True)
def _no_types(server: Server) -> Iterator[None]:
    """No installed types, before and after."""
    server.put({})
    yield
    server.put({})


def install(page: Page, text: str) -> None:
    """Past the browser."""
    submit(page, "/types/install/", document=text, action="install")


def test_a_type_is_uploaded_looked_at_and_installed(
    open_page: OpenPage, javascript: bool, tmp_path: Path
):
    (tmp_path / "acme.yaml").write_text(document())
    page = open_page("administrator", javascript)
    page.goto("/connections/add/")
    page.get_by_role("link", name="Connection types").click()
    page.get_by_role("link", name="Install a type").click()
    page.get_by_label("File").set_input_files(tmp_path / "acme.yaml")
    press(page, "Preview")
    form = page.locator(".preview")
    expect(form.get_by_label("Subdomain")).to_be_disabled()
    expect(page.locator("code", has_text="*.acme.example.com").first).to_be_visible()
    login = form.locator(".field[data-when]").filter(has_text="Who signs in.")
    expect(login).to_be_hidden()
    form.get_by_label("User name", exact=True).first.check()
    expect(login).to_be_visible()
    press(page, "Install")
    expect(page.get_by_role("status").first).to_contain_text(
        "Acme Helpdesk: version 1 is installed."
    )
    page.get_by_role("link", name="Add a connection").first.click()
    expect(page.get_by_role("heading", name="Add Acme Helpdesk")).to_be_visible()


def test_enter_in_the_preview_sends_nothing(open_page: OpenPage, javascript: bool):
    page = open_page("administrator", javascript)
    page.goto("/types/install/")
    page.locator("[name=document]").fill(document())
    press(page, "Preview")
    before = page.url
    page.locator(".preview").get_by_label("API key", exact=True).first.press("Enter")
    page.locator(".preview .choices .check", has_text="Reference").first.click()
    page.locator(".preview .reference").first.fill("$Acme:Variant")
    page.locator(".preview .reference").first.press("Enter")
    expect(page.locator(".preview")).to_be_visible()
    assert page.url == before


def test_a_connection_of_a_type_is_made_and_shows_what_its_variant_needs(
    open_page: OpenPage, javascript: bool
):
    admin = open_page("administrator")
    install(admin, document())
    page = open_page("operator", javascript)
    page.goto(f"/connections/add/{KEY}/")
    field = page.locator(".field").filter(has=page.locator("[name=settings-user_name]"))
    page.get_by_label("API key", exact=True).first.check()
    expect(field).to_be_hidden()
    page.get_by_label("User name", exact=True).first.check()
    expect(field).to_be_visible()
    page.locator("[name=name]").fill("Helpdesk")
    page.locator("[name=settings-subdomain]").fill("north")
    page.locator("[name=settings-api_key]").fill(TYPED_KEY)
    press(page, "Save")
    expect(page.locator(".errors")).to_be_visible()  # the user name is missing
    page.locator("[name=settings-user_name]").fill("ada")
    press(page, "Save")
    expect(page.get_by_role("status").first).to_contain_text("Helpdesk is saved.")
    expect(page.locator("#detail")).to_contain_text("typed-***")
    assert shows_no_secret(page)


def test_cards_are_searched(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    page.goto("/connections/add/")
    page.get_by_role("searchbox").fill("zendesk")
    if not javascript:
        press(page, "Search")
    expect(page.locator("#cards .card")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=zendesk"))


def test_a_type_in_use_is_not_removed(open_page: OpenPage):
    page = open_page("administrator")
    install(page, document())
    values = {
        "settings-variant": "key",
        "settings-subdomain": "north",
        "settings-api_key": TYPED_KEY,
    }
    place = submit(page, f"/connections/add/{KEY}/", name="Helpdesk", is_active="on", **values)
    page.goto("/types/")
    page.get_by_role("link", name="Remove Acme Helpdesk").click()
    expect(page.get_by_text("cannot be removed: 1 connection needs it")).to_be_visible()
    submit(page, f"{place}delete/")
    page.reload()
    press(page, "Remove")
    expect(page.get_by_role("status").first).to_contain_text("Acme Helpdesk is removed.")


def test_a_person_allows_a_connection_at_its_service(
    open_page: OpenPage, watch: Watch, server: Server, javascript: bool
):
    install(open_page("administrator"), ALLOWED_TYPE)
    page = open_page("operator", javascript)
    with Service(refresh_token=f"refresh-{MARK}", code=f"code-{MARK}") as service:
        values = {"url": service.url, "client_id": "me", "client_secret": TYPED_KEY}
        page.goto(add_connection(page, "acme.allowed", "Calendar", **values))
        press(page, "Allow access")
        page.get_by_role("link", name=f"Go to {service.host}").click()
        expect(page.get_by_role("status").first).to_contain_text("Calendar is allowed.")
        press(page, "Test now")
        expect(page.get_by_role("status").first).to_contain_text("It works")
    assert "?" not in page.url and shows_no_secret(page)
    assert service.asked("/authorize")[0].values("referer") == []
    assert "allowed/?code=***&state=***" in server.log.read_text()
    (elsewhere,) = watch.found
    assert elsewhere.startswith(f"request to {service.url}/authorize?")
    watch.found.clear()


def places(page: Page) -> Iterator[str]:
    """Every page about types in every state, one after the other."""
    page.goto("/types/")
    yield "list"
    page.goto("/types/install/")
    yield "install"
    press(page, "Preview")
    yield "nothing given"
    page.locator("[name=document]").fill(json.dumps(acme(icon="Not an icon", version=0)))
    press(page, "Preview")
    yield "wrong document"
    page.locator("[name=document]").fill(
        json.dumps([COGNIGY, COGNIGY | {"type": "other", "label": "Other"}])
    )
    press(page, "Preview")
    yield "two previews with guesses"
    install(page, document())
    values = {
        "settings-variant": "key",
        "settings-subdomain": "north",
        "settings-api_key": TYPED_KEY,
    }
    place = submit(page, f"/connections/add/{KEY}/", name="Helpdesk", is_active="on", **values)
    page.goto("/types/install/")
    deprecated = {"since": "2026-01", "replaced_by": "zendesk", "message": "Acme closed."}
    page.locator("[name=document]").fill(second(deprecated=deprecated))
    press(page, "Preview")
    yield "a new version"
    install(page, second(deprecated=deprecated))
    for path in (
        "/types/",
        f"/types/{KEY}/",
        f"/types/{KEY}/remove/",
        "/types/zendesk/",
        "/types/zendesk/remove/",
    ):
        page.goto(path)
        yield path
    for path in (
        place,
        f"{place}edit/",
        "/connections/add/?q=acme",
        "/connections/add/?q=nothing-like-it",
    ):
        page.goto(path)
        yield path


def test_every_page_about_types_has_no_violation_and_fits_a_phone(open_page: OpenPage):
    page = open_page("administrator")
    for name in places(page):
        assert (name, violations(page)) == (name, [])
        assert (name, too_wide(page)) == (name, [])
        page.set_viewport_size({"width": 1280, "height": 800})
