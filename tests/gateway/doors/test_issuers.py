"""Tokens of trusted issuers at the gateway."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.gateway.lines import closed, lines
from tests.gateway.serving import Gateway, eventually
from tests.httpserver import Answer
from tests.issuers import Issuer

from ..routing.test_never_stale import refused_everywhere
from ..routing.test_token_limits import in_one_minute


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as one:
        yield one


@pytest.mark.server
def test_usage_is_booked_on_the_service_account_and_the_rule(gate: Gateway, issuer: Issuer):
    name, profile = gate.name(), gate.profile()
    rule = gate.office.trust(issuer.url, name)
    answer = gate.chat(profile, issuer.token())
    assert answer.status_code == 200, answer.text
    row = gate.record(profile)
    assert row["user_name"] == f"{name} (service account)"
    assert (row["token_name"], row["token_id"]) == ("deploy", rule)


@pytest.mark.server
def test_limits_of_a_rule_hold_over_all_its_tokens(gate: Gateway, issuer: Issuer):
    gate.office.trust(issuer.url, gate.name(), requests_per_minute=3)
    profile = gate.known("words")
    in_one_minute()
    codes = [gate.chat(profile, issuer.token(jti=str(n))).status_code for n in range(5)]
    assert codes == [200] * 3 + [429] * 2


def test_a_rule_is_limited_to_its_profiles(gate: Gateway, issuer: Issuer):
    mine, other = gate.profile(), gate.profile()
    gate.office.trust(issuer.url, gate.name(), profiles=[mine])
    token = issuer.token()
    assert [gate.chat(one, token).status_code for one in (mine, other)] == [200, 404]


def test_why_it_is_refused_is_told_in_openais_shape(gate: Gateway, issuer: Issuer):
    gate.office.trust(issuer.url, gate.name())
    for claims, said in (
        ({"exp": int(time.time()) - 1000}, "It has expired (exp)."),
        ({"sub": "somebody"}, "No rule of this issuer fits its claims."),
        ({"iss": "https://elsewhere.example"}, "No issuer is trusted"),
    ):
        answer = gate.chat(gate.known("words"), issuer.token(**claims))
        told = answer.json()["error"]
        assert (answer.status_code, told["code"]) == (401, "invalid_token")
        assert said in told["message"]


@pytest.mark.server
def test_what_is_switched_off_is_refused_by_every_worker(gate: Gateway, issuer: Issuer):
    name, profile = gate.name(), gate.known("words")
    rule = gate.office.trust(issuer.url, name)
    held = lines(gate, issuer.token())
    there, account = gate.office, f"{name} (service account)"
    for switch, what in (
        (there.switch_rule, rule),
        (there.switch_issuer, name),
        (there.switch_user, account),
    ):
        eventually(lambda: all(line.chat(profile) == (200, "") for line in held))
        off = switch(what, on=False)
        refused_everywhere(held, off, lambda line: line.chat(profile), (401, "invalid_token"))
        switch(what, on=True)
    closed(held)


def test_a_slow_issuer_keeps_no_other_call_waiting(gate: Gateway, issuer: Issuer):
    name, profile = gate.name(), gate.known("words")
    gate.office.trust(issuer.url, name)
    published = issuer.server.answers[issuer.published_at]
    issuer.server.answers[issuer.published_at] = lambda request: replace(
        published(request), seconds=2
    )  # type: ignore[operator]
    answers = list[int]()
    calls = [
        threading.Thread(
            target=lambda: answers.append(gate.chat(profile, issuer.token()).status_code)
        )
        for _ in range(6)
    ]
    for call in calls:
        call.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert gate.chat(profile).status_code == 200
    assert time.monotonic() - began < 1.5
    for call in calls:
        call.join()
    # those of the worker that asks wait for it, the other one says when to come again
    assert set(answers) <= {200, 503} and 200 in answers
    assert issuer.fetched == 1


def test_a_new_key_of_the_issuer_is_taken(gate: Gateway, issuer: Issuer):
    name, profile = gate.name(), gate.known("words")
    gate.office.trust(issuer.url, name)
    assert gate.chat(profile, issuer.token()).status_code == 200
    issuer.rotate("second")
    gate.office.age_keys(name)
    assert gate.chat(profile, issuer.token()).status_code == 200
    unknown = issuer.token({"kid": "made-up"})
    assert [gate.chat(profile, unknown).status_code for _ in range(5)] == [401] * 5
    assert issuer.fetched == 2


def test_an_issuer_that_is_away_is_told_as_such(gate: Gateway, issuer: Issuer):
    gate.office.trust(issuer.url, gate.name())
    issuer.server.default = issuer.server.answers[issuer.published_at] = Answer(500)
    answer = gate.chat(gate.known("words"), issuer.token())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "issuer_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
