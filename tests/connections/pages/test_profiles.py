"""The pages of profiles. Who may see them is in the table of test_views.py."""

import re
import uuid
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client

from connections import services
from connections.models import Connection, Profile
from providers.core.base import Model
from tests.fakes import OLDER_KEY, REFUSED, SECRET, connect, fake_provider, profile_of, reload
from tests.pages import HTMX, html, told, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db
ADD = "/profiles/add/chat/"


@pytest.fixture
def client(operator) -> Client:
    """The operator's browser."""
    return browser(operator)


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(
        connection, settings={"temperature": 0.5, "system_prompt_template": "Answer in {language}."}
    )


def given(**changes: Any) -> dict[str, Any]:
    """What the form posts."""
    return {
        "name": "Answers",
        "connection": "production",
        "model": "fake-chat",
        "is_active": "on",
        "tags": "",
        **changes,
    }


def edit(profile: Profile) -> str:
    return f"/profiles/{profile.pk}/edit/"


def test_a_profile_is_added(connection: Connection, client: Client):
    response = client.post(ADD, given(**{"settings-temperature": "0.5", "settings-max_tokens": ""}))
    row = Profile.objects.get()
    assert (row.alias, row.capability, row.model, row.settings) == (
        "answers",
        "Chat",
        "fake-chat",
        {"temperature": 0.5},
    )
    assert (told(response), response["Location"]) == (["Answers is saved."], f"/profiles/{row.pk}/")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("name", ""),
            ("alias", "A B"),
            ("connection", "nobody"),
            ("connection", ""),
            ("model", ""),
            ("tags", 'a"'),
            ("model", "a\x00b"),
        ],
        *[
            ("settings-temperature", "3"),
            ("settings-temperature", "warm"),
            ("settings-max_tokens", "0"),
            ("settings-system_prompt_template", "{"),
            ("settings-top_p", "2"),
            ("settings-seed", "one"),
            ("settings-stop", "a\nb\nc\nd\ne"),
            ("settings-stop", "a\x00b"),
            ("settings-max_tokens_limit", "0"),
            ("fallbacks", "nobody"),
            ("fallbacks", "a\x00b"),
        ],
    ],
)
def test_bad_input_is_told_at_its_field_and_what_was_typed_stays(
    connection: Connection, client: Client, name: str, value: str
):
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
    kept = {
        "settings-temperature": "0.5",
        "settings-system_prompt_template": "Answer in {language}.",
    }
    client.post(edit(profile), given(model="other", version="1", **kept))
    row = reload(profile)
    assert (row.model, row.version, row.settings) == ("other", 2, profile.settings)


def test_an_edit_form_posted_back_changes_nothing(profile: Profile, client: Client):
    shown = client.get(edit(profile))
    names = ("name", "model", "settings-temperature", "version")
    values = {name: value_of(shown, name) for name in names} | {
        "settings-system_prompt_template": "Answer in {language}."
    }
    assert told(client.post(edit(profile), given(**values))) == ["Nothing was changed in Answers."]


# Limits, overrides, fallbacks

SOME = {
    "settings-temperature": "0.5",
    "settings-stop": "END\r\n\\n\\n\r\n a\\\\b",
    "settings-max_tokens_limit": "200",
    "settings-allowed_overrides": "some",
    "settings-allowed_overrides-some": ["tools", "temperature"],
    "settings-fallback_on": "some",
    "settings-fallback_on-some": ["timeout"],
}


@pytest.fixture
def others(connection: Connection) -> list[Profile]:
    return [profile_of(connection, name=name) for name in ("Zebra", "Ape")]


def chain_of(profile: Profile) -> list[str]:
    """The aliases of a profile's fallbacks in their order."""
    return [step.fallback.alias for step in profile.fallback_steps.all()]


def ticked(response: Any, name: str) -> list[str]:
    """The values that are ticked of the inputs of this name."""
    return re.findall(rf'name="{name}" value="([^"]*)" checked', html(response))


