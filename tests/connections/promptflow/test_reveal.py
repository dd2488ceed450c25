"""Flows read connections with their secrets: tokens of their own kind, the client's contract,
refusals that tell nothing, records.
"""

import json
import logging
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from backoffice.access_log import AccessLog
from connections import services
from connections.client_ip import is_within, source_address
from connections.models import ApiToken, Connection, RevealRecord, RevealToken
from connections.promptflow import services as promptflow_services
from connections.promptflow.services.reveal import MOST_A_MINUTE, REFUSALS_A_MINUTE
from connections.promptflow.services.reveal_tokens import digest
from connections.promptflow.services.values import execution_dict
from tests.connections.api.calls import Api, token_of
from tests.fakes import OTHER_SECRET, SECRET, connect
from tests.pages import html, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db
HERE = "/tokens/flows/"


def token_for(user: Any, *connections: Connection, **options: Any) -> str:
    """The text of a new token for these connections."""
    aliases = [one.alias for one in connections]
    return promptflow_services.create_reveal_token(
        "flow", user=user, actor=None, connections=aliases, **options
    )[1]


def ask(text: str, path: str = "connections", **headers: Any) -> Any:
    """What the client of promptflow-core sends: an address, nothing else."""
    return Client(raise_request_exception=False).get(f"/promptflow/{text}/{path}", **headers)


def last() -> RevealRecord:
    return RevealRecord.objects.order_by("-id")[0]


@pytest.fixture
def row(fake) -> Connection:
    return connect("openai", name="My OpenAI", alias="my-openai")


@pytest.fixture
def token(administrator, row) -> str:
    return token_for(administrator, row)


# Execution dicts, as promptflow-core 1.18.5 makes them of the same values

KEY = {"api_key": SECRET}
URL = "https://example.com"
DICTS = {
    "azure_open_ai": (
        "azure-openai",
        {**KEY, "endpoint": URL},
        (
            "AzureOpenAI",
            {
                "api_base": URL,
                "api_type": "azure",
                "api_version": "2024-02-01",
                "auth_mode": "key",
                **KEY,
            },
        ),
    ),
    "azure_open_ai by Entra ID": (
        "azure-openai",
        {**KEY, "endpoint": URL, "auth_mode": "meid_token", "resource_id": "/sub"},
        (
            "AzureOpenAI",
            {
                "api_base": URL,
                "api_type": "azure",
                "api_version": "2024-02-01",
                "auth_mode": "meid_token",
                "resource_id": "/sub",
            },
        ),
    ),
    "open_ai": ("openai", KEY, ("OpenAI", KEY)),
    "open_ai with everything": (
        "openai",
        {**KEY, "organization": "org-1", "base_url": URL},
        ("OpenAI", {"organization": "org-1", "base_url": URL, **KEY}),
    ),
    "azure_ai_services": (
        "azure-ai-services",
        {**KEY, "endpoint": URL},
        ("AzureAIServices", {"endpoint": URL, "auth_mode": "key", **KEY}),
    ),
    "cognitive_search": (
        "azure-ai-search",
        {**KEY, "endpoint": URL},
        (
            "CognitiveSearch",
            {"api_base": URL, "api_version": "2023-11-01", "auth_mode": "key", **KEY},
        ),
    ),
    "azure_content_safety": (
        "azure-content-safety",
        {**KEY, "endpoint": URL},
        (
            "AzureContentSafety",
            {"endpoint": URL, "api_version": "2023-10-01", "api_type": "Content Safety", **KEY},
        ),
    ),
    "form_recognizer": (
        "azure-document-intelligence",
        {**KEY, "endpoint": URL},
        (
            "FormRecognizer",
            {"endpoint": URL, "api_version": "2023-07-31", "api_type": "Form Recognizer", **KEY},
        ),
    ),
    "serp": ("serpapi", KEY, ("Serp", KEY)),
    "serverless": (
        "serverless",
        {**KEY, "endpoint": URL},
        ("Serverless", {"api_base": URL, **KEY}),
    ),
    "qdrant": ("qdrant", {**KEY, "url": URL}, ("Qdrant", {"api_base": URL, **KEY})),
    "weaviate": ("weaviate", {**KEY, "url": URL}, ("Weaviate", {"api_base": URL, **KEY})),
    "custom": (
        "custom",
        {"configs": {"c": "1", "auth_mode": "meid_token"}, "secrets": {"s": SECRET}},
        ("Custom", {"c": "1", "auth_mode": "meid_token", "s": SECRET}),
    ),
    "custom strong type": (
        "custom",
        {
            "configs": {"c": "1"},
            "secrets": {"s": SECRET},
            "custom_type": "Mine",
            "module": "my.mod",
            "package": "p",
            "package_version": "0.0.2",
        },
        (
            "Custom",
            {
                "c": "1",
                "promptflow.connection.custom_type": "Mine",
                "promptflow.connection.module": "my.mod",
                "promptflow.connection.package": "p",
                "promptflow.connection.package_version": "0.0.2",
                "s": SECRET,
            },
        ),
    ),
    "custom strong type without a version": (
        "custom",
        {"secrets": {"s": SECRET}, "custom_type": "Mine", "module": "my.mod", "package": "p"},
        (
            "Custom",
            {
                "promptflow.connection.custom_type": "Mine",
                "promptflow.connection.module": "my.mod",
                "s": SECRET,
            },
        ),
    ),
}
MODULES = {
    "qdrant": "promptflow_vectordb.connections",
    "weaviate": "promptflow_vectordb.connections",
}


