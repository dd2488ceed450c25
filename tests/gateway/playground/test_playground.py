"""The playground without JavaScript: a form that is posted, a page that answers.
tests/browser/test_playground.py has it with.
"""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from connections import services
from gateway.models import UsageRecord
from gateway.playground import snippets
from tests.gateway.upstream import Upstream
from tests.people import browser

pytestmark = pytest.mark.django_db(transaction=True)  # the gateway reads in threads of its own
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
SEES = {"administrator": True, "operator": True, "viewer": False, "stranger": False}


def profile(
    capability: str = "Chat",
    provider: str = "echo",
    model: str = "echo-1",
    alias: str = "rehearsal",
    **settings: Any,
) -> Any:
    connection = services.create_connection(
        provider, actor=None, name="Echo", alias="echo", settings=settings.pop("connection", {})
    ).row
    values = {"name": "Rehearsal", "alias": alias, "model": model, "settings": settings}
    return services.create_profile(connection, actor=None, capability=capability, **values).row


@pytest.fixture
def client(operator: Any) -> Client:
    """An operator's browser."""
    return browser(operator)


def send(client: Client, row: Any, message: str = "Hello there", **fields: str) -> HttpResponse:
    response = client.post(f"/profiles/{row.pk}/playground/", {"message": message, **fields})
    assert response.status_code == 200
    return response


def result_of(response: HttpResponse) -> Any:
    """The result that the page shows."""
    return response.context["result"]


def turns(response: HttpResponse) -> list[tuple[str, str]]:
    """The conversation on the page."""
    return [(one["role"], one["content"]) for one in response.context["form"].turns]


def events(response: Any) -> list[dict[str, Any]]:
    return [
        json.loads(one.removeprefix("data: "))
        for one in response.getvalue().decode().split("\n\n")
        if one
    ]


# Who sees it


@pytest.mark.parametrize("person", SEES)
def test_who_finds_it_on_the_page_of_a_profile(people: dict[str, Any], person: str):
    page = browser(people[person]).get(profile().get_absolute_url())
    assert (b'id="playground"' in page.content) == SEES[person]


@pytest.mark.parametrize("person", SEES)
def test_who_may_send(people: dict[str, Any], person: str):
    response = browser(people[person]).post(
        f"/profiles/{profile().pk}/playground/", {"message": "Hello"}
    )
    assert response.status_code == (200 if SEES[person] else 403)


def test_who_is_signed_out_is_sent_to_sign_in():
    assert (
        "/sign-in/"
        in Client().post(f"/profiles/{profile().pk}/playground/", {"message": "Hello"})["Location"]
    )


def test_a_foreign_form_is_refused(operator: Any):
    strict = browser(operator, enforce_csrf_checks=True)
    assert (
        strict.post(f"/profiles/{profile().pk}/playground/", {"message": "Hello"}).status_code
        == 403
    )


# A chat


def test_an_answer_comes_with_its_facts(client: Client):
    response = send(client, profile())
    facts = result_of(response).facts
    assert turns(response) == [("user", "Hello there"), ("assistant", "Echo: Hello there")]
    assert (
        facts["input_tokens"],
        facts["output_tokens"],
        facts["profile"],
        facts["connection"],
        facts["attempts"],
    ) == (
        *(2, 3),
        *("rehearsal", "echo", "1"),
    )
    assert 0 <= facts["first_chunk_ms"] <= facts["latency_ms"]


def test_a_conversation_goes_on_and_is_sent_along(client: Client):
    row = profile()
    first = send(client, row, "one two")
    second = send(client, row, "three", history=first.context["form"]["history"].value())
    assert len(turns(second)) == 4
    assert result_of(second).facts["input_tokens"] == 2 + 3 + 1


def test_a_conversation_is_cleared_and_the_rest_of_the_form_stays(client: Client):
    row = profile(system_prompt_template="Be {tone}.")
    first = send(client, row, **{"variable-tone": "kind", "temperature": "0.5"})
    cleared = send(
        client,
        row,
        action="clear",
        history=first.context["form"]["history"].value(),
        **{"variable-tone": "kind"},
    )
    form = cleared.context["form"]
    assert (turns(cleared), form["message"].value(), form["variable-tone"].value()) == (
        [],
        None,
        "kind",
    )


def test_usage_is_recorded_of_the_person(client: Client, operator: Any):
    send(client, profile())
    record = UsageRecord.objects.get()
    assert (record.endpoint, record.user_id, record.token_id, record.outcome) == (
        "playground",
        operator.pk,
        None,
        "ok",
    )


def test_places_of_the_prompt_are_asked_for(client: Client):
    with Upstream() as upstream:
        service = {
            "provider": "openai-compatible",
            "model": "words",
            "connection": {"base_url": upstream.url},
        }
        row = profile(**service, system_prompt_template="Be {tone} in {place}.")
        send(client, row, **{"variable-tone": "kind", "variable-place": "Aarhus"})
        assert upstream.seen[0].body["messages"][0] == {
            "role": "system",
            "content": "Be kind in Aarhus.",
        }


def test_places_of_a_fallbacks_prompt_are_asked_for(client: Client):
    other = profile(alias="other", system_prompt_template="Be {tone}.")
    values = {
        "capability": "Chat",
        "name": "First",
        "alias": "first",
        "model": "echo-1",
        "fallbacks": [other],
    }
    row = services.create_profile(other.connection, actor=None, **values).row
    assert b'name="variable-tone"' in client.get(row.get_absolute_url()).content