def chosen(response: Any) -> list[str]:
    """What the inputs for fallbacks hold, empty ones included."""
    inputs = re.findall(r'<select name="fallbacks".*?</select>', html(response), re.DOTALL)
    return [(re.findall(r'value="([^"]*)" selected', one) or [""])[0] for one in inputs]


def test_limits_and_fallbacks_are_saved(
    connection: Connection, others: list[Profile], client: Client
):
    client.post(ADD, given(fallbacks=["zebra", "", "ape"], **SOME))
    row = Profile.objects.get(alias="answers")
    assert row.settings == {
        "temperature": 0.5,
        "stop": ["END", "\n\n", " a\\b"],
        "max_tokens_limit": 200,
        "allowed_overrides": ["temperature", "tools"],
        "fallback_on": ["timeout"],
    }
    assert chain_of(row) == ["zebra", "ape"]


@pytest.mark.parametrize(
    ("posted", "stored"),
    [({"settings-allowed_overrides": "some"}, {"allowed_overrides": []}), ({}, {})],
)
def test_nothing_ticked_is_not_everything(
    connection: Connection, client: Client, posted: dict[str, str], stored: dict[str, Any]
):
    client.post(ADD, given(**posted))
    assert Profile.objects.get().settings == stored


def test_what_is_ticked_below_everything_does_not_count(connection: Connection, client: Client):
    client.post(ADD, given(**SOME | {"settings-allowed_overrides": ""}))
    assert "allowed_overrides" not in Profile.objects.get().settings


def test_a_full_edit_form_shows_what_is_stored_and_posted_back_changes_nothing(
    others: list[Profile], client: Client
):
    client.post(ADD, given(fallbacks=["zebra", "ape"], **SOME))
    row = Profile.objects.get(alias="answers")
    shown = client.get(edit(row))
    stop = re.search(r'<textarea name="settings-stop"[^>]*>\s*([^<]*)</textarea>', html(shown))
    values = {
        name: value_of(shown, name)
        for name in ("version", "settings-temperature", "settings-max_tokens_limit")
    }
    for name in ("settings-allowed_overrides", "settings-fallback_on"):
        values |= {one: ticked(shown, one) for one in (name, f"{name}-some")}
    response = client.post(
        edit(row), given(fallbacks=chosen(shown), **values, **{"settings-stop": unescape(stop[1])})
    )
    assert chosen(shown) == ["zebra", "ape", ""] and told(response) == [
        "Nothing was changed in Answers."
    ]


def test_three_places_for_fallbacks_are_offered_and_one_more_than_are_taken(
    connection: Connection, others: list[Profile], client: Client
):
    assert chosen(client.get(ADD)) == [""] * 3
    more = [profile_of(connection, name=f"Row {number}") for number in range(8)]
    row = profile_of(connection, fallbacks=[*others, *more[:7]])
    assert len(chosen(client.get(edit(row)))) == 10
    services.update_profile(row, actor=None, fallbacks=[*others, *more])
    assert len(chosen(client.get(edit(row)))) == 10


def test_fallbacks_of_the_same_capability_are_offered_and_never_the_profile_itself(
    profile: Profile, others: list[Profile], client: Client
):
    profile_of(profile.connection, name="Vectors", capability="Embedding")
    offered = re.findall(
        r'<option value="([^"]*)"',
        re.search(
            r'<select name="fallbacks".*?</select>', html(client.get(edit(profile))), re.DOTALL
        )[0],
    )
    assert offered == ["", "ape", "zebra"]


def test_where_nobody_could_stand_in_the_form_says_so(connection: Connection, client: Client):
    assert "no other embedding profile yet" in words(client.get("/profiles/add/embedding/"))


