"""A profile that got another alias goes on answering to the one before, and who asks by that is
noted beside the usage.
"""

import time

import pytest

from tests.gateway.lines import closed, lines
from tests.gateway.serving import Gateway, eventually

pytestmark = pytest.mark.server


def renamed(gate: Gateway) -> tuple[str, str]:
    """The former alias of a new profile, and the one that it has now."""
    old, new = gate.profile("words"), gate.name()
    gate.office.rename(old, new)
    return old, new


def test_both_are_answered_and_recorded_as_the_profile(gate: Gateway):
    old, new = renamed(gate)
    for alias in (old, old.upper(), new):
        answer = gate.chat(alias)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-switchboard-profile"] == new
    assert len(gate.records(new, 3)) == 3
    assert gate.office.records(profile_alias=old) == []


def test_who_asks_by_the_former_one_is_noted(gate: Gateway):
    old, _ = renamed(gate)
    for _ in range(3):
        gate.chat(old)
    record = gate.record(gate.office.records()[-1]["profile_alias"])
    expected = f"{record['user_name']}, token {record['token_name']}"
    assert eventually(lambda: gate.office.alias_uses(old)) == [expected]


def test_whoever_asks_by_the_new_one_is_not(gate: Gateway):
    old, new = renamed(gate)
    gate.chat(new)
    gate.record(new)
    time.sleep(0.1)
    assert gate.office.alias_uses(old) == []


def test_it_is_refused_at_once_when_it_is_taken_away(gate: Gateway):
    old, new = renamed(gate)
    held = lines(gate)
    try:
        assert [line.chat(old) for line in held] == [(200, "")] * len(held)
        gate.office.take_away(old)
        gone = (404, "profile_not_found")
        eventually(lambda: [line.chat(old) for line in held] == [gone] * len(held), 2)
        assert held[0].chat(new) == (200, "")
    finally:
        closed(held)


def test_a_new_alias_is_answered_at_once(gate: Gateway):
    old, new = gate.profile("words"), gate.name()
    assert gate.chat(new).status_code == 404
    gate.office.rename(old, new)
    eventually(lambda: gate.chat(new).status_code == 200, 2)


def test_the_model_is_found_by_it_and_listed_by_the_one_it_has(gate: Gateway):
    old, new = renamed(gate)
    assert gate.get(f"/v1/models/{old}").json()["id"] == new
    listed = [one["id"] for one in gate.get("/v1/models").json()["data"]]
    assert new in listed and old not in listed


def test_a_token_for_the_profile_goes_on(gate: Gateway):
    profile = gate.profile("words")
    token, new = gate.office.token(profiles=[profile]), gate.name()
    gate.office.rename(profile, new)
    assert gate.chat(profile, token).status_code == gate.chat(new, token).status_code == 200
    assert gate.chat(gate.known("words"), token).status_code == 404
