"""One secret is saved through the API, and sent to wrong places; then every answer and every log
line is searched for it.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from connections.models import Connection
from providers.core.errors import ProviderError
from tests.fakes import fake_provider, profile_of
from tests.test_leaks import of_answer
from tests.upstreams import Upstream

from .calls import MERGE, Api, token_of

pytestmark = pytest.mark.django_db
SAVED, REFERENCED, SENT = (
    "sk-Saved_4b8d1f7730QQ",
    "sk-Referenced_92c6e05a1d",
    "sk-Sent_5d20f9e8c3ZZ",
)
SECRETS = (SAVED, REFERENCED, SENT)
ONE = "/connections/literal"
Found = Iterator[tuple[str, str]]


def leaks(text: str) -> list[str]:
    """The secrets in a text, also by a part that would be enough to recognise them."""
    return [secret for secret in SECRETS if secret in text or secret[3:] in text]


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every log record, also of loggers that are set to be quieter."""
    caplog.set_level(logging.DEBUG)
    for name in logging.root.manager.loggerDict:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def upstream(settings: Any) -> Iterator[Upstream]:
    settings.CONNECTIONS_CONFIG = {"OpenAI": {"ApiKey": REFERENCED}}
    with Upstream(keys={SAVED, REFERENCED}) as made:
        yield made


@pytest.fixture
def stage(api: Api, upstream: Upstream) -> Api:
    """A caller, a connection with a key and one with a reference, both made through the API."""
    for alias, key in (("literal", SAVED), ("reference", "$OpenAI:ApiKey")):
        body = {
            "alias": alias,
            "name": alias,
            "providerId": "openai",
            "settings": {"apiKey": key, "baseUrl": upstream.url},
        }
        response = api.post("/connections", body)
        assert response.status_code == 201 and leaks(of_answer("create", response)[1]) == []
    return api


def reads(api: Api) -> Found:
    profile_of(Connection.objects.get(alias="literal"), name="Answers")
    ends = ("", "/exists", "/models", "/references", "/usages")
    paths = [f"/connections/{alias}{end}" for alias in ("literal", "reference") for end in ends]
    paths += [
        "/connections",
        "/connections/capabilities",
        "/connections/capabilities/Chat",
        "/profiles",
        "/profiles/answers",
    ]
    for path in [
        *paths,
        "/providers",
        "/providers/openai",
        "/settings",
        "/schema",
        "/docs",
        "/nothing",
    ]:
        yield of_answer(path, api.get(path, accept="*/*"))
        yield of_answer(f"HEAD {path}", api("HEAD", path))
        yield of_answer(f"by nobody: {path}", Client().get(f"/api/v1{path}"))


def changes(api: Api) -> Found:
    shown = api.read(ONE)
    yield of_answer("put", api.put(ONE, shown))
    yield of_answer(
        "put another", api.put(ONE, {**shown, "settings": {**shown["settings"], "apiKey": SENT}})
    )
    yield of_answer("patch", api.patch(ONE, {"settings": {"apiKey": SAVED}}))
    yield of_answer("stale", api.patch(ONE, {"settings": {"apiKey": SENT}}, if_match='"99"'))
    yield of_answer(
        "moved", api.patch(ONE, {"settings": {"baseUrl": "https://elsewhere.example.com"}})
    )
    yield of_answer("masked", api.patch(ONE, {"settings": {"apiKey": SENT + "***"}}))
    yield of_answer("delete", api.delete(ONE))


def trials(api: Api) -> Found:
    for alias in ("literal", "reference"):
        yield of_answer(f"test {alias}", api.post(f"/connections/{alias}/test"))
        yield of_answer(
            f"test changed {alias}",
            api.post(
                "/connections/test", {"id": alias, "settings": {"apiKey": SENT, "project": "p"}}
            ),
        )
        yield of_answer(f"models {alias}", api.get(f"/connections/{alias}/models?refresh=true"))