def test_with_very_many_profiles_fallbacks_are_typed(
    connection: Connection, others: list[Profile], client: Client, monkeypatch
):
    monkeypatch.setattr("connections.forms.profiles.MOST_CHOICES", 2)
    shown = html(client.get(ADD))
    assert shown.count('<input name="fallbacks"') == 3 and '<option value="ape">' in shown


@pytest.mark.parametrize(
    ("aliases", "code"),
    [(["zebra", "zebra"], "duplicate"), (["vectors"], "capability"), (["answers"], "itself")],
)
def test_fallbacks_that_make_no_sense_are_told_at_their_field(
    profile: Profile, others: list[Profile], client: Client, aliases: list[str], code: str
):
    profile_of(profile.connection, name="Vectors", capability="Embedding")
    response = client.post(edit(profile), given(fallbacks=aliases, version="1"))
    assert [one.code for one in response.context["form"].errors["fallbacks"].as_data()] == [code]


def test_everything_entered_stays_when_models_are_fetched(
    connection: Connection, others: list[Profile], client: Client
):
    response = client.post(
        ADD, given(action="fetch-models", fallbacks=["zebra"], **SOME), headers=HTMX
    )
    assert chosen(response) == ["zebra", "", ""] and ticked(
        response, "settings-fallback_on-some"
    ) == ["timeout"]
    assert (
        "END\n\\n\\n" in html(response).replace("\r", "")
        and value_of(response, "settings-max_tokens_limit") == "200"
    )


def test_the_second_of_two_editors_keeps_fallbacks_and_ticks(
    profile: Profile, others: list[Profile], client: Client, administrator
):
    services.update_profile(profile, actor=administrator, name="First")
    response = client.post(edit(profile), given(fallbacks=["zebra", "ape"], version="1", **SOME))
    assert chosen(response) == ["zebra", "ape", ""]
    assert ticked(response, "settings-allowed_overrides-some") == ["temperature", "tools"]


def test_a_detail_page_says_who_answers_next_and_what_is_limited(
    others: list[Profile], client: Client
):
    client.post(ADD, given(fallbacks=["zebra", "ape"], **SOME))
    shown = words(client.get(Profile.objects.get(alias="answers").get_absolute_url()))
    assert re.search(
        "1 Answers Production .* 2 Zebra .* 3 Ape .* Move on when no answer in time", shown
    )
    assert (
        "Max tokens limit 200 Requests may set temperature, tools" in shown
        and r"END \n\n a\\b" in shown
    )


def test_a_detail_page_without_limits_says_that_there_are_none(profile: Profile, client: Client):
    shown = words(client.get(profile.get_absolute_url()))
    assert (
        "Requests may set everything" in shown
        and "when the connection fails, so does the request" in shown
    )


def test_a_profile_that_may_be_asked_nothing_says_so(connection: Connection, client: Client):
    row = profile_of(connection, settings={"allowed_overrides": []})
    assert "Requests may set nothing" in words(client.get(row.get_absolute_url()))


def test_the_delete_page_says_who_needs_the_profile(
    profile: Profile, others: list[Profile], administrator
):
    services.update_profile(profile, actor=None, fallbacks=others[:1])
    client = browser(administrator)
    url = f"/profiles/{others[0].pk}/delete/"
    assert "Answers answers falls back on it" in words(
        client.get(url)
    ) and '<button class="button danger">' not in html(client.get(url))
    assert told(client.post(url)) == [
        "Zebra is not deleted. Still used by Answers. Move or delete what uses it, or switch it "
        "off instead."
    ]


def test_the_second_of_two_editors_is_told_and_loses_nothing(
    profile: Profile, client: Client, administrator
):
    services.update_profile(profile, actor=administrator, name="First")
    response = client.post(edit(profile), given(name="Second", version="1"))
    assert "ada changed this" in words(response) and reload(profile).name == "First"
    assert (value_of(response, "name"), value_of(response, "version")) == ("Second", "2")