def test_a_missing_variable_is_told_and_the_message_stays(client: Client):
    response = send(client, profile(system_prompt_template="Be {tone}."))
    assert "needs the variable tone" in result_of(response).error["message"]
    assert (response.context["form"]["message"].value(), turns(response)) == ("Hello there", [])


def test_overrides_are_obeyed(client: Client):
    response = send(client, profile(), max_tokens="2")
    assert turns(response)[1] == ("assistant", "Echo: Hello")
    assert "longest answer" in result_of(response).facts["ending"]


@pytest.mark.parametrize("typed", ["7", "-1"])
def test_an_override_out_of_bounds_is_told(client: Client, typed: str):
    assert "temperature" in result_of(send(client, profile(), temperature=typed)).error["message"]


@pytest.mark.parametrize("typed", ["warm", "nan", "inf"])
def test_an_override_that_is_no_number_is_told_at_its_field(client: Client, typed: str):
    assert "temperature" in send(client, profile(), temperature=typed).context["form"].errors


def test_an_override_that_the_profile_does_not_allow_is_not_asked_for(client: Client):
    page = client.get(profile(allowed_overrides=["temperature"]).get_absolute_url()).content
    assert (b'name="temperature"' in page, b'name="max_tokens"' in page) == (True, False)


def test_what_the_model_says_is_text(client: Client):
    page = send(client, profile(), HOSTILE).content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "Echo: &lt;script&gt;" in page


@pytest.mark.parametrize(
    "history",
    [
        "{",
        "[1]",
        '[{"role": "system", "content": "a"}]',
        '[{"role": "user", "content": 1}]',
        "null",
    ],
)
def test_a_conversation_that_cannot_be_read_is_told(client: Client, history: str):
    response = send(client, profile(), history=history)
    assert "Clear it" in response.content.decode()
    assert UsageRecord.objects.count() == 0


def test_an_empty_message_is_told_at_its_field(client: Client):
    assert "message" in send(client, profile(), "").context["form"].errors


def test_an_inactive_connection_is_told_with_its_alias(client: Client):
    row = profile()
    services.set_active(row.connection, False, actor=None)
    found = result_of(send(client, row))
    assert found.error == {
        "code": "connection_inactive",
        "message": "The connection echo is switched off.",
    }
    assert found.facts["connection_address"] == "/connections/?q=echo"


@pytest.mark.parametrize(
    ("model", "code"), [("status?code=500", "error"), ("stops", "error"), ("html", "bad_response")]
)
def test_a_failure_of_the_service_is_told(client: Client, model: str, code: str):
    with Upstream() as upstream:
        row = profile(
            provider="openai-compatible",
            model=model,
            connection={"base_url": upstream.url, "max_retries": 0},
        )
        response = send(client, row)
    assert (result_of(response).error["code"], turns(response)) == (code, [])


def test_what_came_before_an_answer_broke_off_is_shown(client: Client):
    with Upstream() as upstream:
        response = send(
            client,
            profile(
                provider="openai-compatible", model="stops", connection={"base_url": upstream.url}
            ),
        )
    assert "Grüße aus" in response.content.decode()


def test_a_profile_that_is_gone_is_a_404(client: Client):
    assert (
        client.get("/profiles/0b9d9f3a-52d4-4b4e-8c3a-5f6e7d8c9b21/playground/").status_code == 404
    )


# As events


def test_events_tell_the_pieces_and_then_the_facts(client: Client):
    response = client.post(
        f"/profiles/{profile().pk}/playground/",
        {"message": "Hello"},
        headers={"Accept": "text/event-stream"},
    )
    assert response["Content-Type"].startswith("text/event-stream")
    first, second, last = events(response)
    assert (first, second, last["facts"]["connection"]) == (
        {"content": "Echo:"},
        {"content": " Hello"},
        "echo",
    )


def test_events_tell_what_is_wrong_with_the_form(client: Client):
    response = client.post(
        f"/profiles/{profile().pk}/playground/",
        {"temperature": "warm"},
        headers={"Accept": "text/event-stream"},
    )
    assert events(response) == [
        {
            "error": {
                "message": "Message: This is missing. Enter or choose a value. "
                "Temperature: Enter a number.",
                "code": "invalid_request",
            }
        }
    ]


# Vectors


def test_a_vector_is_shown_with_its_length(client: Client):
    response = client.post(
        f"/profiles/{profile('Embedding').pk}/playground/", {"text": "one two", "dimensions": "16"}
    )
    found = result_of(response)
    assert (found.dimensions, len(found.vector), found.facts["input_tokens"]) == (16, 8, 2)
    assert "16 dimensions" in response.content.decode()


def test_a_refused_vector_is_told(client: Client):
    response = client.post(
        f"/profiles/{profile('Embedding').pk}/playground/", {"text": "one", "dimensions": "9999"}
    )
    assert "at most 4096" in result_of(response).error["message"]


# The same call in code


def test_the_code_is_the_call_that_was_made(client: Client):
    response = send(
        client,
        profile(system_prompt_template="Be {tone}."),
        "It's",
        **{"variable-tone": "kind", "temperature": "0.5"},
    )
    assert '"content": "It\'"\'"\'s"' in response.context["code"]["curl"]
    assert 'extra_body={"variables": {"tone": "kind"}}' in response.context["code"]["python"]
    assert "http://testserver/v1" in response.context["code"]["python"]


def test_python_code_can_be_compiled():
    body = {
        "model": "a",
        "messages": [{"role": "user", "content": 'quotes " and \\ and \n'}],
        "temperature": 0.5,
        "variables": {"a": "b"},
    }
    compile(
        snippets.python("http://localhost/v1", "chat.completions.create", body, "answer"),
        "snippet",
        "exec",
    )
