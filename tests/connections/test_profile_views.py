"""The pages of profiles. Who may see them is in the table of test_views.py."""

import uuid
from typing import Any

import pytest
from django.test import Client

from connections import services
from connections.models import Connection, Profile
from tests.connections.pages import HTMX, html, told, value_of, words
from tests.fakes import OLDER_KEY, REFUSED, connect, fake_provider, profile_of, reload
from tests.people import browser

pytestmark = pytest.mark.django_db
ADD = "/profiles/add/chat/"


@pytest.fixture
def client(operator) -> Client:
    """The operator's browser."""
    return browser(operator)


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection, settings={"temperature": 0.5, "system_prompt_template": "Answer in {language}."})


def given(**changes: Any) -> dict[str, Any]:
    """What the form posts."""
    return {"name": "Answers", "connection": "production", "model": "fake-chat", "is_active": "on", "tags": "", **changes}


def edit(profile: Profile) -> str:
    return f"/profiles/{profile.pk}/edit/"


def test_a_profile_is_added(connection: Connection, client: Client):
    response = client.post(ADD, given(**{"settings-temperature": "0.5", "settings-max_tokens": ""}))
    row = Profile.objects.get()
    assert (row.alias, row.capability, row.model, row.settings) == ("answers", "Chat", "fake-chat", {"temperature": 0.5})
    assert (told(response), response["Location"]) == (["Answers is saved."], f"/profiles/{row.pk}/")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("name", ""), ("alias", "A B"), ("connection", "nobody"), ("connection", ""), ("model", ""), ("tags", 'a"'), ("model", "a\x00b")],
        *[
            ("settings-temperature", "3"),
            ("settings-temperature", "warm"),
            ("settings-max_tokens", "0"),
            ("settings-system_prompt_template", "{"),
        ],
    ],
)
def test_bad_input_is_told_at_its_field_and_what_was_typed_stays(connection: Connection, client: Client, name: str, value: str):
    response = client.post(ADD, given(**{name: value}))
    assert response.status_code == 200 and set(response.context["form"].errors) == {name}
    assert not Profile.objects.exists()
    assert value_of(response, "name") == (value or None if name == "name" else "Answers")


def test_a_provider_without_the_capability_is_told_at_the_connection(client: Client):
    with fake_provider(capabilities=()):
        connect()
        response = client.post(ADD, given())
    assert set(response.context["form"].errors) == {"connection"}


def test_an_edit_changes_and_keeps_the_rest(profile: Profile, client: Client):
    kept = {"settings-temperature": "0.5", "settings-system_prompt_template": "Answer in {language}."}
    client.post(edit(profile), given(model="other", version="1", **kept))
    row = reload(profile)
    assert (row.model, row.version, row.settings) == ("other", 2, profile.settings)


def test_an_edit_form_posted_back_changes_nothing(profile: Profile, client: Client):
    shown = client.get(edit(profile))
    names = ("name", "model", "settings-temperature", "version")
    values = {name: value_of(shown, name) for name in names} | {"settings-system_prompt_template": "Answer in {language}."}
    assert told(client.post(edit(profile), given(**values))) == ["Nothing was changed in Answers."]


def test_the_second_of_two_editors_is_told_and_loses_nothing(profile: Profile, client: Client, administrator):
    services.update_profile(profile, actor=administrator, name="First")
    response = client.post(edit(profile), given(name="Second", version="1"))
    assert "ada changed this" in words(response) and reload(profile).name == "First"
    assert (value_of(response, "name"), value_of(response, "version")) == ("Second", "2")


def test_models_are_fetched_and_nothing_is_saved(connection: Connection, client: Client):
    response = client.post(ADD, given(action="fetch-models", name="Half"), headers=HTMX)
    assert "2 chat models" in words(response) and '<option value="fake-chat">' in html(response)
    assert value_of(response, "name") == "Half" and not Profile.objects.exists()


def test_only_models_that_fit_are_offered(connection: Connection, client: Client):
    response = client.post("/profiles/add/embedding/", given(action="fetch-models"))
    assert "fake-any" in html(response) and "Fake Chat" not in html(response)


def test_models_that_cannot_be_fetched_say_why_and_keep_what_was_typed(connection: Connection, client: Client, fake):
    fake.answer = REFUSED
    response = client.post(ADD, given(action="fetch-models", name="", model="typed"))
    assert REFUSED.message in words(response) and value_of(response, "model") == "typed"


@pytest.mark.parametrize("alias", ["", "nobody", "a\x00b"])
def test_models_of_no_connection_ask_for_one(fake, client: Client, alias: str):
    assert "Choose a connection first." in words(client.post(ADD, given(action="fetch-models", connection=alias)))


def test_models_of_a_lost_key_say_so(connection: Connection, client: Client, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    assert "cannot be decrypted" in words(client.post(ADD, given(action="fetch-models")))


def test_a_switch_in_the_list_gives_the_row(profile: Profile, client: Client):
    response = client.post(f"/profiles/{profile.pk}/toggle/", {"is_active": "false", "part": "row"}, headers=HTMX)
    assert html(response).lstrip().startswith(f'<tr id="row-{profile.pk}"') and 'aria-checked="false"' in html(response)


def test_a_switch_leads_back(profile: Profile, client: Client):
    response = client.post(f"/profiles/{profile.pk}/toggle/", {"next": "/profiles/?page=2"})
    assert (told(response), response["Location"]) == (["Answers is inactive."], "/profiles/?page=2")


def test_a_profile_is_deleted(profile: Profile, administrator):
    response = browser(administrator).post(f"/profiles/{profile.pk}/delete/")
    assert (told(response), response["Location"], Profile.objects.count()) == (["Answers is deleted."], "/profiles/", 0)


def test_a_detail_page_shows_settings_and_versions(profile: Profile, client: Client):
    shown = words(client.get(f"/profiles/{profile.pk}/"))
    assert "Temperature 0.5" in shown and "Answer in {language}." in shown and "created" in shown and "Production" in shown


def test_a_profile_of_a_provider_that_is_gone_is_shown(profile: Profile, client: Client):
    Connection.objects.update(provider_id="gone")
    for url in ("/profiles/", f"/profiles/{profile.pk}/", edit(profile)):
        assert client.get(url).status_code == 200


def test_a_form_from_a_connection_has_it_chosen(connection: Connection, client: Client):
    assert '<option value="production" selected' in html(client.get(f"{ADD}?connection=production"))


FILTERS = {
    "": ["Answers", "Vectors"],
    "q=vec": ["Vectors"],
    "q=ada": ["Vectors"],
    "capability=Chat": ["Answers"],
    "capability=nonsense": [],
    "connection=other": ["Vectors"],
    "status=inactive": ["Vectors"],
    "tag=eu": ["Answers"],
    "sort=-name": ["Vectors", "Answers"],
    "sort=connection": ["Vectors", "Answers"],
    "sort=model": ["Vectors", "Answers"],
    "sort=nonsense&page=nonsense": ["Answers", "Vectors"],
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.items(), ids=FILTERS)
def test_the_list_is_filtered_and_sorted(connection: Connection, client: Client, query: str, expected: list[str]):
    profile_of(connection, tags=["eu"])
    profile_of(connect(name="Other"), name="Vectors", capability="Embedding", model="ada", is_active=False)
    page = client.get(f"/profiles/?{query}").context["page"]
    assert [row.name for row in page.object_list] == expected


def test_a_profile_that_is_not_there_is_a_404(client: Client):
    assert client.get(f"/profiles/{uuid.UUID(int=1)}/edit/").status_code == 404