def test_models_are_fetched_and_nothing_is_saved(connection: Connection, client: Client):
    response = client.post(ADD, given(action="fetch-models", name="Half"), headers=HTMX)
    assert "2 chat models" in words(response) and '<option value="fake-chat">' in html(response)
    assert value_of(response, "name") == "Half" and not Profile.objects.exists()


def test_models_say_what_they_read_and_cost(
    connection: Connection, client: Client, fake: Any, monkeypatch: pytest.MonkeyPatch
):
    known = Model("fake-chat", "Fake", context=128_000, input_price=Decimal("0.150"))
    monkeypatch.setattr(fake, "list_models", lambda _self: [known])
    shown = words(client.post(ADD, given(action="fetch-models"), headers=HTMX))
    assert "fake-chat Fake 128,000 tokens, $0.15 in" in shown and "list prices" in shown


def test_only_models_that_fit_are_offered(connection: Connection, client: Client):
    response = client.post("/profiles/add/embedding/", given(action="fetch-models"))
    assert "fake-any" in html(response) and "Fake Chat" not in html(response)


def test_models_that_cannot_be_fetched_say_why_and_keep_what_was_typed(
    connection: Connection, client: Client, fake
):
    fake.answer = REFUSED
    response = client.post(ADD, given(action="fetch-models", name="", model="typed"))
    assert REFUSED.message in words(response) and value_of(response, "model") == "typed"


@pytest.mark.server
@pytest.mark.parametrize("alias", ["", "nobody", "a\x00b"])
def test_models_of_no_connection_ask_for_one(fake, client: Client, alias: str):
    assert "Choose a connection first." in words(
        client.post(ADD, given(action="fetch-models", connection=alias))
    )


