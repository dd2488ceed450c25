"""`/settings`: which profile answers when none is named."""

import uuid
from typing import Any

import pytest

from connections.models import Connection, DefaultProfile, Profile
from tests.fakes import profile_of

from .calls import Api, errors

pytestmark = pytest.mark.django_db
NONE = {"defaultChatProfileId": None, "defaultEmbeddingProfileId": None}


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection)


def test_nothing_is_chosen_at_first(api: Api):
    assert api.read("/settings") == NONE


def test_defaults_are_chosen_kept_and_taken_away(api: Api, profile: Profile):
    chosen = NONE | {"defaultChatProfileId": str(profile.pk)}
    assert api.put("/settings", chosen).json() == chosen == api.read("/settings")
    assert api.put("/settings", chosen).json() == chosen
    assert api.put("/settings", {}).json() == NONE and not DefaultProfile.objects.exists()


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"defaultChatProfileId": "answers"}, {"/defaultChatProfileId": "invalid"}),
        ({"defaultChatProfileId": str(uuid.UUID(int=7))}, {"/defaultChatProfileId": "not_found"}),
        ({"defaultSingingProfileId": None}, {"/defaultSingingProfileId": "unknown_field"}),
        ({"default_chat_profile_id": None}, {"/default_chat_profile_id": "unknown_field"}),
    ],
    ids=repr,
)
def test_a_wrong_default_is_pointed_at(api: Api, sent: dict[str, Any], found: dict[str, str]):
    assert errors(api.put("/settings", sent)) == found


def test_a_profile_of_another_capability_is_refused(api: Api, profile: Profile):
    sent = {"defaultChatProfileId": str(profile.pk), "defaultEmbeddingProfileId": str(profile.pk)}
    assert errors(api.put("/settings", sent)) == {"/defaultEmbeddingProfileId": "capability"}
    assert api.read("/settings") == NONE
