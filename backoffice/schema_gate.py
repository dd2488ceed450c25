"""Code whose database was not migrated yet, or was migrated for newer code, serves nothing but its
health: it would fail half-way, and take from other instances what only they can do.
"""

import logging
from collections.abc import Awaitable, Callable
from threading import Event, Thread
from typing import Any

from django.db import Error, connection
from django.template.loader import render_to_string

from connections.outages import answered_within
from gateway.doors.asgi import Beside

from .content_policy import POLICY
from .early_refusals import body_of
from .schema import read_schema

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

WITHOUT_ROWS, CODE = ("/health/", "/static/"), "schema_does_not_fit"
LOOK_EVERY, LONGEST_LOOK = 1.0, 2.0  # seconds

logger = logging.getLogger(__name__)


class FittingSchema:
    """Whether the schema fits, looked at from the start of a worker until it does for the first
    time. `beside` begins only then. While the database is away, or somebody holds what is looked
    at, nothing is refused.
    """

    def __init__(self, beside: Beside) -> None:
        self._beside, self._stopping, self._has_looked = beside, Event(), Event()
        self._thread: Thread | None = None
        self.refusal = ""  # for whoever asks meanwhile

    def start(self) -> None:
        """Begins, and waits for the first look, but no longer than LONGEST_LOOK: the event loop,
        which hears of signals, waits too.
        """
        # Django lets no event loop ask a database. Made here, in the worker: Python 3.13.0 starts
        # no thread that was made before a fork.
        self._thread = Thread(target=self._run, name="schema", daemon=True)
        self._thread.start()
        self._has_looked.wait(LONGEST_LOOK)

    def stop(self) -> None:
        """Ends it, and what began."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(LONGEST_LOOK)
        self._beside.stop()

    def _run(self) -> None:
        while not self._fits():
            self._has_looked.set()
            if self._stopping.wait(LOOK_EVERY):
                return
        if not self._stopping.is_set():
            self._beside.start()
        self._has_looked.set()

    def _fits(self) -> bool:
        try:
            with answered_within(LONGEST_LOOK):
                schema = read_schema()
        except Error:
            return False
        finally:
            connection.close()
        told, self.refusal = self.refusal, "" if schema.works else schema.message
        if self.refusal and self.refusal != told:
            logger.error("Nothing is served yet. %s", self.refusal)
        return schema.works


class SchemaGate:
    """Answers 503 to all but questions about health while the schema does not fit."""

    def __init__(self, application: Application, schema: FittingSchema) -> None:
        self._application, self._schema = application, schema

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        detail = self._schema.refusal
        if not detail or scope["type"] != "http" or scope["path"].startswith(WITHOUT_ROWS):
            await self._application(scope, receive, send)
            return
        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            kind = "text/html; charset=utf-8"
            body = render_to_string("503.html", {"detail": detail}).encode()
        else:
            kind, body = body_of(503, detail, scope["path"], CODE)
        headers = {
            "content-type": kind,
            "content-length": str(len(body)),
            "content-security-policy": POLICY,
            "cache-control": "no-store",
            "retry-after": "5",
            "connection": "close",
        }
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 503, "headers": pairs})
        await send({"type": "http.response.body", "body": body})
