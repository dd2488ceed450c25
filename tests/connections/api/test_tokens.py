"""Keys to the API: how they are made, shown once, used, limited and ended."""

import base64
import json
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from connections import services
from connections.models import ApiToken, Connection
from tests.fakes import profile_of
from tests.pages import html, words
from tests.people import PASSWORD, browser

from .calls import Api, problem, token_of

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> tuple[str, str]:
    """What `manage.py token ...` writes: stdout, stderr."""
    out, err = StringIO(), StringIO()
    call_command("token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# The command


def test_create_prints_the_token_alone_on_stdout(operator: Any):
    out, err = command(
        "create",
        "CI",
        "--user",
        "olaf",
        "--scope",
        "connections:read",
        "--scope",
        "connections:test",
    )
    assert out.startswith("sb_") and len(out.split()) == 1 and out.strip() not in err
    assert Api(out.strip()).get("/connections").status_code == 200


def test_only_a_hash_is_stored(operator: Any):
    text = command("create", "CI", "--user", "olaf", "--scope", "admin")[0].strip()
    row = ApiToken.objects.values().get()
    assert row["digest"] == sha256(text.encode()).hexdigest() and text[11:] not in str(row)
    assert (row["prefix"], row["scopes"]) == (text[:11], ["admin"])


def test_create_takes_profiles_and_an_end(operator: Any, connection: Connection):
    profile = profile_of(connection)
    command(
        "create",
        "CI",
        "--user",
        "olaf",
        "--scope",
        "gateway:use",
        "--profile",
        "answers",
        "--expires",
        "7",
    )
    row = ApiToken.objects.get()
    assert list(row.profiles.all()) == [profile] and timedelta(
        days=6
    ) < row.expires_at - timezone.now() <= timedelta(days=7)


@pytest.mark.parametrize(
    "arguments",
    [
        ["CI", "--user", "nobody", "--scope", "admin"],
        ["CI", "--user", "olaf"],
        ["CI", "--user", "olaf", "--scope", "everything"],
        ["", "--user", "olaf", "--scope", "admin"],
        ["x" * 101, "--user", "olaf", "--scope", "admin"],
        ["CI", "--user", "olaf", "--scope", "admin", "--profile", "nothing"],
        ["CI", "--user", "olaf", "--scope", "admin", "--expires", "0"],
        ["CI", "--user", "olaf", "--scope", "admin", "--expires", "3651"],
        ["CI", "--scope", "admin"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--requests-per-minute", "0"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--requests-per-minute", "10000001"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--tokens-per-day", "-1"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--tokens-per-day", "2000000001"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--tokens-per-day", "many"],
        ["CI", "--user", "olaf", "--scope", "gateway:use", "--profile", "a\x00b"],
    ],
    ids=" ".join,
)
def test_create_refuses_what_makes_no_sense(operator: Any, arguments: list[str]):
    with pytest.raises(CommandError):
        command("create", *arguments)
    assert not ApiToken.objects.exists()


def test_list_shows_everything_but_the_token(operator: Any):
    text = token_of(operator, "connections:read")
    out = command("list")[0]
    assert all(
        word in out
        for word in (
            text[:11],
            "active",
            "olaf",
            "test",
            "connections:read",
            "LAST USED",
            "+00:00",
        )
    )
    assert text not in out and text[11:] not in out


def test_create_takes_limits_and_list_shows_them(operator: Any):
    limits = ["--requests-per-minute", "60", "--tokens-per-day", "2000000000"]
    command("create", "CI", "--user", "olaf", "--scope", "gateway:use", *limits)
    row = ApiToken.objects.get()
    assert (row.requests_per_minute, row.tokens_per_day) == (60, 2_000_000_000)
    (listed,) = json.loads(command("list", "--output", "json")[0])
    assert (listed["is_limited"], listed["profiles"]) == (False, [])
    assert (listed["requests_per_minute"], listed["tokens_per_day"]) == (60, 2_000_000_000)
    assert "  all  " in command("list")[0]


def test_list_says_when_the_profiles_of_a_token_are_gone(operator: Any, connection: Connection):
    profile = profile_of(connection)
    token_of(operator, profiles=["answers"])
    services.delete_profile(profile, actor=None)
    assert "no profile any more" in command("list")[0]


@pytest.mark.server
@pytest.mark.parametrize("by", ["prefix", "id"])
def test_revoke_ends_a_token_at_once(operator: Any, by: str):
    caller = Api(token_of(operator))
    assert caller.get("/connections").status_code == 200
    command("revoke", str(getattr(ApiToken.objects.get(), by)))
    problem(caller.get("/connections"), 401)
    assert "revoked" in command("list")[0]


def test_revoke_refuses_an_unknown_token(operator: Any):
    token_of(operator)
    for wanted in ("sb_", "", "nothing"):
        with pytest.raises(CommandError):
            command("revoke", wanted)


# What opens nothing


@pytest.fixture
def text(operator: Any) -> str:
    return token_of(operator)


def refused(header: str) -> None:
    """Asserts that this Authorization is a 401 that says how to do it."""
    response = Client().get("/api/v1/connections", headers={"authorization": header})
    problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "template",
    [
        *(
            "Bearer",
            "Bearer ",
            "Bearer {0} {0}",
            "Bearer {0}x",
            "Bearer x{0}",
            "Basic {0}",
            "Token {0}",
            "{0}",
            "Bearer {1}",
            "Bearer {2}",
        ),
        *(
            "",
            "Bearer {0},Bearer {0}",
            "Bearer sb_",
            "Bearer é{0}",
            'Bearer "{0}"',
            "bearer:{0}",
            "Bearer {0}\x00",
        ),
    ],
)
def test_a_malformed_authorization_opens_nothing(text: str, template: str):
    refused(template.format(text, text[:-1], text[:11]))


def test_the_word_bearer_is_taken_in_any_letter_case(text: str):
    assert (
        Client().get("/api/v1/connections", headers={"authorization": f"bEARER {text}"}).status_code
        == 200
    )


def test_an_expired_token_opens_nothing(text: str):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(f"Bearer {text}")
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert Api(text).get("/connections").status_code == 200


def test_a_token_of_a_deactivated_user_opens_nothing(text: str, operator: Any):
    type(operator).objects.update(is_active=False)
    refused(f"Bearer {text}")


@pytest.mark.server
def test_a_token_of_a_deleted_user_is_gone(text: str, operator: Any):
    operator.delete()
    refused(f"Bearer {text}")


def test_a_token_in_the_address_or_the_body_does_nothing(text: str):
    for name in ("token", "access_token", "api_key", "Authorization", "bearer"):
        problem(Client().get(f"/api/v1/connections?{name}={text}"), 401)
        problem(
            Client().post("/api/v1/connections", {name: text}, content_type="application/json"), 401
        )


def test_a_token_opens_no_page(text: str):
    for path in ("/", "/connections/", "/tokens/", "/admin/"):
        assert Client().get(path, headers={"authorization": f"Bearer {text}"}).status_code == 302


def test_a_password_opens_nothing(operator: Any):
    refused("Basic " + base64.b64encode(f"olaf:{PASSWORD}".encode()).decode())


def test_a_wrong_token_is_refused_also_to_somebody_who_is_signed_in(operator: Any):
    problem(Api("sb_wrong", browser(operator)).get("/connections"), 401)


# What a token may


def test_a_token_can_never_do_more_than_its_user(viewer: Any, connection: Connection):
    caller = Api(token_of(viewer, "admin"))
    assert caller.get("/connections").status_code == 200
    problem(caller.patch("/connections/production", {"name": "N"}), 403)
    problem(caller.delete("/connections/production"), 403)


def test_a_token_loses_what_its_user_loses(administrator: Any, connection: Connection):
    caller = Api(token_of(administrator))
    administrator.groups.clear()
    problem(caller.get("/connections"), 403)


@pytest.mark.server
def test_a_token_notes_when_it_was_used_last(text: str):
    assert ApiToken.objects.get().last_used_at is None
    Api(text).get("/connections")
    first = ApiToken.objects.get().last_used_at
    Api(text).get("/connections")
    assert first and ApiToken.objects.get().last_used_at == first


def test_what_a_token_does_is_done_in_its_users_name(operator: Any, text: str, fake: Any):
    Api(text).post("/connections", {"alias": "mine", "name": "Mine", "providerId": "echo"})
    row = Connection.objects.get()
    assert (row.created_by, row.history.get().history_user) == (operator, operator)


# Sessions

ECHO = {"alias": "mine", "name": "Mine", "providerId": "echo"}


def csrf(client: Client) -> str:
    """The CSRF token that a page gives this browser."""
    client.get("/connections/add/echo/")
    return client.cookies["csrftoken"].value


def test_a_session_reads_without_and_writes_with_a_csrf_token(operator: Any):
    client = browser(operator, enforce_csrf_checks=True)
    caller = Api(client=client)
    assert caller.get("/connections").status_code == 200
    assert problem(caller.post("/connections", ECHO), 403)["code"] == "permission_denied"
    problem(caller.post("/connections", ECHO, x_csrftoken="x" * 64), 403)
    assert not Connection.objects.exists()
    assert caller.post("/connections", ECHO, x_csrftoken=csrf(client)).status_code == 201


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_session_changes_nothing_without_a_csrf_token(
    administrator: Any, connection: Connection, method: str
):
    caller = Api(client=browser(administrator, enforce_csrf_checks=True))
    problem(caller(method, "/connections/production", {"name": "N"}), 403)
    assert Connection.objects.get().name == "Production"


def test_a_token_needs_no_csrf_token(text: str):
    assert Api(text, Client(enforce_csrf_checks=True)).post("/connections", ECHO).status_code == 201


# The page


def test_administrators_see_the_page_and_others_do_not(people: dict[str, Any]):
    found = {name: browser(user).get("/tokens/").status_code for name, user in people.items()}
    assert found == {
        "administrator": 200,
        "operator": 403,
        "viewer": 403,
        "stranger": 403,
        "nobody": 302,
    }


def make(client: Client, **values: Any) -> Any:
    return client.post(
        "/tokens/",
        {
            "name": "CI",
            "scopes": ["connections:read"],
            "profiles": "",
            "expires_in_days": "",
            **values,
        },
    )


def test_a_token_made_on_the_page_is_shown_once_and_works(administrator: Any):
    client = browser(administrator)
    response = make(client)
    text = response.context["text"]
    assert text in html(response) and response["Cache-Control"] == "no-store"
    assert (
        Api(text).get("/connections").status_code == 200
        and Api(text).get("/profiles").status_code == 403
    )
    assert text not in html(client.get("/tokens/")) and text[:11] in html(client.get("/tokens/"))


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"scopes": []},
        {"scopes": ["all"]},
        {"expires_in_days": "0"},
        {"profiles": "nothing"},
    ]
    + [
        {name: value}
        for name in ("requests_per_minute", "tokens_per_day")
        for value in ("0", "-1", "x", "1.5", "9" * 12, "9" * 40)
    ]
    + [{"expires_in_days": "9" * 40}, {"profiles": ["answers", "a\x00b"]}],
    ids=repr,
)
def test_the_page_refuses_what_makes_no_sense(administrator: Any, values: dict[str, Any]):
    response = make(browser(administrator), **values)
    assert response.status_code == 200 and list(response.context["form"].errors) == list(values)
    assert not ApiToken.objects.exists()


