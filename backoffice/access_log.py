"""The line for each request, left out where a usage record says it better, unless
GATEWAY_LOG_CALLS wants it; and the form of what gunicorn itself has to say.
"""

import json
import logging
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from connections.client_ip import source_address
from connections.telemetry.about import ABOUT

from .json_lines import JsonLines, request_line
from .logs import RedactSecrets, redact

ADDRESSES = (
    "r",
    "U",
    "q",
    "f",
)  # gunicorn's letters for the request's line, path and query, and where it came from
FACTS = ("request_id", "person", "token", "profile", "connection", "outcome")


class AccessLog(Logger):  # type: ignore[misc]
    """gunicorn's own, without credentials in addresses, and without the answers of `/health/`,
    which somebody asks every few seconds. In JSON it tells too who asked, for what, and what became
    of it.
    """

    def setup(self, cfg: Any) -> None:
        """Gives both of gunicorn's logs the form of all others."""
        super().setup(cfg)
        self._is_json = settings.LOG_FORMAT == "json"
        for handler in self.error_log.handlers:
            handler.addFilter(RedactSecrets())
            if self._is_json:
                handler.setFormatter(JsonLines())

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """One line; refusals of `/v1` have one too.

        A client that hung up is no 500: the status is the one that BoundedProtocol knows.
        """
        resp.status = environ.get("switchboard.status", resp.status)
        if is_left_out(resp.status, environ["PATH_INFO"]):
            return
        if self._is_json:
            fields = fields_of(resp, environ, request_time)
            text = f"{fields['method']} {fields['path']} {fields['status']}"
            self._write(request_line(self.access_log.name, text, fields))
        else:
            super().access(resp, req, environ, request_time)

    def _write(self, line: str) -> None:
        for handler in self.access_log.handlers:
            if getattr(handler, "stream", None) is None:  # of a file that is not open yet
                handler.handle(logging.makeLogRecord({"msg": line.rstrip()}))
                continue
            handler.acquire()
            try:
                with suppress(OSError):  # nobody reads it any more, or the disk is full
                    handler.stream.write(line)
                    handler.stream.flush()
            except UnicodeEncodeError:  # by a stream that is not UTF-8
                handler.stream.write(json.dumps(json.loads(line)) + "\n")
            finally:
                handler.release()

    def atoms(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any
    ) -> dict[str, Any]:
        """The parts that a line is made of, by gunicorn's letters."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return found | {name: redact(found[name]) for name in ADDRESSES if found.get(name)}


def fields_of(resp: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
    """The fields of a request's line: what the server knows, and what was learned on the way. Of
    the address the path alone: what is asked with it may be anything.
    """
    about = ABOUT.get() or {}
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "status": resp.status,
        "duration_ms": request_time.seconds * 1000 + request_time.microseconds // 1000,
        "bytes": resp.sent,
        "client": client_of(environ["REMOTE_ADDR"], environ.get("HTTP_X_FORWARDED_FOR", "")),
    } | {name: about[name] for name in FACTS if about.get(name)}


@lru_cache(maxsize=4096)
def client_of(remote: str, forwarded: str) -> str:
    """The address that the request came from."""
    return source_address(remote, forwarded, settings.TRUSTED_PROXIES)


def is_left_out(status: int, path: str) -> bool:
    """True for an answer that has no line: a usage record says it better, or nobody reads it."""
    is_call = path.startswith("/v1/") and not settings.GATEWAY_LOG_CALLS
    return path.startswith("/health/") or (status < 400 and is_call)
