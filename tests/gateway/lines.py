"""Kept connections to a running server, at least one to each of its workers."""

import http.client
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from bench.processes import served_by, tree

from .serving import HELLO, Gateway

TRIES = 64


class Line:
    """A kept connection, which is one worker's."""

    def __init__(self, gate: Gateway, token: str = "") -> None:
        self.port = int(urlsplit(gate.url).port or 0)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.headers = {
            "Authorization": f"Bearer {token or gate.token}",
            "Content-Type": "application/json",
        }
        self.connection.request("GET", "/health/live")
        self.connection.getresponse().read()
        self.pid = served_by(
            gate.server.process.pid, self.port, self.connection.sock.getsockname()[1]
        )

    def chat(self, profile: str, **fields: Any) -> tuple[int, str]:
        """Status, and the error's code or an empty text."""
        body = json.dumps({"model": profile, "messages": HELLO, **fields})
        self.connection.request("POST", "/v1/chat/completions", body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, "" if answer.status == 200 else json.loads(text)["error"]["code"]


def lines(gate: Gateway, token: str = "") -> list[Line]:
    """One line to each worker, and never fewer than two."""
    workers = set(tree(gate.server.process.pid)[1:])
    found: dict[int, Line] = {}
    for _ in range(TRIES):
        line = Line(gate, token)
        if line.pid in workers:
            found.setdefault(line.pid, line)
        if found.keys() == workers:
            return list(found.values())
    raise AssertionError(f"{TRIES} connections reached {len(found)} of {len(workers)} workers.")


def closed(held: list[Line]) -> None:
    """Ends them."""
    for line in held:
        with suppress(OSError):
            line.connection.close()