@pytest.mark.parametrize("case", DICTS)
def test_an_execution_dict_is_promptflows_own(case: str):
    provider_id, settings, (type_name, value) = DICTS[case]
    found = execution_dict(connect(provider_id, name="n", settings=settings))
    assert found == {
        "name": "n",
        "type": f"{type_name}Connection",
        "module": "my.mod" if "strong" in case else MODULES.get(case, "promptflow.connections"),
        "value": value,
        "secret_keys": [name for name, text in value.items() if text == SECRET],
    }


def test_a_provider_that_promptflow_does_not_know_is_a_custom_connection(fake):
    found = execution_dict(
        connect(settings={"api_key": SECRET, "samples": 3, "fast": True}, name="Fake")
    )
    assert (found["type"], found["module"], found["secret_keys"]) == (
        "CustomConnection",
        "promptflow.connections",
        ["api_key"],
    )
    assert found["value"] == {
        "api_key": SECRET,
        "base_url": "https://fake.example.com/v1",
        "region": "eu",
        "fast": "true",
        "samples": "3",
    }


def test_headers_are_a_secret_as_json_text():
    settings = {"api_key": SECRET, "base_url": URL, "extra_headers": {"X-Secret": OTHER_SECRET}}
    found = execution_dict(connect("openai-compatible", name="n", settings=settings))
    assert json.loads(found["value"]["extra_headers"]) == {"X-Secret": OTHER_SECRET}
    assert sorted(found["secret_keys"]) == ["api_key", "extra_headers"]


def test_references_are_resolved(settings):
    settings.CONNECTIONS_CONFIG = {"OpenAI": {"ApiKey": SECRET}}
    row = connect(
        "openai", name="n", settings={"api_key": "$OpenAI:ApiKey", "organization": "$$literal"}
    )
    assert execution_dict(row)["value"] == {"organization": "$literal", "api_key": SECRET}


# The contract


def test_the_list_is_an_array_of_execution_dicts(token: str, row: Connection):
    assert ask(token).json() == [execution_dict(row)]


@pytest.mark.parametrize(
    "path",
    [
        "connections/my-openai",
        "connections/my-openai/",
        "connections/My%20OpenAI",
        "connections/My OpenAI",
    ],
)
def test_one_is_found_by_alias_and_by_name(token: str, row: Connection, path: str):
    answer = ask(token, path)
    assert (answer.status_code, answer.json()["value"]) == (200, KEY)


@pytest.mark.server
@pytest.mark.parametrize(
    "name", ["a/b", "a b/c d", "ä ö ü", "名前", "what?", "a?b=c", "100", "a+b", "a/", "/", "a&b;c"]
)
def test_a_name_may_hold_any_character(administrator, fake, name: str):
    text = token_for(administrator, connect("openai", name=name, alias="odd-one"))
    answer = ask(text, f"connections/{quote(name, safe='')}")
    assert (answer.status_code, answer.json().get("name")) == (200, name)


@pytest.mark.parametrize("name", ["a/b", "what?", "a?b=c", "a?b=%C3%A4"])
def test_a_name_is_understood_as_the_client_writes_it(administrator, fake, name: str):
    stored = name.replace("%C3%A4", "ä")
    text = token_for(administrator, connect("openai", name=stored, alias="odd-one"))
    assert ask(text, f"connections/{name}").json().get("name") == stored


