"""A store that stops, comes back and has a new key by then, as a person sees it in a browser. Run
by `make test-stores`, as stores.py is. Its server keeps an answer for FRESH seconds instead of
thirty (quick_conf.py).
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.connections.api import serving
from tests.databases import migrated
from tests.httpserver import Answer, HttpServer

from .stores import VALUE, OpenBao
from .stores import _no_token as _no_token

FRESH = 6.0  # seconds, in the server here
ROTATED, PASSWORD = "sk-after-the-rotation-77e0", "password-of-ada-51cd"
PREPARE = """
from django.contrib.auth.models import Group, User
from connections import services
ada = User.objects.create_user("ada", password={password!r})
ada.groups.add(Group.objects.get(name="Administrators"))
row = services.create_connection(
    "openai", actor=ada, name="Stored elsewhere", alias="stored-elsewhere",
    settings={{"api_key": "$OpenAI:ApiKey", "base_url": {url!r}}},
).row
print(row.pk)
"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    assert Path(program).exists(), f"{program} is not there. Run `make test-stores`."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(10_000)  # ms
        yield page
        browser.close()


def within(seconds: float, is_so: Callable[[], bool]) -> float:
    """The seconds until it is so."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < seconds, f"not within {seconds} seconds"
        time.sleep(0.5)
    return time.monotonic() - start


def test_a_store_stops_comes_back_and_has_another_key(page: Page, tmp_path: Path):
    models = Answer(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})
    bao = OpenBao(tmp_path / "bao")
    try:
        bao.put("OpenAI", ApiKey=VALUE)
        with HttpServer(default=models) as service:
            variables = serving.environment(
                migrated(tmp_path / "db.sqlite3"),
                CONNECTIONS_SOURCES=f"vault+http://127.0.0.1:{bao.port}/secret/team",
                VAULT_TOKEN="root",
                HOME=str(tmp_path),
                FRESH=str(FRESH),
            )
            code = PREPARE.format(password=PASSWORD, url=f"{service.url}/v1")
            (row,) = serving._prepare(variables, code)
            # the browser's idle connections count as unfinished when the server stops
            options = ("-cpython:tests.connections.sources.quick_conf", "--graceful-timeout=1")
            with serving.running(variables, tmp_path / "log", *options) as server:
                _play(page, server.url, row, bao, service)
            log = server.log.read_text()
    finally:
        bao.stop()
    assert "Traceback" not in log
    assert not any(one in log for one in (VALUE, ROTATED))


def _play(page: Page, url: str, row: str, bao: OpenBao, service: HttpServer) -> None:
    def used() -> str:
        """The key that a test by the button sends."""
        before = len(service.requests)
        page.goto(f"{url}/connections/{row}/")
        page.get_by_role("button", name="Test now").click()
        within(10, lambda: len(service.requests) > before)
        return service.requests[-1].values("authorization")[0].removeprefix("Bearer ")

    def references() -> Any:
        page.goto(f"{url}/references/")
        return page.get_by_role("main")

    page.goto(f"{url}/sign-in/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    assert used() == VALUE
    expect(references()).not_to_contain_text("does not answer since")

    bao.stop()
    stopped = time.monotonic()
    within(3 * FRESH, lambda: used() == VALUE and time.monotonic() > stopped + FRESH)
    expect(references()).to_contain_text("does not answer since")
    expect(page.get_by_role("main")).to_contain_text("Its last values are used for 10 minutes")

    bao._start()
    bao.put("OpenAI", ApiKey=ROTATED)
    within(FRESH, lambda: used() == ROTATED)
    bao.put("OpenAI", ApiKey=VALUE)  # rotated without any outage
    assert used() == ROTATED, "it is fresh"
    expect(references()).not_to_contain_text("does not answer since")
    within(FRESH + 2, lambda: used() == VALUE)
