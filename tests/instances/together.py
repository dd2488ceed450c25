"""One installation on four instances, asked in turn, of which one is killed.

Run by `make test-instances`. The tests are in the order of a day: those behind the kill hold that
the others go on.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connections.schedule.services.planning import JITTER

from .scene import A_DAY, A_MINUTE, CHECKED, INSTANCES, TO_TEST, Browser, Scene, link, scene

CONFIRMED = 1.0  # seconds for which a worker trusts what it remembers, gateway/core/invalidation.py
PROFILE = "/profiles/add/chat/"
OF_QUIET = """
FROM connections_connectioncheck JOIN connections_connection c ON c.id = connection_id
WHERE c.alias = 'quiet'
"""
READING = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%connections_auditevent%' AND pid <> pg_backend_pid()
"""
CHECKS = f"SELECT count(*) {OF_QUIET}"
SECONDS = f"SELECT extract(epoch FROM max(checked_at) - min(checked_at)) {OF_QUIET}"


@pytest.fixture(scope="module")
def all_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("instances")) as found:
        yield found


@pytest.fixture(scope="module")
def ada(all_of: Scene) -> Browser:
    """The browser of an administrator who is signed in."""
    browser = Browser(all_of.url)
    assert browser.sign_in().status_code == 302
    return browser