def trials_that_fail(api: Api) -> Found:
    url = Connection.objects.get(alias="literal").settings["base_url"]
    with Upstream(keys={"nothing"}) as service:
        for mode in (
            "good",
            "401",
            "403",
            "429",
            "500",
            "html",
            "json_rows",
            "close",
            "redirect_loop",
        ):
            service.mode = mode
            settings = {"apiKey": SENT, "baseUrl": service.url}
            yield of_answer(
                mode, api.post("/connections/test", {"providerId": "openai", "settings": settings})
            )
            api.patch(ONE, {"settings": {"apiKey": SENT, "baseUrl": service.url}})
            yield of_answer(f"saved, {mode}", api.post(f"{ONE}/test"))
            yield of_answer(f"models, {mode}", api.get(f"{ONE}/models?refresh=true"))
    assert url != service.url


def without_the_key(api: Api) -> Found:
    with override_settings(FERNET_KEYS=["another-key-for-tests-only-0123456789abcdef"]):
        yield from reads(api)


NEW = {"alias": "wrong", "name": "Wrong", "providerId": "openai", "settings": {"apiKey": SENT}}
WRONG_PLACES: dict[str, Any] = {
    "alias": {"alias": SENT},
    "a list as alias": {"alias": [SENT]},
    "name": {"name": [SENT], "alias": "A"},
    "name that is too long": {"name": SENT * 20},
    "tag": {"tags": [SENT + ",", SENT * 9]},
    "tags": {"tags": SENT},
    "state": {"isActive": SENT},
    "provider": {"providerId": SENT},
    "unknown field": {SENT: 1},
    "unknown field's value": {"apiKey": SENT},
    "unknown setting": {"settings": {"apiKey": SENT, SENT: 1}},
    "unknown setting's value": {"settings": {"api_key": SENT}},
    "settings": {"settings": SENT},
    "list of settings": {"settings": [SENT]},
    "number": {"settings": {"apiKey": SENT, "timeout": SENT}},
    "address": {"settings": {"apiKey": SENT, "baseUrl": SENT}},
    "address's password": {
        "settings": {"apiKey": SENT, "baseUrl": f"https://me:{SENT}@api.example.com"}
    },
    "address's query": {
        "settings": {"apiKey": SENT, "baseUrl": f"https://api.example.com?key={SENT}"}
    },
    "two lines": {"settings": {"apiKey": f"{SENT}\n{SENT}"}},
    "not ASCII": {"settings": {"apiKey": f"{SENT}é"}},
    "list as key": {"settings": {"apiKey": [SENT]}},
    "object as key": {"settings": {"apiKey": {SENT: SENT}}},
    "text with a line break": {"settings": {"apiKey": SENT, "organization": f"{SENT}\n"[::-1]}},
}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "test"])
def test_an_error_repeats_no_secret_that_was_sent_to_a_wrong_place(
    stage: Api, records: Any, method: str
):
    for place, wrong in WRONG_PLACES.items():
        body = NEW | wrong if method == "POST" else {"name": "Literal"} | wrong
        if method == "test":
            body = {
                name: value
                for name, value in (NEW | wrong).items()
                if name not in ("alias", "name") or name in wrong
            }
            response = stage.post("/connections/test", body)
        else:
            response = stage(method, "/connections" if method == "POST" else ONE, body)
        if response.status_code >= 400:
            assert (place, leaks(of_answer("error", response)[1])) == (place, [])
        assert (place, leaks(records.text)) == (place, [])


NEW_PROFILE = {
    "alias": "wrong",
    "name": "Wrong",
    "capability": "Chat",
    "model": {"providerId": "openai", "modelId": "m"},
}
WRONG_IN_PROFILES: dict[str, Any] = {
    "capability": {"capability": SENT},
    "connection": {"connectionId": SENT},
    "provider": {"model": {"providerId": SENT, "modelId": "m"}},
    "unknown in the model": {"model": {"providerId": "openai", "modelId": "m", SENT: 1}},
    "model": {"model": SENT},
    "kind of settings": {"settings": {"$type": SENT}},
    "setting": {"settings": {"temperature": SENT}},
    "unknown setting": {"settings": {SENT: SENT}},
    "prompt": {"settings": {"systemPromptTemplate": "{" + SENT + "}"}},
    "number as a text": {"settings": {"maxTokens": {SENT: SENT}}},
}


@pytest.mark.parametrize("wrong", WRONG_IN_PROFILES.values(), ids=list(WRONG_IN_PROFILES))
def test_an_error_of_a_profile_repeats_no_secret(stage: Api, records: Any, wrong: Any):
    row = Connection.objects.get(alias="literal")
    response = stage.post("/profiles", NEW_PROFILE | {"connectionId": str(row.pk)} | wrong)
    assert response.status_code == 400 and leaks(of_answer("error", response)[1]) == [] == leaks(
        records.text
    )