def test_the_name_is_the_one_that_was_asked_for(token: str):
    assert [
        ask(token, f"connections/{one}").json()["name"] for one in ("my-openai", "My OpenAI")
    ] == ["my-openai", "My OpenAI"]


@pytest.mark.server
def test_letter_case_matters_in_names(token: str):
    assert ask(token, "connections/my openai").status_code == 404


@pytest.mark.server
def test_two_of_one_name_are_listed_by_alias_and_refused_by_name(administrator, fake):
    rows = [connect("openai", name="Same", alias=alias) for alias in ("one", "two")]
    text = token_for(administrator, *rows)
    assert [one["name"] for one in ask(text).json()] == ["one", "two"]
    answer = ask(text, "connections/Same")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous")
    assert "one, two" in answer.json()["detail"]


def test_only_the_connections_of_the_token_are_there(token: str, fake):
    connect("openai", name="Other", alias="other")
    answers = [ask(token, f"connections/{name}") for name in ("other", "Other", "nothing")]
    assert {one.status_code for one in answers} == {404}
    assert (
        len(
            {
                one.content.decode()
                .replace("other", "X")
                .replace("Other", "X")
                .replace("nothing", "X")
                for one in answers
            }
        )
        == 1
    )
    assert len(ask(token).json()) == 1


def test_an_inactive_connection_answers_404_with_a_message(token: str, row: Connection):
    services.set_active(row, False, actor=None)
    answer = ask(token, "connections/my-openai")
    assert (answer.status_code, answer.json()["code"]) == (404, "connection_inactive")
    assert "switched off" in answer.json()["detail"]


def test_the_list_leaves_out_what_cannot_be_used_and_says_so_in_a_header(
    administrator, row: Connection
):
    off, missing = (
        connect("openai", name=name, settings={"api_key": key})
        for name, key in (("off", SECRET), ("gone", "$OpenAI:None"))
    )
    services.set_active(off, False, actor=None)
    answer = ask(token_for(administrator, row, off, missing))
    assert [one["name"] for one in answer.json()] == ["My OpenAI"]
    assert (
        answer["Switchboard-Left-Out"] == "gone (unresolved_reference), off (connection_inactive)"
    )


def test_a_missing_reference_is_409_with_its_name(administrator, fake):
    text = token_for(
        administrator, connect("openai", name="gone", settings={"api_key": "$OpenAI:None"})
    )
    answer = ask(text, "connections/gone")
    assert (answer.status_code, answer.json()["code"]) == (409, "unresolved_reference")
    assert "$OpenAI:None" in answer.json()["detail"]


def test_a_lost_key_is_409(token: str, settings):
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    answer = ask(token, "connections/my-openai")
    assert (answer.status_code, answer.json()["code"]) == (409, "undecryptable")


@pytest.mark.parametrize(
    "path", ["connections", "connections/my-openai", "connections/nothing", "anything"]
)
def test_no_answer_is_kept_or_passed_on(token: str, path: str):
    answer = ask(token, path)
    assert (answer["Cache-Control"], answer["Referrer-Policy"], answer["X-Robots-Tag"]) == (
        "no-store",
        "no-referrer",
        "none",
    )
    assert not answer.cookies


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_only_get_and_head_are_taken(token: str, method: str):
    client = Client(enforce_csrf_checks=True)
    answers = [
        getattr(client, method)(f"/promptflow/{text}/connections")
        for text in (token, "sbr_unknown")
    ]
    assert [(one.status_code, one["Allow"]) for one in answers] == [(405, "GET, HEAD")] * 2
    assert answers[0].content == answers[1].content


def test_head_has_no_body_and_is_a_read(token: str):
    answer = Client().head(f"/promptflow/{token}/connections/my-openai")
    assert (answer.status_code, answer.content, last().outcome) == (200, b"", "read")


# Refusals


def _spoil(text: str, **values: Any) -> str:
    RevealToken.objects.filter(digest=digest(text)).update(**values)
    return text


@pytest.fixture
def refused(administrator, operator, row: Connection) -> dict[str, str]:
    """Texts that open nothing, by what their record says."""
    now = timezone.now()
    sacked = token_for(administrator, row)
    RevealToken.objects.filter(digest=digest(sacked)).update(user=operator)
    return {
        "unknown": "sbr_" + "x" * 43,
        "expired": _spoil(token_for(administrator, row), expires_at=now),
        "revoked": _spoil(token_for(administrator, row), revoked_at=now),
        "network": token_for(administrator, row, networks=["192.0.2.0/24"]),
        "user": sacked,
    }