def until(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """What it says as soon as that is true; else what it says in the end."""
    end = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_a_session_is_known_to_all(ada: Browser):
    answers = [ada.get(path) for path in ("/", "/connections/", "/profiles/", "/settings/")]
    assert [one.status_code for one in answers] == [200] * 4
    assert len(set(ada.instances[-4:])) == INSTANCES
    assert ada.instances[0] != ada.instances[1], "one gave the form, another took it"


def test_a_package_is_uploaded_to_one_and_imported_by_another(all_of: Scene, ada: Browser):
    row = all_of.api("GET", "/connections/many-0").json()["id"]
    package = ada.post("/packages/export/", f"/packages/export/?ids={row}", ids=row).content
    assert all_of.api("DELETE", "/connections/many-0").status_code == 204
    begun = len(ada.instances)
    upload = ("package.zip", package, "application/zip")
    plan = ada.post("/packages/import/", "/packages/import/", {"file": upload}).headers["Location"]
    shown = ada.get(plan)
    chosen = dict(
        re.findall(
            r'<select name="(item-[^"]*)".*?<option value="([^"]*)" selected>',
            shown.text,
            re.DOTALL,
        )
    )
    done = ada.post(plan, plan, action="apply", **chosen)
    assert done.status_code in (200, 302), done.text[:3000]
    found = until(lambda: all_of.api("GET", "/connections/many-0").status_code == 200)
    assert found, done.text[:3000]
    assert len(set(ada.instances[begun:])) == INSTANCES


def test_a_draft_that_one_keeps_another_shows(ada: Browser):
    page = ada.get(PROFILE)
    button = re.search(
        r'<button[^>]*name="add-here" value="(\w+)"[^>]*formaction="([^"]*)"', page.text
    )
    assert button
    begun = len(ada.instances)
    typed = {"name": "Typed before", "add-here": button[1], "connection": "", "model": ""}
    answer = ada.post(button[2].replace("&amp;", "&"), PROFILE, **typed)
    back = link(ada.get(answer.headers["Location"]), r'href="([^"]*)">Back without adding')
    shown = [ada.get(back) for _ in range(INSTANCES)]
    assert all('value="Typed before"' in one.text for one in shown)
    assert len(set(ada.instances[begun:])) == INSTANCES


def test_a_bulk_test_is_watched_and_cancelled_at_any_instance(ada: Browser):
    chosen = {"all": "match", "match": "tag=many", "seen": str(TO_TEST)}
    begun = ada.post("/connections/bulk/", "/connections/", action="test", **chosen)
    task = begun.headers["Location"]
    told = [until(lambda: progress(ada, task), 30) for _ in range(INSTANCES)]
    assert all(told) and told == sorted(told), "it does not go back"
    assert len(set(ada.instances[-INSTANCES:])) == INSTANCES
    ada.post(task, task, action="cancel")
    ended = until(lambda: "not tested: you cancelled it" in ada.get(task).text, 30)
    assert ended and "What is not tested" not in ada.get(task).text


def progress(browser: Browser, task: str) -> int:
    """How many connections are tested, as the page of a bulk test says."""
    return int(link(browser.get(task), r'<progress[^>]*value="(\d+)"'))


def test_what_is_set_for_all_is_told_by_all(all_of: Scene):
    profile = all_of.api("GET", "/profiles/fast").json()["id"]
    for default in (profile, None):
        body = {"defaultChatProfileId": default, "defaultEmbeddingProfileId": None}
        assert all_of.api("PUT", "/settings", body).status_code == 200
        told = [all_of.api("GET", "/settings", at=one.url).json() for one in all_of.alive]
        assert [one["defaultChatProfileId"] for one in told] == [default] * INSTANCES


def test_a_list_of_events_comes_from_the_replica_unless_one_has_just_acted(
    all_of: Scene, ada: Browser
):
    def read_there() -> int:
        assert "signed in" in ada.get("/audit/").text
        return int(all_of.cluster.query(all_of.cluster.standby, READING))

    ada.post("/settings/", "/settings/")
    assert read_there() == 0 and "wrote" in ada.client.cookies
    ada.client.cookies.delete("wrote")
    assert until(read_there, 30)


def test_what_is_switched_off_nobody_answers(all_of: Scene):
    assert [all_of.chat(at=one.url) for one in all_of.instances] == [200] * INSTANCES
    for _ in range(3):
        switched(all_of, False)
        time.sleep(CONFIRMED)
        assert [all_of.chat(at=one.url) for one in all_of.instances] == [409] * INSTANCES
        switched(all_of, True)
        on = until(lambda: {all_of.chat(at=one.url) for one in all_of.instances} == {200})
        assert on, "switched on again, it is refused"


def switched(all_of: Scene, is_active: bool) -> None:
    answer = all_of.api("PATCH", "/connections/fast", {"isActive": is_active})
    assert answer.status_code == 200


def test_a_limit_of_requests_is_exact_over_all(all_of: Scene):
    if time.time() % 60 > 48:  # the calls are to be in one minute
        time.sleep(61 - time.time() % 60)
    statuses = all_of.chats(4 * A_MINUTE, 32, "minute")
    assert (statuses.count(200), statuses.count(429)) == (A_MINUTE, 3 * A_MINUTE)


def test_a_limit_of_tokens_is_never_exceeded(all_of: Scene):
    statuses = [one for _ in range(3) for one in all_of.chats(64, 32, "day")]
    while (status := all_of.chat("day")) == 200:
        statuses.append(status)
    each = 10  # the stub's prompt and its word
    used = statuses.count(200) * each
    assert used <= A_DAY and {*statuses} == {200, 429}
    count = "SELECT sum(input_tokens + output_tokens) FROM gateway_usagerecord"
    recorded = until(lambda: all_of.query(f"{count} WHERE token_name = 'day'") == used)
    assert recorded


def test_what_is_answered_is_counted_once(all_of: Scene):
    all_of.chats(200, 16)
    path = "/analytics/usage-summary?from=2020-01-01&to=2100-01-01&profile=fast"

    def counted() -> int:
        return int(all_of.api("GET", path).json()["successCount"])

    until(lambda: counted() == all_of.answered)
    assert counted() == all_of.answered
    records = "SELECT count(*) FROM gateway_usagerecord WHERE profile_alias = 'fast'"
    assert all_of.query(f"{records} AND outcome = 'ok'") == all_of.answered


def test_one_instance_of_all_checks_what_is_due(all_of: Scene):
    assert until(all_of.holder)
    assert until(lambda: all_of.query(CHECKS) >= 4)
    most = float(all_of.query(SECONDS)) / (CHECKED * 60 * JITTER) + 2
    assert all_of.query(CHECKS) <= most


def test_a_killed_instance_fails_its_own_calls_alone(all_of: Scene):
    victim = until(all_of.holder)
    assert victim
    began: list[tuple[float, int]] = []

    def call(_: int) -> None:
        at = time.monotonic()
        began.append((at, all_of.chat(model="slow")))

    with ThreadPoolExecutor(16) as pool:
        calls = pool.map(call, range(160))
        time.sleep(1)
        all_of.kill(victim)
        killed = time.monotonic()
        list(calls)
    failed = [(at - killed, status) for at, status in began if status != 200]
    assert [one for one in failed if one[0] > 0] == [], "calls of others failed"
    assert len(failed) <= 16 and max(at for at, _ in began) > killed


def test_the_others_go_on(all_of: Scene, ada: Browser):
    assert {all_of.chat() for _ in range(12)} == {200}
    answers = [ada.get(path) for path in ("/", "/connections/", "/profiles/", "/usage/")]
    assert [one.status_code for one in answers] == [200] * 4
    assert ada.post("/settings/", "/settings/").status_code in (200, 302)


def test_another_instance_does_what_is_due(all_of: Scene):
    before = all_of.query(CHECKS)
    assert until(all_of.holder, 90), "nobody took the lease over"
    assert until(lambda: all_of.query(CHECKS) > before)


def test_no_instance_says_a_traceback(all_of: Scene):
    for one in all_of.instances:
        text = one.log.read_text(errors="replace")
        assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:5000]
