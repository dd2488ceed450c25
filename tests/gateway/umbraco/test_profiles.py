"""Profiles and settings as Umbraco.AI's client has them."""

from typing import Any

import pytest

from connections import services
from connections.models import AuditEvent, Connection, Profile
from tests.connections.api.calls import Api, errors, problem
from tests.fakes import profile_of

from . import shapes
from .shapes import misfit, page
from .test_connections import fits

pytestmark = pytest.mark.django_db
CONTEXTS = ["6f1f9f4a-6a0e-4a8e-9d55-0f5b6a1c2d3e", "0b8f7d1e-2f4c-4c57-8a55-6b2f4a9c1d2e"]
GUARDRAILS = ["5d7a3b1c-9e2f-4d6b-8c1a-2f3e4d5c6b7a"]
CHAT_SETTINGS = {
    "$type": "chat",
    "temperature": 0.5,
    "maxTokens": None,
    "systemPromptTemplate": None,
    "contextIds": CONTEXTS,
    "guardrailIds": [],
}


def body_of(connection: Connection, **changes: Any) -> dict[str, Any]:
    """The body of createProfile, as Umbraco.AI's type-mapper makes it."""
    body = {
        "alias": "writer",
        "name": "Writer",
        "capability": "Chat",
        "model": {"providerId": "fake", "modelId": "m"},
        "connectionId": str(connection.pk),
        "settings": CHAT_SETTINGS,
        "tags": [],
    }
    return body | changes


def update_of(connection: Connection, **changes: Any) -> dict[str, Any]:
    """The body of updateProfile, which has no capability."""
    body = body_of(connection, **changes)
    del body["capability"]
    return body


@pytest.mark.server
def test_a_chat_keeps_its_contexts_and_guardrails(umbraco: Api, connection: Connection):
    """createProfile, getProfileByIdOrAlias, updateProfile."""
    made = umbraco.post("/profiles", body_of(connection))
    assert made.status_code == 201
    assert made["Location"] == f"{umbraco.prefix}/profiles/{made.json()['id']}"
    shown = fits(umbraco.get("/profiles/writer"), shapes.CHAT_PROFILE)
    assert shown["settings"].items() >= CHAT_SETTINGS.items()
    settings = CHAT_SETTINGS | {"contextIds": [], "guardrailIds": GUARDRAILS}
    changed = umbraco.put(f"/profiles/{shown['id']}", update_of(connection, settings=settings))
    assert fits(changed, shapes.CHAT_PROFILE)["version"] == 2
    assert umbraco.read("/profiles/WRITER")["settings"].items() >= settings.items()


def test_empty_lists_are_no_change(umbraco: Api, connection: Connection):
    settings = CHAT_SETTINGS | {"contextIds": [], "guardrailIds": []}
    umbraco.post("/profiles", body_of(connection, settings=settings))
    assert umbraco.read("/profiles/writer")["settings"].items() >= settings.items()
    same = umbraco.put("/profiles/writer", update_of(connection, settings=settings))
    assert same.json()["version"] == 1
    assert Profile.objects.get().client_settings is None


def test_settings_without_them_keep_them(umbraco: Api, api: Api, connection: Connection):
    umbraco.post("/profiles", body_of(connection))
    umbraco.put("/profiles/writer", update_of(connection, settings={"$type": "chat"}))
    umbraco.put("/profiles/writer", update_of(connection, settings=None))
    api.patch("/profiles/writer", {"settings": {"temperature": 0.1}})
    assert umbraco.read("/profiles/writer")["settings"]["contextIds"] == CONTEXTS


def test_what_only_switchboard_has_outlives_a_change_by_umbracos_client(
    umbraco: Api, api: Api, connection: Connection
):
    umbraco.post("/profiles", body_of(connection))
    api.patch("/profiles/writer", {"settings": {"topP": 0.5}, "isActive": False})
    umbraco.put("/profiles/writer", update_of(connection))
    ours = api.read("/profiles/writer")
    assert (ours["settings"]["topP"], ours["isActive"]) == (0.5, False)


def test_a_copy_an_undone_change_and_a_restored_profile_have_them(
    umbraco: Api, connection: Connection, administrator: Any
):
    umbraco.post("/profiles", body_of(connection))
    row = Profile.objects.get()
    copy = services.duplicate_profile(row, actor=None).row
    assert copy.client_settings == row.client_settings == {"contextIds": CONTEXTS}
    saved = services.update_profile(row, actor=administrator, client_settings={})
    assert saved.row.client_settings is None
    services.undo_last_act(administrator)
    assert Profile.objects.get(pk=row.pk).client_settings == row.client_settings
    services.update_profile(row, actor=administrator, client_settings={})
    restored = services.restore_version(row, 1, actor=administrator)
    assert restored.row.client_settings == row.client_settings
    services.delete_profile(Profile.objects.get(pk=row.pk), actor=administrator)
    services.undo_last_act(administrator)
    assert Profile.objects.get(pk=row.pk).client_settings == row.client_settings
    services.delete_profile(Profile.objects.get(pk=row.pk), actor=administrator)
    last = Profile.history.filter(id=row.pk).latest("history_id")
    revived = services.revive("profile", last, actor=administrator)
    assert revived.row.client_settings == row.client_settings


