"""The pages of connection types, and what a type looks like on the pages of connections."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from connections import services
from connections.models import Connection, ConnectionType
from connections.types import services as type_services
from tests.fakes import connect
from tests.pages import entries, html, told, words
from tests.people import browser

from .manifests import SETTINGS, document, second

pytestmark = pytest.mark.django_db
KEY, INSTALL = "acme.helpdesk", "/types/install/"
PAGE = f"/types/{KEY}/"


@pytest.fixture
def client(administrator) -> Client:
    return browser(administrator)


@pytest.fixture
def row(client: Client) -> Connection:
    """A connection of the installed type."""
    type_services.install_type(document(), actor=None)
    return connect(KEY, settings=SETTINGS)


def upload(text: str | bytes, name: str = "acme.yaml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)


# Who may


@pytest.mark.parametrize(
    ("path", "posted"),
    [
        ("/types/", None),
        (INSTALL, None),
        (INSTALL, {"document": "x"}),
        (PAGE, None),
        (f"{PAGE}remove/", None),
        (f"{PAGE}remove/", {}),
    ],
)
def test_only_administrators_come_in(
    people, row: Connection, path: str, posted: dict[str, str] | None
):
    for name, person in people.items():
        client = browser(person)
        status = (client.get(path) if posted is None else client.post(path, posted)).status_code
        assert status == {"administrator": status, "nobody": 302}.get(name, 403) and (
            name != "administrator" or status in (200, 302)
        )


def test_only_administrators_see_the_way_there(people):
    shown = {
        name: "Connection types" in html(browser(person).get("/connections/add/"))
        for name, person in people.items()
    }
    assert shown == {
        "administrator": True,
        "operator": False,
        "viewer": False,
        "stranger": False,
        "nobody": False,
    }


# Installing


def test_an_upload_is_previewed_and_then_installed(client: Client):
    shown = client.post(INSTALL, {"file": upload(document()), "action": "preview"})
    text = words(shown)
    for said in (
        "Acme Helpdesk",
        "*.acme.example.com",
        "Subdomain",
        "The part before .acme.example.com.",
        "User name",
        "is free",
    ):
        assert said in text
    assert not ConnectionType.objects.exists()
    response = client.post(INSTALL, {"document": shown.context["text"], "action": "install"})
    assert (response["Location"], told(response)) == (
        PAGE,
        ["Acme Helpdesk: version 1 is installed."],
    )
    assert client.get(f"/connections/add/{KEY}/").status_code == 200


def test_the_preview_cannot_be_sent_or_filled_in(client: Client):
    page = html(client.post(INSTALL, {"document": document()}))
    form = page[
        page.index('method="dialog"') : page.index("</form>", page.index('method="dialog"'))
    ]
    assert '<button class="hidden" disabled' in form and 'name="settings-subdomain"' in form
    inputs = [part.partition(">")[0] for part in form.split("<input ")[1:]]
    assert all(
        "disabled" in one or 'type="radio"' in one or 'class="reference"' in one for one in inputs
    )


def test_the_text_that_is_carried_along_is_the_text_that_was_given(client: Client):
    text = f"\n# </textarea><script>\r\n{document()}"
    shown = client.post(INSTALL, {"file": upload(text)})
    assert "</textarea><script>" not in html(shown)
    client.post(
        INSTALL, {"document": shown.context["text"].replace("\n", "\r\n"), "action": "install"}
    )
    assert ConnectionType.objects.get().document == text.replace("\r\n", "\n")


def test_guesses_are_shown_before_anything_is_installed(client: Client):
    schema = {
        "type": "acmePower",
        "label": "Acme Power",
        "fields": [{"fieldName": "apiKey"}, {"fieldName": "region"}],
    }
    shown = words(client.post(INSTALL, {"document": json.dumps(schema)}))
    assert "this was assumed" in shown and "secret" in shown and "Acme Power" in shown


def test_several_types_are_shown_and_installed_together(client: Client):
    schemas = [
        {"type": f"acme{name}", "label": f"Acme {name}", "fields": [{"fieldName": "apiKey"}]}
        for name in ("One", "Two")
    ]
    shown = client.post(INSTALL, {"document": json.dumps(schemas)})
    assert "Acme One" in words(shown) and "Install all 2" in words(shown)
    response = client.post(INSTALL, {"document": json.dumps(schemas), "action": "install"})
    assert (response["Location"], len(told(response)), ConnectionType.objects.count()) == (
        "/types/",
        2,
        2,
    )


def test_a_wrong_document_keeps_its_text_and_says_where(client: Client):
    text = document(icon="Not an icon")
    shown = client.post(INSTALL, {"file": upload(text)})
    assert "icon" in words(shown) and "This cannot be installed." in words(shown)
    assert shown.context["form"]["document"].value() == text and "Not an icon" in html(shown)


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({}, "Choose a file, or enter the text"),
        ({"file": b"\xff\xfe\x00"}, "It is not UTF-8 text."),
        ({"file": b"x" * 300_000}, "larger than 256 KB"),
        ({"document": "x" * 300_000}, "larger than 256 KB"),
        ({"file": b""}, "Choose a file, or enter the text"),
        ({"document": "a\x00b"}, ""),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(
    client: Client, posted: dict[str, Any], said: str
):
    posted = {
        name: upload(value) if isinstance(value, bytes) else value for name, value in posted.items()
    }
    for action in ("preview", "install"):
        for value in posted.values():
            if hasattr(value, "seek"):
                value.seek(0)
        response = client.post(INSTALL, {**posted, "action": action})
        assert response.status_code == 200 and said in words(response)
    assert not ConnectionType.objects.exists()


def test_a_new_version_says_what_happens_to_connections(client: Client, row: Connection):
    shown = words(client.post(INSTALL, {"document": second()}))
    assert (
        "Version 1 is installed. 1 connection of this type: 1 will be brought up to version 2."
        in shown
    )
    assert "1 connection needs: Region (Production)." in shown
    response = client.post(INSTALL, {"document": second(), "action": "install"})
    assert told(response) == [
        "Acme Helpdesk: version 2 is installed. 1 connection brought up to it.",
        "1 connection needs: Region (Production).",
    ]


def test_what_may_not_be_installed_is_shown_without_the_button(client: Client, row: Connection):
    shown = client.post(INSTALL, {"document": document(label="Other")})
    assert "Raise the version to 2." in words(shown) and 'value="install"' not in html(shown)
    again = client.post(INSTALL, {"document": document(label="Other"), "action": "install"})
    assert "Raise the version to 2." in words(again) and ConnectionType.objects.get().version == 1
    same = client.post(INSTALL, {"document": document()})
    assert "Exactly this is installed already." in words(same) and 'value="install"' not in html(
        same
    )


# Looking and removing


def test_the_list_has_every_type_with_its_source_and_users(client: Client, row: Connection):
    shown = client.get("/types/")
    assert "Acme Helpdesk acme.helpdesk 1 installed" in words(
        shown
    ) and "comes with Switchboard" in words(shown)
    assert f'href="/connections/?provider={KEY}"' in html(shown) and "1 connection" in words(shown)
    assert "Production" in words(client.get(f"/connections/?provider={KEY}"))


def test_a_types_page_shows_its_document_and_its_form(client: Client, row: Connection):
    type_services.install_type(second(), actor=None)
    shown = words(client.get(PAGE))
    for said in (
        "label: Acme Helpdesk",
        "Token",
        "From version 1: api_key is called token .",
        "used by",
        "1 connection",
    ):
        assert said.lower() in shown.lower()


def test_a_shipped_types_page_can_be_read(client: Client):
    for one in type_services.connection_types():
        assert one.label in words(client.get(f"/types/{one.key}/"))


def test_a_type_that_is_not_there_is_not_found(client: Client):
    assert [
        client.get(path).status_code
        for path in ("/types/nothing/", "/types/nothing/remove/", "/types/a%00b/")
    ] == [404, 404, 404]
    assert client.post("/types/nothing/remove/").status_code == 404


def test_a_type_in_use_is_not_removed_and_its_users_are_named(client: Client, row: Connection):
    assert "cannot be removed: 1 connection needs it" in words(client.get(f"{PAGE}remove/"))
    response = client.post(f"{PAGE}remove/")
    assert (
        told(response)[0].startswith("Still used by Production.")
        and ConnectionType.objects.exists()
    )
    services.delete_connection(row, actor=None)
    assert "No connection uses it." in words(client.get(f"{PAGE}remove/"))
    response = client.post(f"{PAGE}remove/")
    assert (response["Location"], told(response)) == ("/types/", ["Acme Helpdesk is removed."])


def test_a_shipped_type_is_not_removed(client: Client):
    key = type_services.connection_types()[0].key
    assert "cannot be removed here" in words(client.get(f"/types/{key}/remove/"))
    assert (
        "Only what was installed can be removed here."
        in told(client.post(f"/types/{key}/remove/"))[0]
    )


# On the pages of connections


def test_a_connection_of_an_installed_type_behaves_like_any_other(client: Client, row: Connection):
    given = {
        "variant": "login",
        "subdomain": "south",
        "api_key": "acme-secret-0011",
        "user_name": "ada",
    }
    response = client.post(f"/connections/add/{KEY}/", entries(given, name="Second"))
    assert "Second is saved." in told(response)
    shown = words(client.get(response["Location"]))
    assert "acme-***" in shown and "acme-secret-0011" not in shown and "Acme Helpdesk" in shown
    missing = client.post(
        f"/connections/add/{KEY}/",
        entries({"variant": "login", "subdomain": "a.b", "api_key": "k"}, name="Third"),
    )
    assert set(missing.context["form"].errors) == {"settings-subdomain", "settings-user_name"}


def test_cards_are_found_by_words(client: Client, row: Connection):
    for query in ("acme", "helpdesk ACME", "tickets", "user name", KEY):
        shown = words(client.get("/connections/add/", {"q": query}))
        assert "Acme Helpdesk" in shown and "Mistral" not in shown, query
    assert "No provider fits" in words(client.get("/connections/add/?q=nothing-like-it"))
    assert "Mistral" in words(client.get("/connections/add/?q="))


def test_cards_show_icons_and_variants(client: Client, row: Connection):
    shown = html(client.get("/connections/add/?q=acme"))
    assert "<svg" in shown[shown.index('id="cards"') :] and "User name" in words(
        client.get("/connections/add/?q=acme")
    )


def test_an_icon_that_nobody_has_drawn_is_two_letters(client: Client):
    type_services.install_type(document(icon="no-such-icon"), actor=None)
    assert ">AH</text>" in html(client.get("/connections/add/?q=acme"))


def test_a_type_shows_the_mark_that_it_names_rather_than_its_icon(client: Client):
    type_services.install_type(document(mark="shopify"), actor=None)
    for path in ("/connections/add/?q=acme", "/types/", f"/types/{KEY}/"):
        assert 'href="/marks/shopify.svg?v=' in html(client.get(path)), path


def test_a_deprecated_type_says_so_everywhere(client: Client, row: Connection):
    notice = {"since": "2026-01", "replaced_by": "zendesk", "message": "Acme closed."}
    type_services.install_type(
        document(version=2, migrations=[{"from": 1}], deprecated=notice), actor=None
    )
    for path in ("/connections/add/?q=acme", "/types/"):
        assert "Deprecated" in words(client.get(path)), path
    for path in (
        f"/connections/add/{KEY}/",
        row.get_absolute_url(),
        f"{row.get_absolute_url()}edit/",
        PAGE,
    ):
        assert "This type is deprecated since 2026-01. Acme closed. Use Zendesk instead." in words(
            client.get(path)
        ), path


def test_a_test_that_is_not_free_says_so(client: Client):
    type_services.install_type(
        document(test={"cost": "tiny", "request": {"path": "/me"}}), actor=None
    )
    row = connect(KEY, settings=SETTINGS)
    assert "A test costs less than a cent." in words(client.get(row.get_absolute_url()))
