"""A real browser in front of the production server: gunicorn as `make run` starts it, with a
database of its own.

`open_page("operator")` gives a page of a signed-in person. Whatever page a test opens, it fails in
the end if the browser reported an error, a violation of the Content-Security-Policy or a request to
another host.
"""

import base64
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.databases import migrated
from tests.upstreams import Upstream

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MARK = secrets.token_hex(8)  # part of every secret here, so that one search finds any of them
GOOD_KEY, TYPED_KEY, WRONG_KEY = f"good-key-{MARK}", f"typed-key-{MARK}", f"wrong-key-{MARK}"
PASSWORD = f"password-{MARK}"
GROUPS = {
    "administrator": "Administrators",
    "operator": "Operators",
    "viewer": "Viewers",
    "stranger": None,
}
PREPARE = f"""
from django.contrib.auth.models import Group, User
for name, group in {GROUPS}.items():
    user = User.objects.create_user(name, password={PASSWORD!r}, is_staff=name == "administrator")
    user.groups.set(Group.objects.filter(name=group))
"""
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}

OpenPage = Callable[..., Page]
Rows = dict[str, list[tuple[Any, ...]]]  # by table
expect.set_options(timeout=10_000)


@dataclass
class Server:
    """The running server: its address, what it wrote, its database."""

    url: str
    log: Path
    database: Path
    gallery: tuple[dict[str, str], Rows] | None = None  # places, rows: once they are made

    def sqlite(self) -> sqlite3.Connection:
        """A connection beside the server's own."""
        return sqlite3.connect(self.database, timeout=20, isolation_level=None)

    def rows(self) -> Rows:
        """Every row of the tables of connections and of the gateway."""
        with closing(self.sqlite()) as database:
            names = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE "
                "'connections_%' OR name LIKE 'gateway_%')"
            ).fetchall()
            return {
                name: database.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names
            }

    def put(self, rows: Rows) -> None:
        """Replaces every row of the tables of connections and of the gateway."""
        with closing(self.sqlite()) as database:
            database.execute("BEGIN IMMEDIATE")
            for name in self.rows():
                database.execute(f'DELETE FROM "{name}"')
            for name, found in rows.items():
                if found:
                    places = ", ".join("?" * len(found[0]))
                    database.executemany(f'INSERT INTO "{name}" VALUES ({places})', found)
            database.execute("COMMIT")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The production server.

    In the end neither its log nor its database holds a secret, and the log no traceback.
    """
    place = tmp_path_factory.mktemp("server")
    server = Server(f"http://127.0.0.1:{_free_port()}", place / "log", place / "db.sqlite3")
    migrated(server.database)
    environment = _environment(server)
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", PREPARE],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "backoffice.asgi:application",
        "-k",
        "asgi",
        "-w",
        "2",
        "-b",
        server.url[7:],
    ]
    command += [
        "--no-control-socket",
        "--asgi-lifespan",
        "off",
        "--graceful-timeout",
        "1",
        "--access-logfile",
        "-",
        "--logger-class",
        "backoffice.access_log.AccessLog",
    ]
    with (
        server.log.open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
    _judge_what_is_left(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(server: Server) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONNECTIONS_", "OpenAI", "CACHE_URL"))
    }
    return inherited | {
        "DATABASE_URL": f"sqlite:///{server.database}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FERNET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "OpenAI__ApiKey": GOOD_KEY,
        "CONNECTIONS_TEST_RATE": "10000",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{server.url}/sign-in/", timeout=10).close()
        except OSError:  # also a timeout, on a machine that has much to do
            assert process.poll() is None, server.log.read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"The server did not start within 30 seconds:\n{server.log.read_text()}")


def _judge_what_is_left(server: Server) -> None:
    log = server.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]
    files = [server.log, *server.database.parent.glob("db.sqlite3*")]
    leaks = [file.name for file in files if MARK.encode() in file.read_bytes()]
    assert not leaks, f"a secret stands in clear in {leaks}"


# scope "package": while Playwright's sync API runs, Django takes every test of this process for
# asynchronous
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    assert Path(program).exists(), (
        f"{program} is not there. Run `make test`, or let CHROMIUM name a Chromium."
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in(browser: Browser, server: Server) -> dict[str, Any]:
    """Cookies of the people who have signed in, by name. Filled when somebody is first needed."""
    return {}


@dataclass
class Watch:
    """Notes what no page may do."""

    host: str
    found: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Watches every page of a context."""
        context.on("console", self.console)
        context.on(
            "weberror",
            lambda error: self.found.append(f"{error.page and error.page.url}: {error.error}"),
        )
        context.on("request", self.request)

    def console(self, message: ConsoleMessage) -> None:
        refused_page = (
            "the server responded with a status of 40" in message.text
        )  # a 404 page that a test asked for
        # htmx calls it an error when a newer request replaces one; a failure also says sendError
        if message.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            return
        if message.type in ("error", "warning") and not (
            refused_page and message.page and message.location["url"] == message.page.url
        ):
            self.found.append(f"{message.location['url']}: {message.text}")

    def request(self, request: Any) -> None:
        if not request.url.startswith((self.host, "blob:", "data:", "about:")):
            self.found.append(f"request to {request.url}")