def test_the_page_says_that_a_life_is_too_long(administrator: Any):
    assert (
        "from 1 to 366" in words(make(browser(administrator), expires_in_days="367"))
        and not ApiToken.objects.exists()
    )


def test_a_token_made_on_the_page_has_its_limits_and_the_list_shows_them(
    administrator: Any, connection: Connection
):
    rows = [profile_of(connection, name=name) for name in ("Answers", "Summaries", "Others")]
    client = browser(administrator)
    make(
        client,
        scopes=["gateway:use"],
        profiles=["answers", "summaries"],
        requests_per_minute="60",
        tokens_per_day="5000",
    )
    row = ApiToken.objects.get()
    assert (set(row.profiles.all()), row.requests_per_minute, row.tokens_per_day) == (
        set(rows[:2]),
        60,
        5000,
    )
    assert "only answers, summaries; 60 requests a minute; 5,000 tokens a day" in words(
        client.get("/tokens/")
    )


def test_a_token_without_limits_says_so(administrator: Any):
    client = browser(administrator)
    make(client)
    assert "all profiles active" in words(client.get("/tokens/"))


def test_a_token_whose_profiles_are_gone_is_not_said_to_have_all(
    administrator: Any, connection: Connection
):
    profile = profile_of(connection)
    token_of(administrator, profiles=["answers"])
    services.delete_profile(profile, actor=None)
    assert "no profile any more" in words(browser(administrator).get("/tokens/"))