def test_every_refusal_is_the_same(refused: dict[str, str], administrator, row: Connection):
    texts = [
        *refused.values(),
        token_of(administrator),
        "",
        "x" * 5000,
        "%00",
        "%FF",
        "ü",
        ApiToken.objects.get().prefix,
    ]
    answers = [
        ask(text, path)
        for text in texts
        for path in ("connections", "connections/my-openai", "connections/nothing")
    ]
    answers += [
        ask(text, path)
        for text in refused.values()
        for path in ("", "connection", "connections/../x")
    ]
    heads = [
        {
            name: value
            for name, value in one.headers.items()
            if name not in ("Content-Length", "X-Request-ID")
        }
        for one in answers
    ]
    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}
    assert all(head == heads[0] for head in heads)


@pytest.mark.parametrize("why", ["unknown", "expired", "revoked", "network", "user"])
def test_a_refusal_is_recorded_and_says_why(refused: dict[str, str], why: str):
    ask(refused[why], "connections/my-openai")
    assert (last().outcome, last().asked, last().connections) == (why, "", [])
    assert (last().token is None) == (why == "unknown")


def test_no_refusal_is_quicker_than_another(refused: dict[str, str]):
    times = []
    for text in [*refused.values(), "sbr_" + "y" * 43]:
        started = time.monotonic()
        ask(text, "connections/my-openai")
        times.append(time.monotonic() - started)
    assert min(times) >= 0.05


@pytest.mark.server
def test_refusals_do_not_fill_the_database(db):
    for number in range(REFUSALS_A_MINUTE + 5):
        with pytest.raises(promptflow_services.NotRevealed):
            promptflow_services.reveal_connections(f"sbr_{number}", address="192.0.2.1")
    assert (
        RevealRecord.objects.count() <= 2 * REFUSALS_A_MINUTE
    )  # a minute may have ended in between
    assert (
        RevealRecord.objects.filter(read_at__gte=timezone.now() - timedelta(minutes=1)).count() >= 5
    )


def test_a_token_stops_with_its_maker(administrator, token: str):
    administrator.is_active = False
    administrator.save()
    assert ask(token).status_code == 404