def test_models_of_a_lost_key_say_so(connection: Connection, client: Client, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    assert "cannot be decrypted" in words(client.post(ADD, given(action="fetch-models")))


def test_a_switch_in_the_list_gives_the_row(profile: Profile, client: Client):
    response = client.post(
        f"/profiles/{profile.pk}/toggle/", {"is_active": "false", "part": "row"}, headers=HTMX
    )
    assert html(response).lstrip().startswith(
        f'<tr id="row-{profile.pk}"'
    ) and 'aria-checked="false"' in html(response)


def test_a_switch_leads_back(profile: Profile, client: Client):
    response = client.post(f"/profiles/{profile.pk}/toggle/", {"next": "/profiles/?page=2"})
    assert (told(response), response["Location"]) == (["Answers is inactive."], "/profiles/?page=2")


def test_a_delete_of_what_somebody_changed_meanwhile_asks_again(
    profile: Profile, operator, administrator
):
    client, page = browser(administrator), f"/profiles/{profile.pk}/delete/"
    shown = value_of(client.get(page), "version")
    services.update_profile(profile, actor=operator, name="Renamed")
    response = client.post(page, {"version": shown}, follow=True)
    assert "Renamed is not deleted. olaf changed it meanwhile" in words(response)
    assert value_of(response, "version") == "2" and Profile.objects.exists()


def test_a_profile_is_deleted(profile: Profile, administrator):
    response = browser(administrator).post(f"/profiles/{profile.pk}/delete/")
    assert (told(response), response["Location"], Profile.objects.count()) == (
        ["Answers is deleted."],
        "/profiles/",
        0,
    )


def test_a_detail_page_shows_settings_and_versions(profile: Profile, client: Client):
    shown = words(client.get(f"/profiles/{profile.pk}/"))
    assert (
        "Temperature 0.5" in shown
        and "Answer in {language}." in shown
        and "created" in shown
        and "Production" in shown
    )


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


@pytest.mark.server
@pytest.mark.parametrize(("query", "expected"), FILTERS.items(), ids=FILTERS)
def test_the_list_is_filtered_and_sorted(
    connection: Connection, client: Client, query: str, expected: list[str]
):
    profile_of(connection, tags=["eu"])
    profile_of(
        connect(name="Other"), name="Vectors", capability="Embedding", model="ada", is_active=False
    )
    page = client.get(f"/profiles/?{query}").context["page"]
    assert [row.name for row in page.object_list] == expected


def test_a_profile_that_is_not_there_is_a_404(client: Client):
    assert client.get(f"/profiles/{uuid.UUID(int=1)}/edit/").status_code == 404


def test_a_refused_form_begins_with_links_to_what_is_wrong(connection: Connection, client: Client):
    page = client.post(ADD, given(**{"settings-temperature": "7"})).content.decode()
    assert "<title>Error: Add a profile for chat" in page
    assert (
        '<a href="#id_settings-temperature">Temperature</a>: Temperature must be at most 2.' in page
    )
    page = client.post(ADD, given(fallbacks="nobody")).content.decode()
    assert '<a href="#id_fallbacks_fields">Profiles</a>: There is no profile nobody.' in page
    assert 'aria-describedby="id_fallbacks_helptext id_fallbacks_error"' in page


def test_a_fallback_moves_up_and_down_and_nothing_is_saved(
    connection: Connection, others: list[Profile], client: Client
):
    posted = given(fallbacks=["zebra", "ape"], move="1-up", name="Half typed")
    shown = client.post(ADD, posted)
    assert chosen(shown) == ["ape", "zebra", ""] and value_of(shown, "name") == "Half typed"
    assert chosen(client.post(ADD, posted | {"move": "1-down"})) == ["zebra", "ape", ""]
    assert Profile.objects.count() == len(others)


def test_a_model_is_chosen_with_a_button(connection: Connection, client: Client):
    shown = client.post(ADD, given(model="", **{"choose-model": "fake-large"}))
    assert value_of(shown, "model") == "fake-large"


def test_settings_that_the_model_does_not_take_are_marked(client: Client):
    row = services.create_connection(
        "openai", actor=None, name="OpenAI", settings={"api_key": SECRET}
    ).row
    shown = html(client.post(ADD, given(connection=row.alias, model="o3-mini", action="look")))
    note = r'id="id_settings-temperature_note"[^>]*>([^<]*)<'
    assert re.findall(note, shown) == ["o3-mini does not take this. It is left out."]
    assert re.findall(note, html(client.get(ADD))) == [""]


def test_with_very_many_connections_a_text_asks_the_server(
    connection: Connection, client: Client, monkeypatch
):
    monkeypatch.setattr("connections.forms.profiles.MOST_CHOICES", 1)
    shown = html(client.get(ADD))
    assert 'list="connection-choices"' in shown and '<option value="production">' in shown
    asked = client.get("/connections/choices/?capability=Chat&connection=PRODUC")
    assert '<option value="production">' in html(asked) and "1 connection fits" in words(asked)
    client.post(ADD, given(connection="PRODUCTION"))
    client.post(ADD, given(connection=connection.name.upper(), name="Second"))
    assert {one.connection for one in Profile.objects.all()} == {connection}


def test_the_alias_follows_the_name_and_is_judged(profile: Profile, client: Client):
    def offer(**query: str) -> str:
        return words(client.get("/profiles/alias-offer/", query))

    assert "other-name is free" in offer(name="Other name")
    assert "answers-2 is free" in offer(name="Answers")
    assert "answers is taken" in offer(name="x", alias="answers")
    assert offer(name="", alias="").strip() == ""


def test_a_form_that_comes_back_marks_what_was_changed_and_no_more(
    profile: Profile, client: Client
):
    posted = given(**{"settings-temperature": "7", "version": "1"})
    posted["settings-system_prompt_template"] = "Answer in {language}."
    shown = client.post(edit(profile), posted)
    assert shown.context["form"].changed_data == ["settings-temperature"]
    assert 'Limits</h2> <span class="quiet">nothing set' in html(client.get(edit(profile)))
