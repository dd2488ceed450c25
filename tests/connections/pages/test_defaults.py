"""The page of default profiles. Who may see it is in the table of test_views.py."""

import pytest
from django.test import Client

from connections import services
from connections.models import Connection, DefaultProfile, Profile
from tests.fakes import profile_of
from tests.pages import told, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(administrator) -> Client:
    """The administrator's browser."""
    return browser(administrator)


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection)


def test_a_default_is_chosen(profile: Profile, client: Client):
    response = client.post("/settings/", {"Chat": profile.alias, "Embedding": ""})
    assert (told(response), response["Location"]) == (
        ["The default profiles are saved."],
        "/settings/",
    )
    assert services.default_profiles() == {"Chat": profile, "Embedding": None}


def test_a_default_is_taken_away(profile: Profile, client: Client):
    services.set_default_profiles({"Chat": profile}, actor=None)
    client.post("/settings/", {"Chat": "", "Embedding": ""})
    assert not DefaultProfile.objects.exists()


@pytest.mark.parametrize(("field", "alias"), [("Chat", "nobody"), ("Embedding", "answers")])
def test_what_cannot_be_a_default_is_told_at_its_field(
    profile: Profile, client: Client, field: str, alias: str
):
    response = client.post("/settings/", {"Chat": "", "Embedding": "", field: alias})
    assert set(response.context["form"].errors) == {field} and not DefaultProfile.objects.exists()


def test_a_viewer_sees_them_and_has_nothing_to_press(profile: Profile, viewer):
    response = browser(viewer).get("/settings/")
    assert "Save" not in words(response) and "disabled" in response.content.decode()


def test_a_default_cannot_be_deleted_and_the_page_says_what_to_do(profile: Profile, client: Client):
    services.set_default_profiles({"Chat": profile}, actor=None)
    response = client.post(f"/profiles/{profile.pk}/delete/")
    assert Profile.objects.exists() and "Choose another default first" in told(response)[0]