@pytest.mark.server
def test_a_token_is_limited_to_its_rate(token: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("connections.promptflow.services.reveal.MOST_A_MINUTE", 2)
    answers = [ask(token) for _ in range(6)]  # a minute may end in between
    limited = next(one for one in answers if one.status_code == 429)
    assert 0 < int(limited["Retry-After"]) <= 60
    assert MOST_A_MINUTE == 600


# Which token opens what


def test_a_reveal_token_is_no_token_of_the_api(token: str):
    assert Api(token).get("/connections").status_code == 401
    assert services.find_caller(token) is None


def test_no_scope_of_an_api_token_reveals(administrator, row: Connection):
    assert (
        promptflow_services.REVEAL_SCOPE == "connections:reveal"
        and promptflow_services.REVEAL_SCOPE not in set(services.Scope)
    )
    with pytest.raises(services.Invalid, match="scopes"):
        token_of(administrator, "connections:reveal")
    assert ask(token_of(administrator, "admin")).status_code == 404


def test_only_administrators_make_them(people: dict[str, Any], row: Connection):
    made = {}
    for name, user in people.items():
        browser(user).post(
            HERE,
            {"name": name, "connections": "my-openai", "networks": "", "expires_in_days": "30"},
        )
        made[name] = RevealToken.objects.filter(name=name).exists()
    assert made == {
        "administrator": True,
        "operator": False,
        "viewer": False,
        "stranger": False,
        "nobody": False,
    }


@pytest.mark.parametrize("path", [HERE, f"{HERE}reads/"])
def test_only_administrators_see_them(people: dict[str, Any], path: str):
    status = {name: browser(user).get(path).status_code for name, user in people.items()}
    assert status == {
        "administrator": 200,
        "operator": 403,
        "viewer": 403,
        "stranger": 403,
        "nobody": 302,
    }


def test_only_administrators_end_them(people: dict[str, Any], token: str):
    row = RevealToken.objects.get()
    for name in ("operator", "viewer", "stranger", "nobody"):
        browser(people[name]).post(f"{HERE}{row.pk}/revoke/")
        assert ask(token).status_code == 200
    browser(people["administrator"]).post(f"{HERE}{row.pk}/revoke/")
    assert ask(token).status_code == 404


def test_the_page_that_ends_one_says_what_that_hits(people: dict[str, Any], token: str):
    assert ask(token).status_code == 200
    row = RevealToken.objects.get()
    shown = words(browser(people["administrator"]).get(f"{HERE}{row.pk}/revoke/"))
    assert "1 read with it in the last hour." in shown
    assert all(one.name in shown for one in row.connections.all())
    assert RevealToken.objects.get().state == "active"
    assert browser(people["operator"]).get(f"{HERE}{row.pk}/revoke/").status_code == 403


@pytest.mark.parametrize("who", ["operator", "viewer", "stranger"])
def test_nobody_else_can_answer_for_one(people: dict[str, Any], row: Connection, who: str):
    with pytest.raises(services.Invalid, match="administrator"):
        token_for(people[who], row)


WRONG = {
    "no name": {"name": " "},
    "no connection": {"connections": []},
    "an unknown connection": {"connections": ["my-openai", "nothing"]},
    "a null character": {"connections": ["my\x00"]},
    "no end": {"expires_in_days": None},
    "too late an end": {"expires_in_days": 367},
    "an end before its start": {"expires_in_days": 0},
    "no network": {"networks": ["10.0.0.0/33"]},
    "a network with bits of a host": {"networks": ["10.0.0.1/8"]},
    "a name for a network": {"networks": ["example.com"]},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_makes_no_token(administrator, row: Connection, case: str):
    values = {"name": "flow", "connections": ["my-openai"], **WRONG[case]}
    with pytest.raises(services.Invalid):
        promptflow_services.create_reveal_token(
            values.pop("name"), user=administrator, actor=administrator, **values
        )
    assert not RevealToken.objects.exists()


def test_a_token_ends_after_ninety_days_unless_said_otherwise(token: str):
    left = RevealToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=89) < left <= timedelta(days=90)


def test_only_a_hash_is_stored(token: str):
    stored = json.dumps(list(RevealToken.objects.values()), default=str)
    assert token not in stored and token[11:] not in stored


@pytest.mark.server
def test_a_deleted_connection_is_read_no_more(administrator, row: Connection):
    other = connect("openai", name="Other")
    text = token_for(administrator, row, other)
    services.delete_connection(other, actor=None)
    assert [one["name"] for one in ask(text).json()] == ["My OpenAI"]


# Where a request comes from

SOURCES = [
    ("192.0.2.1", "", 0, "192.0.2.1"),
    ("192.0.2.1", "198.51.100.7", 0, "192.0.2.1"),
    ("192.0.2.1", "198.51.100.7", 1, "198.51.100.7"),
    ("192.0.2.1", "10.0.0.1, 198.51.100.7", 1, "198.51.100.7"),
    ("192.0.2.1", "10.0.0.1, 198.51.100.7, 203.0.113.5", 2, "198.51.100.7"),
    ("192.0.2.1", "", 1, "192.0.2.1"),
    ("192.0.2.1", "198.51.100.7", 3, "198.51.100.7"),
    ("192.0.2.1", "198.51.100.7:4711", 1, "198.51.100.7"),
    ("192.0.2.1", "[2001:db8::1]:4711", 1, "2001:db8::1"),
    ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
    ("192.0.2.1", "unknown", 1, ""),
    ("", "", 0, ""),
]


@pytest.mark.parametrize(("remote", "forwarded", "trusted", "expected"), SOURCES)
def test_only_what_our_own_proxies_wrote_is_believed(
    remote: str, forwarded: str, trusted: int, expected: str
):
    assert source_address(remote, forwarded, trusted) == expected


def test_an_unknown_address_is_in_no_network():
    assert is_within("", []) and not is_within("", ["0.0.0.0/0"])


def test_a_token_of_a_network_works_from_there_only(administrator, row: Connection):
    text = token_for(administrator, row, networks=["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"])
    inside = [
        ask(text, REMOTE_ADDR=one).status_code
        for one in ("192.0.2.77", "2001:db8::9", "198.51.100.7", "::ffff:192.0.2.1")
    ]
    outside = [
        ask(text, REMOTE_ADDR=one).status_code
        for one in ("192.0.3.1", "2001:db9::1", "198.51.100.8", "")
    ]
    assert (inside, outside) == ([200] * 4, [404] * 4)


def test_a_forwarded_address_is_believed_only_behind_proxies(
    administrator, row: Connection, settings
):
    text = token_for(administrator, row, networks=["192.0.2.0/24"])
    forged = {"REMOTE_ADDR": "203.0.113.5", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert ask(text, **forged).status_code == 404
    settings.TRUSTED_PROXIES = 1
    assert ask(text, **forged).status_code == 200


# Records


@pytest.mark.server
def test_a_read_is_recorded(token: str):
    ask(token, "connections/My%20OpenAI", REMOTE_ADDR="192.0.2.9")
    assert (last().token_name, last().asked, last().connections) == (
        "flow",
        "My OpenAI",
        ["my-openai"],
    )
    assert (last().address, last().outcome) == ("192.0.2.9", "read")
    assert RevealToken.objects.get().last_used_at


def test_a_list_names_what_it_handed_out(token: str):
    ask(token)
    assert (last().asked, last().connections, last().outcome) == ("", ["my-openai"], "read")


@pytest.mark.server
def test_nothing_is_handed_out_that_is_not_recorded(token: str, monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: Any, **values: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RevealRecord.objects, "create", broken)
    answer = ask(token, "connections/my-openai")
    assert answer.status_code == 500 and SECRET not in html(answer)


@pytest.mark.server
def test_records_outlive_their_token(token: str):
    ask(token)
    RevealToken.objects.all().delete()
    assert (last().token, last().token_name) == (None, "flow")


@pytest.mark.server
def test_the_page_of_reads_shows_them(administrator, token: str, refused: dict[str, str]):
    ask(token, "connections/My%20OpenAI", REMOTE_ADDR="192.0.2.9")
    ask(refused["unknown"])
    text = words(browser(administrator).get(f"{HERE}reads/"))
    assert "192.0.2.9 My OpenAI my-openai read" in text and "an unknown one" in text


def _aged(days: int) -> None:
    RevealRecord.objects.update(read_at=timezone.now() - timedelta(days=days))


@pytest.mark.server
def test_old_records_are_pruned(token: str, capsys):
    ask(token)
    _aged(500)
    ask(token)
    call_command("prune_reveals", "--dry-run")
    assert RevealRecord.objects.count() == 2
    call_command("prune_reveals")
    assert RevealRecord.objects.count() == 1
    assert "1 record of reads older than 400 days deleted." in capsys.readouterr().out


def test_nothing_is_pruned_for_a_number_that_makes_no_sense(db):
    with pytest.raises(CommandError, match="0 days"):
        call_command("prune_reveals", "--days", "0")


# The page and the command


def test_the_page_shows_the_line_to_set_once(administrator, row: Connection):
    client = browser(administrator)
    values = {
        "name": "nightly",
        "connections": "my-openai",
        "networks": "192.0.2.0/24\n198.51.100.7",
        "expires_in_days": "30",
    }
    made = words(client.post(HERE, values))
    text = made.split("PF_HTTP_CONNECTION_PROVIDER_ENDPOINT=http://testserver/promptflow/")[
        1
    ].split()[0]
    assert ask(text, REMOTE_ADDR="192.0.2.1").status_code == 200
    shown = html(client.get(HERE))
    assert text not in shown and text[:11] in shown
    assert "192.0.2.0/24, 198.51.100.7/32" in shown


def test_a_page_that_is_loaded_again_makes_no_second_token(administrator, row: Connection):
    client = browser(administrator)
    once = client.get(HERE).context["once"]
    values = {"name": "nightly", "connections": "my-openai", "once": once, "expires_in_days": "9"}
    assert client.post(HERE, values).status_code == 200
    assert client.post(HERE, values)["Location"] == HERE
    assert RevealToken.objects.count() == 1


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(administrator, row: Connection):
    answer = browser(administrator).post(
        HERE, {"name": "nightly", "networks": "example.com", "expires_in_days": "9999"}
    )
    assert value_of(answer, "name") == "nightly"
    assert all(
        text in words(answer)
        for text in (
            "Choose at least one connection.",
            "Not a network: example.com.",
            "1 to 366 days.",
        )
    )


def test_with_many_connections_aliases_are_typed(
    administrator, row: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.promptflow.views.MOST_TICKED", 1)
    client = browser(administrator)
    assert 'type="text" name="connections"' in html(client.get(HERE))
    client.post(HERE, {"name": "typed", "connections": " my-openai , ", "expires_in_days": "1"})
    assert [one.alias for one in RevealToken.objects.get().connections.all()] == ["my-openai"]


def test_the_command_prints_the_token_alone(administrator, row: Connection, capsys):
    call_command(
        "reveal_token",
        "create",
        "nightly",
        "--user",
        "ada",
        "--connection",
        "my-openai",
        "--network",
        "127.0.0.1",
    )
    text = capsys.readouterr().out.strip()
    assert ask(text).status_code == 200
    call_command("reveal_token", "list", "--output", "json")
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["connections"], listed["state"]) == (["my-openai"], "active")
    call_command("reveal_token", "revoke", text[:11])
    assert ask(text).status_code == 404


@pytest.mark.parametrize(
    "options", [["--user", "nobody"], ["--user", "olaf"], ["--user", "ada", "--expires", "0"]]
)
def test_the_command_refuses_with_a_message(
    administrator, operator, row: Connection, options: list[str]
):
    with pytest.raises(CommandError):
        call_command("reveal_token", "create", "nightly", "--connection", "my-openai", *options)


# Leaks


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Records as the console gets them."""
    from backoffice.logs import RedactSecrets

    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(RedactSecrets())
    return caplog


def test_neither_token_nor_secret_is_anywhere_but_in_the_answer(
    administrator, token: str, row: Connection, logged, refused
):
    texts = [token, *refused.values()]
    for text in texts:
        for path in (
            "connections",
            "connections/my-openai",
            f"connections/{text}",
            "",
            f"x/{text}/connections",
            f"connections/?t={text}",
        ):
            ask(text, path, HTTP_HOST="evil.example.com" if path == "" else "testserver")
    answers = [
        html(ask(token, path)) for path in (f"connections/{token[:20]}x", "connections/nothing")
    ]
    client = browser(administrator)
    pages = [
        html(client.get(path))
        for path in (HERE, f"{HERE}reads/", f"/connections/{row.pk}/", "/tokens/")
    ]
    rows = [
        json.dumps(list(model.objects.values()), default=str)
        for model in (RevealToken, RevealRecord)
    ]
    objects = [
        f"{one!r} {one} {vars(one)}"
        for model in (RevealToken, RevealRecord)
        for one in model.objects.all()
    ]
    found = "\n".join([logged.text, *answers, *pages, *rows, *objects])
    assert [one for one in (SECRET, *texts) if one in found] == []


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_shows_neither(
    token: str, settings, logged, monkeypatch: pytest.MonkeyPatch, debug: bool
):
    def crash(*arguments: Any) -> None:
        raise ZeroDivisionError("crashed here")

    settings.DEBUG = debug
    monkeypatch.setattr("connections.promptflow.services.reveal._Attempt.record", crash)
    answers = [ask(token, "connections"), ask(token, "connections/my-openai")]
    assert [one.status_code for one in answers] == [500, 500]
    found = logged.text + "".join(html(one) for one in answers)
    assert [one for one in (SECRET, token) if one in found] == []
    assert "/promptflow/***/connections" in logged.text


def test_what_was_revealed_prints_nothing(token: str):
    assert SECRET not in repr(promptflow_services.reveal_connections(token, address=""))


LINES = {
    "/promptflow/{}/connections/a": "/promptflow/***/connections/a",
    "/promptflow/{}?x={}": "/promptflow/***?x=sb***",
    "//promptflow//{}/connections": "//promptflow//***/connections",
    "/%70romptflow/{}/connections": "/promptflow/***/connections",
    "/promptflow%2F{}/connections": "/promptflow/***/connections",
    "/PromptFlow/{}": "/PromptFlow/***",
    "/prompt-flow/{}/connections": "/prompt-flow/sb***/connections",
    "/connections/": "/connections/",
}


@pytest.mark.parametrize("address", LINES)
def test_the_access_log_hides_the_token(address: str):
    from gunicorn.config import Config

    text = "sbr_" + "Ab-_9" * 8
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": address.replace("{}", text),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": address,
    }
    response = type("Response", (), {"status": 404, "sent": 0, "headers": []})()
    atoms = AccessLog(Config()).atoms(
        response, type("Request", (), {"headers": []})(), environ, timedelta()
    )
    assert atoms["r"] == f"GET {LINES[address]} HTTP/1.1"
