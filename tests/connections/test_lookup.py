"""Wherever an alias is taken, so are the id and a former alias: one table over every surface."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import listing, runtime, services
from connections.lookup import all_by_id_or_alias, get_by_id_or_alias
from connections.models import ApiToken, Connection, FormerAlias, Profile, RevealToken
from connections.promptflow import services as promptflow_services
from connections.promptflow.services import finding
from gateway.models import UsageRecord
from gateway.usage.records import last, records
from tests.fakes import connect, profile_of
from tests.pages import html
from tests.people import browser

from .api.calls import Api, token_of

pytestmark = pytest.mark.django_db


def former_alias_of(row: Any) -> str:
    """An alias that the row had before, which still finds it."""
    alias = f"old-{row.alias}"
    FormerAlias.objects.get_or_create(alias=alias, **{row._meta.model_name: row})
    return alias


SPELLINGS: dict[str, Callable[[Any], str]] = {
    "alias": lambda row: row.alias,
    "id": lambda row: str(row.pk),
    "hex": lambda row: row.pk.hex,
    "capitals": lambda row: str(row.pk).upper(),
    "former": former_alias_of,
}


@pytest.fixture(params=SPELLINGS)
def spelled(request: pytest.FixtureRequest) -> Callable[[Any], str]:
    """How a row is named: by its alias, or by its id in one of its forms."""
    return SPELLINGS[request.param]


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect()


@pytest.fixture
def profile(row: Connection) -> Profile:
    return profile_of(row)


def new_profile(connection: str, **changes: Any) -> dict[str, Any]:
    return {"name": "New", "connection": connection, "model": "m", "is_active": "on", **changes}


def output(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.server
def test_by_the_services(row: Connection, profile: Profile, spelled: Callable[[Any], str]):
    assert runtime.find_connection(spelled(row)).id == row.pk
    assert runtime.find_profile(spelled(profile)).id == profile.pk
    assert finding.find_promptflow(spelled(row)) == row


def test_in_the_form_of_a_profile(
    row: Connection, profile: Profile, operator: Any, spelled: Callable[[Any], str]
):
    browser(operator).post(
        "/profiles/add/chat/", new_profile(spelled(row), fallbacks=[spelled(profile)])
    )
    made = Profile.objects.get(name="New")
    assert made.connection == row and [one.fallback for one in made.fallback_steps.all()] == [
        profile
    ]


def test_in_the_address_of_the_form_and_when_models_are_fetched(
    row: Connection, operator: Any, spelled: Callable[[Any], str]
):
    client = browser(operator)
    shown = client.get("/profiles/add/chat/", {"connection": spelled(row)})
    assert shown.context["form"]["connection"].value() == "production"
    fetched = client.post("/profiles/add/chat/", new_profile(spelled(row), action="fetch-models"))
    assert [one.id for one in fetched.context["models"]] == ["fake-chat", "fake-any"]


def test_as_the_target_of_profiles(
    row: Connection, profile: Profile, operator: Any, spelled: Callable[[Any], str]
):
    other = connect(name="Other")
    browser(operator).post(f"/connections/{row.pk}/move-profiles/", {"target": spelled(other)})
    profile.refresh_from_db()
    assert profile.connection == other


def test_in_tokens(
    row: Connection, profile: Profile, administrator: Any, spelled: Callable[[Any], str]
):
    client = browser(administrator)
    client.post(
        "/tokens/flows/", {"name": "a", "connections": [spelled(row)], "expires_in_days": "7"}
    )
    client.post(
        "/tokens/", {"name": "b", "scopes": ["gateway:use"], "profiles": [spelled(profile)]}
    )
    output("reveal_token", "create", "c", "--user", "ada", "--connection", spelled(row))
    output(
        "token",
        "create",
        "d",
        "--user",
        "ada",
        "--scope",
        "gateway:use",
        "--profile",
        spelled(profile),
    )
    assert [list(one.connections.all()) for one in RevealToken.objects.all()] == [[row], [row]]
    assert [list(one.profiles.all()) for one in ApiToken.objects.all()] == [[profile], [profile]]


def test_as_a_default(profile: Profile, administrator: Any, spelled: Callable[[Any], str]):
    browser(administrator).post("/settings/", {"Chat": spelled(profile), "Embedding": ""})
    assert services.default_profiles()["Chat"] == profile


@pytest.mark.server
def test_in_the_filters_of_lists(
    row: Connection, profile: Profile, operator: Any, spelled: Callable[[Any], str]
):
    profile_of(connect(name="Other"), name="Others")
    client = browser(operator)
    assert list(
        client.get("/profiles/", {"connection": spelled(row)}).context["page"].object_list
    ) == [profile]
    assert list(client.get("/profiles/", {"q": spelled(profile)}).context["page"].object_list) == [
        profile
    ]
    assert list(client.get("/connections/", {"q": spelled(row)}).context["page"].object_list) == [
        row
    ]


@pytest.mark.server
def test_in_the_filters_of_usage(row: Connection, profile: Profile, spelled: Callable[[Any], str]):
    names = {
        "profile_id": profile.pk,
        "profile_alias": profile.alias,
        "connection_id": row.pk,
        "connection_alias": row.alias,
    }
    UsageRecord.objects.create(
        started_at=timezone.now() - timedelta(minutes=1), latency_ms=1, **names
    )
    for filters in ({"connection": spelled(row)}, {"profile": spelled(profile)}):
        assert records(last(timedelta(hours=1)), filters).count() == 1


def test_in_commands(row: Connection, spelled: Callable[[Any], str]):
    assert '"name": "Production"' in output("connection", "show", "-n", spelled(row))
    assert '"success": true' in output("connection", "test", "-n", spelled(row))
    output("connection", "delete", "-n", spelled(row), "--yes")
    assert not Connection.objects.exists()


def test_in_the_api(
    row: Connection, profile: Profile, administrator: Any, spelled: Callable[[Any], str]
):
    api = Api(token_of(administrator))
    assert api.read(f"/connections/{spelled(row)}")["alias"] == "production"
    assert api.read(f"/profiles/{spelled(profile)}")["alias"] == "answers"
    assert api.read(f"/profiles?connection={spelled(row)}")["total"] == 1
    assert api.post("/connections/test", {"id": spelled(row)}).json()["success"]
    assert api.read(f"/connections/{spelled(row)}/usages")["total"] == 1


def test_of_what_flows_read(row: Connection, administrator: Any, spelled: Callable[[Any], str]):
    _, text = promptflow_services.create_reveal_token(
        "flow", user=administrator, actor=None, connections=["production"]
    )
    try:
        found = promptflow_services.reveal_connection(text, [spelled(row)], address="127.0.0.1")
    except services.Unusable as known:  # a made-up provider has no shape of promptflow's
        assert known.code
    else:
        assert found["name"] == spelled(row)


@pytest.mark.server
@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "a\x00b",
        "\x00",
        "7f1f4c1e-6f0b-4c8e-9d43-2a7c1b0d5e11",
        "%",
        "production\n",
        "\U0001d7cf" * 32,
    ],
)
def test_what_is_nobodys_finds_nobody(row: Connection, text: str):
    assert (
        get_by_id_or_alias(Connection.objects.all(), text) is None
        and all_by_id_or_alias(Connection.objects.all(), [text]) == {}
    )


@pytest.mark.server
def test_several_are_found_by_what_they_were_asked_for_with_one_query(row: Connection):
    other = connect(name="Other")
    with CaptureQueriesContext(database) as seen:
        found = all_by_id_or_alias(Connection.objects.all(), [str(row.pk), "Production", "other"])
    assert found == {str(row.pk): row, "Production": row, "other": other} and len(seen) == 1
    assert all_by_id_or_alias(Connection.objects.all(), ["other", "nobody"]) == {"other": other}


def test_ids_and_aliases_are_shown_to_be_copied(row: Connection, profile: Profile, viewer: Any):
    for one in (row, profile):
        shown = html(browser(viewer).get(one.get_absolute_url()))
        assert f'data-copy="{one.pk}"' in shown and f'data-copy="{one.alias}"' in shown
        assert f'<code class="whole">{one.pk}</code>' in shown


@pytest.mark.server
def test_a_list_is_searched_by_id_too(row: Connection):
    connect(name="Other")
    assert list(listing.connections({"q": str(row.pk)})) == [row]
