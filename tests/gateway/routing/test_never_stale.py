"""What is switched off or taken away is refused by every worker: on SQLite at the very next
request, on PostgreSQL within moments.

Changes are made in another process. The measured times are printed: pytest -s.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.lines import Line, closed, lines
from tests.gateway.office import KEY, Office
from tests.gateway.serving import Gateway, another_server
from tests.gateway.upstream import Upstream

pytestmark = pytest.mark.server

ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")
SOON = 1.0  # seconds; the goal is 0.1, and a machine that runs tests is busy
OK = (200, "")


@pytest.fixture
def held(gate: Gateway) -> Iterator[list[Line]]:
    """Kept connections to every worker, two to each."""
    found = lines(gate) + lines(gate)
    yield found
    closed(found)


def refused_everywhere(
    held: list[Line], at: float, ask: Callable[[Line], tuple[int, str]], expected: tuple[int, str]
) -> float:
    """Seconds after `at` until the last line got what is expected.

    On SQLite that is the first answer of each.
    """
    if not ON_POSTGRESQL:
        assert [ask(line) for line in held] == [expected] * len(held)
        return time.monotonic() - at
    left, last = list(held), at
    while left:
        began = time.monotonic()
        still = [line for line in left if ask(line) != expected]
        last, left = (began if still else last), still
        assert time.monotonic() - at < SOON, f"after {SOON} s it was still answered"
    return max(0.0, last - at)  # the last request that was answered as before began then


def report(what: str, *seconds: float) -> None:
    print(
        f"\nnever stale, {what}: median {statistics.median(seconds) * 1000:.1f} ms, most "
        f"{max(seconds) * 1000:.1f} ms of {len(seconds)}"
    )


def asking_without_pause(held: list[Line], profile: str, change: Callable[[], float]) -> float:
    """Seconds after the change at which the last request began that was answered all the same;
    every line asks all the time.
    """
    answered, under_way = [0.0] * len(held), threading.Barrier(len(held) + 1)

    def ask(place: int) -> None:
        assert held[place].chat(profile) == OK
        under_way.wait()
        until = time.monotonic() + 10
        while (began := time.monotonic()) < until:
            status, code = held[place].chat(profile)
            if status != 200:
                assert (status, code) == (409, "connection_inactive")
                return
            answered[place] = began
        answered[place] = until

    asking = [threading.Thread(target=ask, args=[place]) for place in range(len(held))]
    for one in asking:
        one.start()
    under_way.wait()
    at = change()
    for one in asking:
        one.join()
    return max(0.0, max(answered) - at)


def test_a_connection_that_is_switched_off_is_refused_by_every_worker(
    gate: Gateway, held: list[Line]
):
    connection = gate.connection()
    profile, taken = gate.profile(connection=connection), []
    for _ in range(10):
        taken.append(
            asking_without_pause(
                held, profile, lambda: gate.office.switch_connection(connection, False)
            )
        )
        at = gate.office.switch_connection(connection, True)
        refused_everywhere(held, at, lambda line: line.chat(profile), OK)
    report("connection switched off", *taken)
    assert max(taken) <= (SOON if ON_POSTGRESQL else 0)


def test_nothing_reaches_the_service_after_it_was_switched_off(gate: Gateway, held: list[Line]):
    connection, model = gate.connection(), "words?switched=off"
    profile = gate.profile(model, connection)
    assert [line.chat(profile) for line in held] == [OK] * len(held)
    at = gate.office.switch_connection(connection, False)
    for _ in range(5):
        [line.chat(profile) for line in held]
    late = [
        seen for seen in gate.upstream.of(model) if seen.at > at + (SOON if ON_POSTGRESQL else 0)
    ]
    assert late == []


def test_a_profile_that_is_switched_off_is_refused(gate: Gateway, held: list[Line]):
    profile = gate.profile()
    assert [line.chat(profile) for line in held] == [OK] * len(held)
    at = gate.office.switch_profile(profile, False)
    report(
        "profile switched off",
        refused_everywhere(held, at, lambda line: line.chat(profile), (409, "profile_inactive")),
    )


def test_a_profile_that_is_deleted_is_not_found(gate: Gateway, held: list[Line]):
    profile = gate.profile()
    assert [line.chat(profile) for line in held] == [OK] * len(held)
    at = gate.office.delete_profile(profile)
    refused_everywhere(held, at, lambda line: line.chat(profile), (404, "profile_not_found"))


def with_token(
    gate: Gateway, take_away: Callable[[Office, str, str], float], expected: tuple[int, str]
) -> float:
    """Seconds until a token that answered is refused everywhere."""
    name, profile = gate.name(), gate.known("words")
    gate.office.person(name)
    token = gate.office.token(user=name)
    held = lines(gate, token) + lines(gate, token)
    assert [line.chat(profile) for line in held] == [OK] * len(held)
    try:
        return refused_everywhere(
            held, take_away(gate.office, token, name), lambda line: line.chat(profile), expected
        )
    finally:
        closed(held)


TAKEN: dict[str, tuple[Callable[[Office, str, str], float], tuple[int, str]]] = {
    "token revoked": (lambda office, token, user: office.revoke(token), (401, "invalid_token")),
    "token expired": (lambda office, token, user: office.expire(token), (401, "invalid_token")),
    "user switched off": (
        lambda office, token, user: office.switch_user(user, False),
        (401, "invalid_token"),
    ),
    "user out of every group": (
        lambda office, token, user: office.leave_groups(user),
        (403, "permission_denied"),
    ),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_from_a_caller_is_gone(gate: Gateway, what: str):
    report(what, with_token(gate, *TAKEN[what]))


def key_used(line: Line, gate: Gateway, profile: str, model: str) -> tuple[int, str]:
    status, _ = line.chat(profile)
    return status, gate.upstream.of(model)[-1].headers["authorization"].removeprefix("Bearer ")


def test_an_edited_key_is_the_one_that_is_used(gate: Gateway, held: list[Line]):
    connection, model, other = gate.connection(), "words?edited=key", "sk-upstream-another-8a"
    profile = gate.profile(model, connection)
    assert [key_used(line, gate, profile, model) for line in held] == [(200, KEY)] * len(held)
    at = gate.office.change_connection(connection, api_key=other)
    report(
        "key edited",
        refused_everywhere(
            held, at, lambda line: key_used(line, gate, profile, model), (200, other)
        ),
    )


def test_an_edited_address_is_the_one_that_is_asked(gate: Gateway, held: list[Line]):
    connection, model = gate.connection(), "words?edited=address"
    profile = gate.profile(model, connection)
    assert [line.chat(profile) for line in held] == [OK] * len(held)
    with Upstream() as other:
        gate.office.change_connection(connection, base_url=other.url, api_key=KEY)
        if ON_POSTGRESQL:
            time.sleep(SOON)
        before = len(gate.upstream.of(model))
        assert [line.chat(profile) for line in held] == [OK] * len(held)
        assert (len(other.of(model)), len(gate.upstream.of(model))) == (len(held), before)


def test_a_request_in_flight_ends_as_it_began_and_the_next_is_refused(
    gate: Gateway, held: list[Line]
):
    connection = gate.connection()
    profile, answers = gate.profile("words?first=0.6", connection), []
    asking = [
        threading.Thread(target=lambda line=line: answers.append(line.chat(profile)))
        for line in held
    ]  # type: ignore[misc]
    for one in asking:
        one.start()
    time.sleep(0.2)
    at = gate.office.switch_connection(connection, False)
    for one in asking:
        one.join()
    assert answers == [OK] * len(held)
    refused_everywhere(held, at, lambda line: line.chat(profile), (409, "connection_inactive"))


def test_an_edit_in_flight_does_not_disturb_a_stream(gate: Gateway):
    connection = gate.connection()
    profile = gate.profile("words?chunks=10&delay=0.06", connection)
    texts: list[str] = []
    asking = threading.Thread(target=lambda: texts.append(gate.chat(profile, stream=True).text))
    asking.start()
    time.sleep(0.2)
    for number in range(3):
        gate.office.change_connection(connection, api_key=f"sk-upstream-edit-{number}")
        gate.chat(profile + "-nobody")  # whoever asks now makes a worker read anew
    asking.join()
    assert texts[0].endswith("data: [DONE]\n\n") and texts[0].count('"delta": {"role"') == 10


def test_a_new_profile_answers_at_once(gate: Gateway, held: list[Line]):
    connection, alias = gate.connection(), gate.name()
    assert {line.chat(alias) for line in held} == {(404, "profile_not_found")}
    gate.office.profile(alias, connection, "words")
    refused_everywhere(held, time.monotonic(), lambda line: line.chat(alias), OK)


def test_a_deactivation_reaches_a_server_on_another_host_too(gate: Gateway, tmp_path: Path):
    connection = gate.connection()
    profile = gate.profile(connection=connection)
    with another_server(gate, tmp_path / "log", "--graceful-timeout=1") as other:
        held = lines(gate) + lines(other)
        assert [line.chat(profile) for line in held] == [OK] * len(held)
        at = gate.office.switch_connection(connection, False)
        report(
            "on two hosts",
            refused_everywhere(
                held, at, lambda line: line.chat(profile), (409, "connection_inactive")
            ),
        )
        closed(held)


def test_a_default_that_changes_is_another_at_once(gate: Gateway, held: list[Line]):
    first, second = gate.profile(), gate.profile(connection=gate.connection())
    gate.office.switch_profile(second, False)
    refused_everywhere(
        held, gate.office.make_default("Chat", first), lambda line: line.chat(""), OK
    )
    at = gate.office.make_default("Chat", second)
    refused_everywhere(held, at, lambda line: line.chat(""), (409, "profile_inactive"))
    gate.office.make_default("Chat", None)


def test_a_secret_in_the_environment_is_read_again_with_every_change(
    gate: Gateway, tmp_path: Path, held: list[Any]
):
    secrets = tmp_path / "secrets"
    (secrets).mkdir()
    (secrets / "OpenAICompatible__ApiKey").write_text("sk-upstream-from-a-file-1")
    connection, model = gate.connection(api_key="$OpenAICompatible:ApiKey"), "words?key=file"
    profile = gate.profile(model, connection)
    with another_server(
        gate, tmp_path / "log", "--graceful-timeout=1", CONNECTIONS_SECRETS_DIR=str(secrets)
    ) as other:
        assert other.chat(profile).status_code == 200
        (secrets / "OpenAICompatible__ApiKey").write_text("sk-upstream-from-a-file-2")
        gate.office.change_connection(connection, timeout=59)
        time.sleep(SOON if ON_POSTGRESQL else 0)
        other.chat(profile)
    keys = [seen.headers["authorization"] for seen in gate.upstream.of(model)]
    assert keys == ["Bearer sk-upstream-from-a-file-1", "Bearer sk-upstream-from-a-file-2"]
