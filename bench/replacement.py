"""Keys replaced under load: `python -m bench.replacement`, on the database that DATABASE_URL names.

A hundred requests a second go through the gateway with two workers, to a service that takes the old
key and the new one, and some moments after each replacement the new one alone. Then new keys are
replaced that the service refuses at once. What is printed should be: no request failed, and each
connection went back with the first request that was refused.
"""

import http.client
import json
import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .api import server
from .load import body
from .upstream import plain

REPLACEMENTS, RATE, HANDS = 10, 100, 24
BETWEEN = float(os.environ.get("BENCH_SECONDS", "2"))
MODELS = b'{"object": "list", "data": []}'
TAKEN: set[str] = set()
ASKED: list[str] = []


class Service(BaseHTTPRequestHandler):
    """Answers whoever comes with a key of TAKEN."""

    protocol_version = "HTTP/1.1"
    answer = plain(20).partition(b"\r\n\r\n")[2]

    def do_GET(self) -> None:
        """The list of models."""
        self.respond(MODELS)

    def do_POST(self) -> None:
        """A completion."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(self.answer)

    def respond(self, content: bytes) -> None:
        """This content, or a refusal."""
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        ASKED.append(key)
        is_taken = key in TAKEN
        content = (
            content if is_taken else b'{"error": {"message": "no", "code": "invalid_api_key"}}'
        )
        self.send_response(200 if is_taken else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


def prepare(port: int) -> tuple[str, Any]:
    """A connection to the service with a profile. Returns a token and the connection."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from connections import services

    call_command("migrate", verbosity=0)
    TAKEN.add("sk-bench-key-0")
    settings = {"base_url": f"http://127.0.0.1:{port}/v1", "api_key": "sk-bench-key-0"}
    number = time.time_ns()
    made = services.create_connection(
        "openai-compatible", actor=None, name=f"Replaced {number}", settings=settings
    ).row
    services.create_profile(
        made, actor=None, capability="Chat", name="Bench", alias=f"bench-{number}", model="stub"
    )
    user = User.objects.get_or_create(username="replacement", is_superuser=True)[0]
    token = services.create_token("replacement", user=user, actor=None, scopes=["admin"])[1]
    return token, made


class Load:
    """Requests at a steady rate by kept connections, until `stop`."""

    def __init__(self, port: int, token: str, profile: str) -> None:
        self.port, self.content = port, body(False, profile)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.statuses: list[int] = []
        self.times: list[float] = []
        self.ended = threading.Event()
        self.own = threading.local()

    def ask(self) -> int:
        """One request; its status, 0 for one that got no answer."""
        began = time.perf_counter()
        try:
            if not hasattr(self.own, "line"):
                self.own.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.own.line.request("POST", "/v1/chat/completions", self.content, self.headers)
            answer = self.own.line.getresponse()
            answer.read()
            status = int(answer.status)
        except (OSError, http.client.HTTPException):
            del self.own.line
            status = 0
        self.statuses.append(status)
        self.times.append(time.perf_counter() - began)
        return status

    def run(self) -> None:
        """Asks a hundred times a second."""
        with ThreadPoolExecutor(HANDS) as pool:
            due = time.perf_counter()
            while not self.ended.is_set():
                pool.submit(self.ask)
                due += 1 / RATE
                time.sleep(max(0.0, due - time.perf_counter()))


def replace_under_load(load: Load, connection: Any) -> None:
    """Replaces the key again and again while requests go on."""
    from connections.replacement import services as replacement

    thread = threading.Thread(target=load.run)
    thread.start()
    time.sleep(1)
    took = []
    for number in range(1, REPLACEMENTS + 1):
        old, new = f"sk-bench-key-{number - 1}", f"sk-bench-key-{number}"
        TAKEN.add(new)
        connection.refresh_from_db()
        began = time.perf_counter()
        made = replacement.replace_key(connection, {"api_key": new}, actor=None)
        took.append(time.perf_counter() - began)
        time.sleep(BETWEEN / 2)
        TAKEN.discard(old)
        time.sleep(BETWEEN / 2)
        replacement.forget_other(made, actor=None)
    load.ended.set()
    thread.join()
    failed = sum(status != 200 for status in load.statuses)
    times = sorted(load.times)
    print(
        f"{REPLACEMENTS} replacements, {len(load.statuses)} requests, {failed} failed; p50 "
        f"{statistics.median(times) * 1000:.1f} ms, p99 {times[len(times) * 99 // 100] * 1000:.1f} "
        f"ms, most {times[-1] * 1000:.1f} ms; a replacement took "
        f"{statistics.median(took) * 1000:.0f} ms with its two tests"
    )


def go_back_under_load(load: Load, connection: Any) -> None:
    """Replaces the key by one that the service refuses as soon as it is switched."""
    from connections.replacement import services as replacement

    load.statuses, load.ended, refused, versions = [], threading.Event(), [], []
    thread = threading.Thread(target=load.run)
    thread.start()
    for number in range(REPLACEMENTS):
        new = f"sk-refused-key-{number}"
        TAKEN.add(new)
        connection.refresh_from_db()
        begun = replacement.begin_replacement(connection, {"api_key": new}, actor=None)
        TAKEN.discard(new)
        before = connection.version
        replacement.switch_key(begun, actor=None)
        time.sleep(BETWEEN / 2)
        refused.append(ASKED.count(new) - 1)  # one was the test
        connection.refresh_from_db()
        versions.append(connection.version - before)
    load.ended.set()
    thread.join()
    failed = sum(status != 200 for status in load.statuses)
    print(
        f"{REPLACEMENTS} refused keys, {len(load.statuses)} requests, {failed} failed; the service "
        f"refused {statistics.median(refused):.0f} requests before it was back, {max(refused)} at "
        f"most; {sum(one == 2 for one in versions)} went back, once each"
    )


def main() -> None:
    """Prints what callers saw."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    token, connection = prepare(service.server_port)
    profile = connection.profiles.get().alias
    with server() as running:
        load = Load(running.port, token, profile)
        for _ in range(20):  # both workers are warm
            if load.ask() != 200:
                raise RuntimeError(json.dumps(load.statuses))
        load.statuses.clear()
        replace_under_load(load, connection)
        go_back_under_load(load, connection)
    service.shutdown()


if __name__ == "__main__":
    main()
