"""A key that was just replaced: a service that refuses it is asked with the one before, in the
same request, and the connection goes back.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.office import KEY
from tests.gateway.serving import Gateway

pytestmark = pytest.mark.server
NEXT = "sk-next-upstream-09c2d4"


def replaced(gate: Gateway, taken: str) -> tuple[str, str, str]:
    """A connection whose key was just replaced, a profile of it, and the profile's model. `taken`:
    the keys that the service takes from now on.
    """
    connection, model = gate.connection(), gate.name()
    profile = gate.profile(model, connection)
    gate.upstream.behave[model] = f"keys?taken={KEY},{NEXT}"
    assert gate.chat(profile).status_code == 200
    gate.office.replace_key(connection, NEXT)
    gate.upstream.behave[model] = f"keys?taken={taken}"
    return connection, profile, model


def keys_asked(gate: Gateway, model: str) -> list[str]:
    return [one.headers["authorization"].removeprefix("Bearer ") for one in gate.upstream.of(model)]


def test_a_new_key_is_used_at_once(gate: Gateway):
    connection, profile, model = replaced(gate, NEXT)
    assert [gate.chat(profile).status_code for _ in range(4)] == [200] * 4
    assert keys_asked(gate, model) == [KEY, *[NEXT] * 4]
    assert gate.office.replacement(connection)["state"] == "watching"


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
def test_a_refused_new_key_is_gone_back_from_within_one_request(gate: Gateway, fields):
    connection, profile, model = replaced(gate, KEY)
    assert gate.chat(profile, **fields).status_code == 200
    assert gate.office.replacement(connection)["state"] == "gone_back"
    assert gate.chat(profile).status_code == 200
    assert keys_asked(gate, model) == [KEY, NEXT, KEY, KEY]


@pytest.mark.parametrize("how", ["403&reason=no_access", "403", "400"])
def test_whatever_names_the_key_is_a_refusal(gate: Gateway, how):
    connection, profile, _ = replaced(gate, f"{KEY}&status={how}")
    assert gate.chat(profile).status_code == 200
    assert gate.office.replacement(connection)["state"] == "gone_back"


def test_what_neither_key_may_do_says_nothing_about_the_keys(gate: Gateway):
    connection, profile, _ = replaced(gate, "&status=403&reason=no_access")
    assert gate.chat(profile).status_code == 502
    found = gate.office.replacement(connection)
    assert (found["state"], found["said"]) == ("watching", "")


def test_many_requests_at_once_go_back_once_and_none_fails(gate: Gateway):
    connection, profile, _ = replaced(gate, KEY)
    ready = threading.Barrier(12)

    def ask(_number: int) -> int:
        ready.wait()
        return gate.chat(profile).status_code

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(12))) == [200] * 12
    found = gate.office.replacement(connection)
    assert (found["state"], found["version"]) == ("gone_back", 3)


def test_where_both_are_refused_it_says_so_and_stays(gate: Gateway):
    connection, profile, model = replaced(gate, "")
    assert [gate.chat(profile).status_code for _ in range(3)] == [502] * 3
    found = gate.office.replacement(connection)
    assert (found["state"], found["version"]) == ("watching", 2)
    assert "and the one before" in found["said"]
    assert keys_asked(gate, model) == [KEY, NEXT, KEY, NEXT, NEXT]


def test_an_outage_is_not_gone_back_from(gate: Gateway):
    connection, profile, model = replaced(gate, NEXT)
    gate.upstream.behave[model] = "status?code=500"
    assert gate.chat(profile).status_code == 502
    assert gate.office.replacement(connection)["state"] == "watching"
