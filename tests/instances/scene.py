"""Four instances behind HAProxy, which gives each request to the next one, on PgBouncer in
transaction mode, PostgreSQL and Redis; and a browser and a program that ask them.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from bench.cluster import Cluster, cluster
from bench.processes import Running, free_port, kill, tree
from bench.upstream import upstream
from tests.connections.api.serving import MIGRATE, ROOT, Server, environment, running

INSTANCES = 4
PASSWORD = "password-of-ada-51cd"
A_MINUTE, A_DAY = 40, 600  # limits of tokens: requests, and tokens of services
SLOW = 0.3  # seconds that the slow stub takes
CHECKED = 0.1  # minutes between two checks of a connection
TO_TEST = 60  # connections of the slow stub
PREPARE = f"""
from django.contrib.auth.models import Group, User
from bench.rows import SECRET, serve_from
from connections import services
ada = User.objects.create_user("ada", password="{PASSWORD}")
ada.groups.add(Group.objects.get(name="Administrators"))
services.create_connection("echo", actor=None, name="Quiet", alias="quiet")
serve_from(FAST, "fast")
serve_from(SLOW, "slow")
settings = {{"base_url": "http://127.0.0.1:SLOW/v1", "api_key": SECRET}}
for number in range({TO_TEST}):
    services.create_connection(
        "openai-compatible", actor=None, name=f"Many {{number}}", alias=f"many-{{number}}",
        settings=settings, tags=["many"], is_checked=False,
    )
limits = {{"requests_per_minute": {A_MINUTE}}}, {{"tokens_per_day": {A_DAY}}}
for name, more in zip(("free", "minute", "day"), ({{}}, *limits)):
    of_gateway = {{"scopes": ["gateway:use"], **more}}
    print(name, services.create_token(name, user=ada, actor=None, **of_gateway)[1])
print("admin", services.create_token("admin", user=ada, actor=None, scopes=["admin"])[1])
"""
CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}


class Browser:
    """A person's browser. `instances`: who answered, one after the other."""

    def __init__(self, url: str) -> None:
        self.client = httpx2.Client(base_url=url, timeout=60)
        self.instances: list[str] = []

    def get(self, path: str) -> Any:
        """An answer, without going where it leads."""
        return self._noted(self.client.get(path))

    def post(self, path: str, page: str, files: Any = None, **entries: Any) -> Any:
        """Fetches the page and posts a form of it, with the token against forgery that is in it."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(page).text)
        assert found, f"{page} has no form"
        data = {"csrfmiddlewaretoken": found[1], **entries}
        origin = {"Referer": f"{self.client.base_url}{page}"}
        return self._noted(self.client.post(path, data=data, files=files, headers=origin))

    def sign_in(self) -> Any:
        """Signs Ada in."""
        return self.post("/sign-in/", "/sign-in/", username="ada", password=PASSWORD)

    def _noted(self, answer: Any) -> Any:
        self.instances.append(answer.headers["X-Instance"])
        return answer


def link(answer: Any, pattern: str) -> str:
    """What the pattern's group finds in a page."""
    found = re.search(pattern, answer.text)
    assert found, answer.text[:3000]
    return unescape(found[1])


@dataclass
class Scene:
    """What is asked. `answered`: calls of the fast stub that were answered with 200."""

    cluster: Cluster
    instances: list[Server]
    fast: Running
    tokens: dict[str, str]
    answered: int = 0
    killed: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self.cluster.proxy}"

    @property
    def alive(self) -> list[Server]:
        """The instances that were not killed."""
        return [one for one in self.instances if one not in self.killed]

    def api(self, method: str, path: str, body: Any = None, at: str = "") -> Any:
        """An answer of the API, by the proxy or by the instance at an address."""
        headers = {"Authorization": f"Bearer {self.tokens['admin']}"}
        url = f"{at or self.url}/api/v1{path}"
        return httpx2.request(method, url, json=body, headers=headers, timeout=60)

    def chat(self, token: str = "free", at: str = "", model: str = "fast") -> int:
        """The status of a call of the gateway, by the proxy or by an instance; 0 for none."""
        headers = {"Authorization": f"Bearer {self.tokens[token]}"}
        url = f"{at or self.url}/v1/chat/completions"
        try:
            answer = httpx2.post(url, json=CHAT | {"model": model}, headers=headers, timeout=60)
        except httpx2.HTTPError:
            return 0
        self.answered += answer.status_code == 200 and model == "fast"
        return int(answer.status_code)

    def chats(self, number: int, callers: int, token: str = "free") -> list[int]:
        """The statuses of so many calls by callers that call at once."""
        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(lambda _: self.chat(token), range(number)))

    def query(self, statement: str) -> Any:
        """The first value that PostgreSQL answers."""
        return self.cluster.query(self.cluster.primary, statement)

    def holder(self) -> Server | None:
        """The instance that runs what is due."""
        name = self.query("SELECT holder FROM connections_schedulelease") or ""
        pid = int(name.split(":")[1]) if name else 0
        return next((one for one in self.alive if pid in tree(one.process.pid)), None)

    def kill(self, instance: Server) -> None:
        """Ends all processes of an instance at once."""
        self.killed.append(instance)
        kill(instance.process.pid)


@contextmanager
def scene(place: Path) -> Iterator[Scene]:
    """The scene, until the block ends. The logs of its instances are in `place`."""
    ports = [free_port() for _ in range(INSTANCES)]
    with ExitStack() as stack:
        fast = stack.enter_context(upstream("--chunks", "1"))
        slow = stack.enter_context(upstream("--chunks", "1", "--first-byte", str(SLOW)))
        servers = stack.enter_context(cluster(ports))
        variables = environment("", **servers.environment) | {
            "CONNECTIONS_CHECK_MINUTES": str(CHECKED),
            "CONNECTIONS_CHECKS_AT_ONCE": "2",
            "DATABASE_POOL_SIZE": "4",
            "RUN_DUE": "true",
        }
        code = PREPARE.replace("FAST", str(fast.port)).replace("SLOW", str(slow.port))
        tokens = _prepared(variables, MIGRATE + code)

        def started(port: int) -> Server:
            log = place / f"{port}.log"
            return stack.enter_context(running(variables, log, "--graceful-timeout=1", port=port))

        with ThreadPoolExecutor() as pool:
            instances = list(pool.map(started, ports))
        yield Scene(servers, instances, fast, tokens)
        for one in instances:  # all at once
            one.process.terminate()


def _prepared(variables: dict[str, str], code: str) -> dict[str, str]:
    """Runs this in Django's shell, past the pooler. Gives the tokens that it prints."""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    direct = variables | {"DATABASE_URL": variables["DATABASE_DIRECT_URL"]}
    done = subprocess.run(command, cwd=ROOT, env=direct, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    return dict(line.split() for line in done.stdout.splitlines())
