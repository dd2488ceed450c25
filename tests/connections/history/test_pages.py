"""Pages of versions and of what was deleted: they work without a script, and show no secret."""

from typing import Any

import pytest
from django.test import Client

from connections import services as core
from connections.history import services
from connections.models import Connection, Profile
from connections.types.services import install_types
from tests.connections.types.manifests import document
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of, reload
from tests.pages import html, told, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(administrator: Any) -> Client:
    return browser(administrator)


def changed(connection: Connection) -> str:
    """The address of the versions of a connection that was changed."""
    given = {"api_key": OTHER_SECRET, "region": "us"}
    core.update_connection(connection, actor=None, name="Renamed", settings=given)
    return f"/connections/{connection.pk}/versions/"


def test_the_page_of_a_connection_leads_to_its_versions(connection: Connection, client: Client):
    address = changed(connection)
    assert f'href="{address}"' in html(client.get(f"/connections/{connection.pk}/"))
    shown = words(client.get(address))
    assert "2 now" in shown and "name changed" in shown


def test_a_version_is_shown_beside_another_and_says_what_restoring_it_does(
    connection: Connection, client: Client
):
    page = client.get(f"{changed(connection)}1/")
    shown = words(page)
    assert "Beside version 2" in shown and "another secret" in shown
    assert "This is what changes" in shown and "Restore with its secrets" in shown
    assert SECRET not in html(page) and OTHER_SECRET not in html(page)


def test_it_is_restored_from_its_page_and_undone(connection: Connection, client: Client):
    address = changed(connection)
    sent = {"action": "restore", "version": "2"}
    done = client.post(f"{address}1/", sent, follow=True)
    assert told(done)[0].startswith("Production is as in version 1 again.")
    row = reload(connection)
    assert (row.name, row.credentials) == ("Production", {"api_key": OTHER_SECRET})
    core.undo_last_act(done.wsgi_request.user)
    assert reload(connection).name == "Renamed"


def test_with_its_secrets_only_where_somebody_may(
    connection: Connection, client: Client, operator: Any
):
    address, sent = changed(connection), {"action": "restore", "version": "2", "secrets": "yes"}
    assert browser(operator).post(f"{address}1/", sent).status_code == 403
    assert "Restore with its secrets" not in words(browser(operator).get(f"{address}1/"))
    client.post(f"{address}1/", sent)
    assert reload(connection).credentials == {"api_key": SECRET}


def test_whoever_was_overtaken_is_told(connection: Connection, client: Client):
    address = changed(connection)
    core.update_connection(reload(connection), actor=None, name="Third")
    page = client.post(f"{address}1/", {"action": "restore", "version": "2"}, follow=True)
    assert "changed this while you were editing" in words(page)
    assert reload(connection).name == "Third"


def test_a_version_is_named_and_pinned(connection: Connection, client: Client):
    address = changed(connection)
    client.post(f"{address}1/", {"action": "name", "name": "First", "pin": "on"})
    assert "1 First pinned" in words(client.get(address))


def test_what_cannot_come_back_is_said_before(connection: Connection, client: Client):
    given = {"api_key": OTHER_SECRET, "base_url": "https://elsewhere.example/v1"}
    core.update_connection(connection, actor=None, settings=given)
    shown = words(client.get(f"/connections/{connection.pk}/versions/1/"))
    assert "because the endpoint changed" in shown


def test_a_viewer_sees_and_restores_nothing(connection: Connection, viewer: Any, stranger: Any):
    address = changed(connection)
    shown = words(browser(viewer).get(f"{address}1/"))
    assert "Beside version 2" in shown and "Restore" not in shown
    assert browser(viewer).post(f"{address}1/", {"action": "restore"}).status_code == 403
    assert browser(stranger).get(address).status_code == 403
    assert browser(stranger).get("/deleted/").status_code == 403
    assert browser(viewer).get("/deleted/").status_code == 200


def test_what_was_deleted_is_listed_and_comes_back_with_its_profile(
    connection: Connection, client: Client, viewer: Any
):
    profile = profile_of(connection)
    pk = connection.pk
    core.delete_profile(profile, actor=None)
    core.delete_connection(connection, actor=None)
    shown = words(client.get("/deleted/"))
    assert "Production" in shown and "Answers" in shown
    assert f"/deleted/{pk}/" not in html(browser(viewer).get("/deleted/"))
    assert browser(viewer).get(f"/deleted/{pk}/").status_code == 403
    page = client.get(f"/deleted/{pk}/")
    assert "With its secrets" in words(page) and SECRET not in html(page)
    done = client.post(f"/deleted/{pk}/", {"profiles": "on", "secrets": "on"}, follow=True)
    assert "Production is back. 1 profile came back with it." in words(done)
    assert Profile.objects.get().connection_id == pk


def test_a_refusal_to_bring_it_back_is_told(connection: Connection, client: Client):
    pk = connection.pk
    core.delete_connection(connection, actor=None)
    connect(name="New", alias="production")
    page = client.post(f"/deleted/{pk}/", {}, follow=True)
    assert "is taken" in words(page)


def test_teams_defaults_types_tokens_and_roles_have_versions(
    connection: Connection, client: Client, administrator: Any
):
    team = core.create_team("Red", actor=administrator)
    core.rename_team(team, "Blue", actor=administrator)
    core.set_default_profiles({"Chat": profile_of(connection)}, actor=administrator)
    install_types(document(), actor=administrator)
    made = {"user": administrator, "actor": administrator, "scopes": ["admin"]}
    token, text = core.create_token("CI", **made)
    for address, said in (
        (f"/versions/team/{team.pk}/", "Versions of Blue"),
        ("/versions/defaults/all/", "Versions of Default profiles"),
        ("/versions/connectiontype/acme.helpdesk/", "Versions of acme.helpdesk 1"),
        (f"/versions/apitoken/{token.pk}/", "Versions of CI"),
        ("/versions/role/viewers/", "Versions of Viewers"),
    ):
        page = client.get(address)
        assert said in words(page), address
        assert client.get(f"{address}1/").status_code in (200, 404)
        assert text not in html(page) and token.digest not in html(page)
    client.post(f"/versions/team/{team.pk}/1/", {"action": "restore", "version": "2"})
    assert core.teams_of(None).get().name == "Red"
    subject = services.find_subject("team", str(team.pk), actor=None)
    assert subject and subject.version == 3