@pytest.fixture
def watch(server: Server) -> Iterator[Watch]:
    """What the pages of this test did that no page may do; nothing, in the end."""
    watch = Watch(f"{server.url}/")
    yield watch
    assert watch.found == []


@pytest.fixture
def open_page(
    browser: Browser, server: Server, signed_in: dict[str, Any], watch: Watch
) -> Iterator[OpenPage]:
    """Opens a page for a person, each in a context of their own; None for nobody.

    Options are those of a context.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        person: str | None = "administrator", javascript: bool = True, **options: Any
    ) -> Page:
        if person and person not in signed_in:
            signed_in[person] = state_after_sign_in(browser, server, person)
        options = {
            "viewport": DESKTOP,
            "base_url": server.url,
            "java_script_enabled": javascript,
            **options,
        }
        contexts.append(
            context := browser.new_context(
                storage_state=signed_in[person] if person else None, **options
            )
        )
        context.set_default_timeout(10_000)
        watch.over(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def state_after_sign_in(browser: Browser, server: Server, person: str) -> Any:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    sign_in(page, person)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    """With JavaScript, and without."""
    return bool(request.param)


@pytest.fixture
def no_rows(server: Server) -> None:
    """No connections and no profiles."""
    server.put({})


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service that speaks OpenAI's protocol and accepts the good key and the typed one."""
    with Upstream(keys={GOOD_KEY, TYPED_KEY}) as upstream:
        yield upstream


# what people do


def sign_in(page: Page, person: str, password: str = PASSWORD) -> None:
    """Through the form, without a look at where it leads."""
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def fill_openai(page: Page, name: str, key: str, endpoint: str) -> None:
    """Fills the form of an OpenAI connection."""
    page.goto("/connections/add/openai/")
    page.get_by_label("Name", exact=False).first.fill(name)
    page.locator("[name=settings-api_key]").fill(key)
    page.locator("[name=settings-base_url]").fill(endpoint)


def press(page: Page, name: str) -> None:
    """Presses the button with exactly this name."""
    page.get_by_role("button", name=name, exact=True).click()


def act(page: Page, row: str, what: str) -> None:
    """Chooses something in the menu of the row with this name."""
    press(page, f"Actions: {row}")
    page.locator(".acts:popover-open > *").filter(has_text=re.compile(f"^{what}")).click()


def field_of(page: Page, name: str) -> Any:
    """The field around an input: its label, help and errors."""
    return page.locator(".field").filter(has=page.locator(f"[name={name}]"))


def shows_no_secret(page: Page) -> bool:
    """Whether neither the page's text nor what its inputs hold contains a key."""
    values = page.locator("input, textarea").evaluate_all(
        "inputs => inputs.map(input => input.value).join(' ')"
    )
    return MARK not in page.content() and MARK not in values


def submit(page: Page, path: str, **data: Any) -> str:
    """Posts a form past the browser, for what a test only needs to be there.

    Gives where it leads.
    """
    if not any(cookie["name"] == "csrftoken" for cookie in page.context.cookies()):
        page.request.get("/connections/")
    token = next(
        cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"
    )
    answer = page.request.post(path, form=data, headers={"X-CSRFToken": token}, max_redirects=0)
    assert answer.status == 302, (
        f"{path} answered {answer.status}: "
        f"{re.findall(r'errors.*?</ul>', answer.text(), re.DOTALL)}"
    )
    return str(answer.headers["location"])


def add_connection(page: Page, provider: str, name: str, **columns: Any) -> str:
    """Adds a connection past the browser; settings are named as in the schema.

    Gives the address of its page.
    """
    own = {key: columns.pop(key) for key in ("alias", "tags", "is_active") if key in columns}
    settings = {f"settings-{key}": value for key, value in columns.items()}
    return submit(
        page,
        f"/connections/add/{provider}/",
        **{"name": name, "is_active": "on", **own, **settings},
    )


def add_profile(
    page: Page, connection: str, name: str, model: str, capability: str = "chat", **settings: Any
) -> str:
    """Adds a profile past the browser. Gives the address of its page."""
    own = {key: settings.pop(key) for key in ("fallbacks",) if key in settings}
    extra = own | {f"settings-{key}": value for key, value in settings.items()}
    return submit(
        page,
        f"/profiles/add/{capability}/",
        name=name,
        connection=connection,
        model=model,
        is_active="on",
        **extra,
    )