def test_our_own_addresses_do_not_know_them(umbraco: Api, api: Api, connection: Connection):
    umbraco.post("/profiles", body_of(connection))
    assert "contextIds" not in api.read("/profiles/writer")["settings"]
    refused = api.post("/profiles", body_of(connection, alias="other"))
    assert errors(refused).keys() == {"/settings/contextIds", "/settings/guardrailIds"}


@pytest.mark.parametrize("given", ["chat", [CONTEXTS[0][1:]], [7], [None], {}, CONTEXTS * 51])
def test_what_is_no_list_of_ids_is_refused(umbraco: Api, connection: Connection, given: Any):
    settings = CHAT_SETTINGS | {"contextIds": given}
    refused = umbraco.post("/profiles", body_of(connection, settings=settings))
    assert errors(refused) == {"/settings/contextIds": "invalid"}


@pytest.mark.parametrize("name", ["chat", "CHAT", "Chat"])
def test_a_capability_is_taken_in_any_case(umbraco: Api, connection: Connection, name: str):
    made = umbraco.post("/profiles", body_of(connection, capability=name))
    assert made.json()["capability"] == "Chat"


def test_an_embedding_profile(umbraco: Api, connection: Connection):
    settings = {"$type": "embedding", "dimensions": 512}
    body = body_of(connection, capability="embedding", settings=settings)
    made = umbraco.post("/profiles", body)
    assert fits(made, shapes.EMBEDDING_PROFILE, 201)["settings"].items() >= settings.items()
    assert "contextIds" not in made.json()["settings"]


def test_speech_to_text_is_refused_in_words(umbraco: Api, connection: Connection):
    settings = {"$type": "speechToText", "language": "en"}
    body = body_of(connection, capability="SpeechToText", settings=settings)
    refused = umbraco.post("/profiles", body)
    assert errors(refused) == {"/capability": "not_offered"}
    said = "No provider here offers SpeechToText. There are Chat and Embedding."
    assert refused.json()["detail"] == said
    assert errors(umbraco.post("/profiles", body | {"capability": "nonsense"})) == {
        "/capability": "invalid_choice"
    }


@pytest.mark.server
def test_lists_aliases_and_deletion(umbraco: Api, connection: Connection):
    """getAllProfiles, profileAliasExists, deleteProfile."""
    profile_of(connection, alias="writer")
    found = fits(umbraco.get("/profiles?capability=chat&take=1000"), page(shapes.PROFILE_ITEM))
    assert [one["alias"] for one in found["items"]] == ["writer"]
    assert umbraco.read("/profiles/writer/exists?excludeId=") is True
    done = umbraco.delete("/profiles/writer")
    assert (done.status_code, done.content) == (200, b"")
    assert misfit(problem(umbraco.delete("/profiles/writer"), 404), shapes.PROBLEM) == []


NOTHING = dict.fromkeys(
    (
        "defaultChatProfileId",
        "defaultEmbeddingProfileId",
        "classifierChatProfileId",
        "defaultSpeechToTextProfileId",
    )
)


def test_all_four_settings_are_taken_and_kept(umbraco: Api, api: Api, connection: Connection):
    """getSettings and updateSettings."""
    assert fits(umbraco.get("/settings"), shapes.SETTINGS) == NOTHING
    writer = str(profile_of(connection, alias="writer").pk)
    search = str(profile_of(connection, alias="search", capability="Embedding").pk)
    chosen = NOTHING | {
        "defaultChatProfileId": writer,
        "defaultEmbeddingProfileId": search,
        "classifierChatProfileId": writer,
    }
    assert fits(umbraco.put("/settings", chosen), shapes.SETTINGS) == chosen
    assert umbraco.read("/settings") == chosen
    ours = api.read("/settings")
    assert ours == {one: chosen[one] for one in chosen if one in ours} and len(ours) == 2
    api.put("/settings", {"defaultChatProfileId": None, "defaultEmbeddingProfileId": None})
    assert umbraco.read("/settings") == NOTHING | {"classifierChatProfileId": writer}
    assert umbraco.put("/settings", {}).json() == NOTHING
    newest = AuditEvent.objects.filter(action="defaults.update").latest("pk")
    assert "classifier" in newest.body


def test_a_classifier_is_a_chat_profile_that_is_there(umbraco: Api, connection: Connection):
    search = profile_of(connection, alias="search", capability="Embedding")
    wrong = {"classifierChatProfileId": str(search.pk)}
    assert errors(umbraco.put("/settings", wrong)) == {"/classifierChatProfileId": "capability"}
    unknown = {"classifierChatProfileId": CONTEXTS[0]}
    assert errors(umbraco.put("/settings", unknown)) == {"/classifierChatProfileId": "not_found"}
    speech = {"defaultSpeechToTextProfileId": CONTEXTS[0]}
    assert errors(umbraco.put("/settings", speech)) == {
        "/defaultSpeechToTextProfileId": "not_offered"
    }


def test_a_classifier_stands_in_the_way_of_nothing(umbraco: Api, connection: Connection):
    writer = profile_of(connection, alias="writer")
    umbraco.put("/settings", {"classifierChatProfileId": str(writer.pk)})
    assert umbraco.delete("/profiles/writer").status_code == 200
    assert umbraco.read("/settings") == NOTHING
