"""What people and programs do with a server, by API, gateway and pages."""

import re
import threading
from collections import Counter
from types import TracebackType
from typing import Any

import httpx2

from tests.connections.api.serving import Server

PASSWORD = "password-of-ada-51cd"
PREPARE = f"""
from django.contrib.auth.models import Group, User
from connections import services
ada = User.objects.create_user("ada", password="{PASSWORD}")
ada.groups.add(*Group.objects.filter(name="Administrators"))
echo = services.create_connection("echo", actor=ada, name="Echo", alias="echo").row
for alias in ("answers", "others"):
    services.create_profile(
        echo, actor=ada, capability="Chat", name=alias, alias=alias, model="echo-1"
    )
print(services.create_token("all", user=ada, actor=ada, scopes=["admin"])[1])
"""
CHAT = {"model": "answers", "messages": [{"role": "user", "content": "Hello"}]}
GOOD = (200, 201, 204, 302)


class Program:
    """Asks a server with the token of an administrator."""

    def __init__(self, server: Server, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.Client(base_url=server.url, headers=headers, timeout=30)
        self.answered: list[str] = []
        self.refused: list[str] = []

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """An answer of the API."""
        return self.client.request(method, f"/api/v1{path}", json=body)

    def chat(self) -> int:
        """The status of a request to the gateway; the text is in `answered` or in `refused`."""
        answer = self.client.post("/v1/chat/completions", json=CHAT)
        (self.answered if answer.status_code == 200 else self.refused).append(answer.text)
        return int(answer.status_code)

    def switch(self, is_active: bool) -> int:
        """Switches the connection of all requests to the gateway on or off."""
        return int(self.ask("PATCH", "/connections/echo", {"isActive": is_active}).status_code)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What the server says about itself."""
        answer = self.client.get("/health/ready")
        return answer.status_code, answer.json()


def acts(program: Program, mark: str) -> dict[str, int]:
    """The statuses of what a program and a person do. `mark`: part of the names of rows."""
    done: dict[str, int] = {}

    def act(name: str, method: str, path: str, body: Any = None) -> Any:
        answer = program.ask(method, path, body)
        done[name] = answer.status_code
        return answer.json() if answer.content else {}

    alias = f"made-{mark}"
    key = {"apiKey": "sk-example-not-a-key"}
    new = {"alias": alias, "name": "Made", "providerId": "openai", "settings": key}
    made = act("create", "POST", "/connections", new)
    act("rename", "PATCH", f"/connections/{alias}", {"name": "Made again"})
    act("deactivate", "PATCH", f"/connections/{alias}", {"isActive": False})
    act("activate", "PATCH", f"/connections/{alias}", {"isActive": True})
    act("versions", "GET", f"/connections/{alias}/versions")
    profile = {"alias": alias, "name": "Made", "capability": "Chat", "connectionId": made.get("id")}
    profile["model"] = {"providerId": "openai", "modelId": "gpt-4o"}
    of_profile = act("create a profile", "POST", "/profiles", profile)
    act("rename a profile", "PATCH", f"/profiles/{alias}", {"name": "Made again"})
    default = {"defaultChatProfileId": of_profile.get("id"), "defaultEmbeddingProfileId": None}
    act("set a default", "PUT", "/settings", default)
    act("clear a default", "PUT", "/settings", default | {"defaultChatProfileId": None})
    act("delete a profile", "DELETE", f"/profiles/{alias}")
    act("delete", "DELETE", f"/connections/{alias}")
    token = act("make a token", "POST", "/tokens", {"name": mark, "scopes": ["gateway:use"]})
    act("revoke a token", "DELETE", f"/tokens/{token.get('id')}")
    act("test", "POST", "/connections/echo/test")
    act("events", "GET", "/audit-events")
    done["chat"] = program.chat()
    return done | _by_pages(program, mark)


def _by_pages(program: Program, mark: str) -> dict[str, int]:
    """What a browser does; `then` tells by the API what came of switching."""
    done: dict[str, int] = {}
    url = str(program.client.base_url)
    with httpx2.Client(base_url=url, timeout=30) as browser:

        def post(act: str, path: str, page: str, **fields: str) -> Any:
            text = browser.get(page).text
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
            data = {"csrfmiddlewaretoken": token[1] if token else "", **fields}
            answer = browser.post(path, data=data, headers={"Referer": f"{url}{page}"})
            done[f"page: {act}"] = answer.status_code
            return answer

        post("sign in", "/sign-in/", "/sign-in/", username="ada", password=PASSWORD)
        add, alias = "/connections/add/echo/", f"paged-{mark}"
        made = post("create", add, add, name="Paged", alias=alias, is_active="on")
        page = made.headers.get("Location", "/connections/").partition("?")[0]
        post(
            "edit", f"{page}edit/", f"{page}edit/", name="Paged again", is_active="on", version="1"
        )
        for name, wanted in (("deactivate", False), ("activate", True)):
            post(name, f"{page}toggle/", page, is_active=str(wanted).lower())
            is_active = program.ask("GET", f"/connections/{alias}").json().get("isActive")
            done[f"page: {name}, then"] = 200 if is_active is wanted else 0
        post("test", f"{page}test/", page)
        post("delete", f"{page}delete/", f"{page}delete/")
        for path in ("/", "/connections/", "/profiles/", "/tokens/", "/usage/", "/references/"):
            done[f"page: {path}"] = browser.get(path).status_code
    return done


class Load:
    """Programs that call the gateway and rename a connection, again and again, in the block."""

    def __init__(self, program: Program) -> None:
        self._program, self._ends = program, threading.Event()
        self.statuses: Counter[tuple[str, int]] = Counter()
        works = (self._call, self._write)
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in works]

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        for one in self._threads:
            one.join()

    def _run(self, work: Any) -> None:
        while not self._ends.wait(0.05):
            try:
                self.statuses[work.__name__, work()] += 1
            except httpx2.HTTPError:
                self.statuses[work.__name__, 0] += 1

    def _call(self) -> int:
        return self._program.chat()

    def _write(self) -> int:
        name = {"name": f"Others {sum(self.statuses.values())}"}
        return int(self._program.ask("PATCH", "/profiles/others", name).status_code)