def test_with_many_profiles_their_aliases_are_typed(
    administrator: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.forms.tokens.MOST_TICKED", 2)
    rows = [profile_of(connection, name=name) for name in ("Answers", "Summaries")]
    client = browser(administrator)
    assert '<input type="text" name="profiles"' in html(client.get("/tokens/"))
    make(client, profiles="answers, summaries")
    assert set(ApiToken.objects.get().profiles.all()) == set(rows)


@pytest.mark.parametrize("name", ["operator", "viewer", "stranger", "nobody"])
def test_nobody_else_makes_or_ends_tokens_on_the_page(people: dict[str, Any], name: str):
    token_of(people["administrator"])
    client = browser(people[name])
    assert make(client).status_code in (302, 403)
    assert client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/").status_code in (302, 403)
    assert ApiToken.objects.get().state == "active"


def test_a_token_is_revoked_on_the_page(administrator: Any, operator: Any):
    caller = Api(token_of(operator))
    client = browser(administrator)
    assert f"/tokens/{ApiToken.objects.get().pk}/revoke/" in html(client.get("/tokens/"))
    client.get(f"/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert ApiToken.objects.get().state == "active"
    client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/")
    problem(caller.get("/connections"), 401)
    assert "revoked" in words(client.get("/tokens/"))


def test_nobody_makes_a_token_for_somebody_else(administrator: Any, operator: Any):
    with pytest.raises(PermissionDenied):
        services.create_token("CI", user=operator, actor=administrator, scopes=["admin"])