def test_an_error_of_a_query_or_of_defaults_repeats_no_secret(stage: Api, records: Any):
    names = ("skip", "take", "isActive", "capability", "orderBy", "orderDirection")
    answers = [stage.get(f"/connections?{name}={SENT}") for name in names]
    answers += [
        stage.get(f"{ONE}/exists?excludeId={SENT}"),
        stage.put("/settings", {"defaultChatProfileId": SENT}),
    ]
    bodies = [
        {name: value for name, value in one.json().items() if name != "instance"} for one in answers
    ]
    assert {one.status_code for one in answers} == {400} and leaks(str(bodies)) == [] == leaks(
        records.text
    )


@pytest.mark.parametrize(
    "body",
    [
        *(
            f'{{"settings": {{"apiKey": "{SENT}"',
            f'{{"apiKey": {SENT}}}',
            SENT,
            f"apiKey={SENT}",
            f'"{SENT}"',
            f'["{SENT}"]',
        ),
        *(f'{{"{SENT}": 1, "{SENT}": 2}}', f'{{"name": "{SENT}\\ud800"}}'),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", MERGE, "text/plain"])
def test_a_malformed_body_is_not_repeated(stage: Api, records: Any, body: str, content_type: str):
    for method, path in (
        ("POST", "/connections"),
        ("PATCH", ONE),
        ("PUT", ONE),
        ("POST", "/connections/test"),
    ):
        response = stage(method, path, body, content_type)
        assert 400 <= response.status_code < 500 and leaks(of_answer(path, response)[1]) == []
    assert leaks(records.text) == []


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {SENT}",
        f"Bearer {SENT} {SENT}",
        f"Basic {SENT}",
        SENT,
        f"Bearer sb_{SENT}",
        f"Token {SENT}",
    ],
)
def test_a_wrong_token_is_not_repeated(stage: Api, records: Any, header: str):
    for path in ("/connections", "/nothing", "/connections/literal/models"):
        assert (
            leaks(
                of_answer(path, Client().get(f"/api/v1{path}", headers={"authorization": header}))[
                    1
                ]
            )
            == []
        )
    assert leaks(records.text) == []


def test_a_good_token_is_not_repeated(stage: Api, records: Any):
    answers = [
        of_answer(path, stage.get(path))[1]
        for path in ("/connections", "/nothing", "/connections/nothing", "/connections?take=x")
    ]
    assert stage.token[11:] not in "".join(answers) + records.text


SURFACES: list[Callable[[Api], Found]] = [reads, changes, trials, trials_that_fail, without_the_key]


@pytest.mark.parametrize("look", SURFACES, ids=lambda look: look.__name__.replace("_", " "))
def test_no_answer_and_no_log_line_has_a_secret(
    stage: Api, records: Any, look: Callable[[Api], Found]
):
    found = list(look(stage))
    assert found and [(where, leaks(text)) for where, text in found if leaks(text)] == []
    assert leaks(records.text) == []


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_has_no_secret(
    stage: Api, records: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
):
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    settings.DEBUG = debug
    monkeypatch.setattr("connections.services.drafts.validate_settings", broken)
    monkeypatch.setattr("connections.services.checks.validate_settings", broken)
    for method, path in (("POST", "/connections"), ("PATCH", ONE), ("PUT", ONE)):
        response = stage(
            method, path, NEW if method == "POST" else {"name": "N", "settings": {"apiKey": SENT}}
        )
        assert response.status_code == 500 and leaks(of_answer(path, response)[1]) == []
    assert leaks(records.text) == []


def test_the_message_of_a_provider_is_all_that_is_shown_of_its_fault(administrator: Any):
    with fake_provider(answer=ProviderError("It refuses the key.", "unauthorized", True)):
        api = Api(token_of(administrator))
        found = api.post(
            "/connections/test", {"providerId": "fake", "settings": {"apiKey": SENT}}
        ).json()
    assert found["errorMessage"] == "It refuses the key."


def test_the_search_would_find_a_secret():
    assert leaks(f"x{SAVED}y") == [SAVED] and leaks(SENT[3:]) == [SENT] and leaks("sk-***") == []
