"""Log lines as JSON, one object a line: LOG_FORMAT=json."""

import json
import logging
import re
import sys
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json
from pythonjsonlogger.json import JsonFormatter

from connections.telemetry import tracing
from connections.telemetry.about import ABOUT
from providers.core.request_id import REQUEST_ID

from .logs import redact

# Of the request that a line is about, where they are known by then.
FACTS = ("person", "token", "profile", "connection")
OWN_ID = re.compile(r"[0-9a-f]{32}")  # as we make them; it may look like nothing else
ENCODER = json.JSONEncoder(default=str)

remembered = lru_cache(maxsize=4096)(redact)


class JsonLines(JsonFormatter):
    """Writes a record as one line of JSON. Every text passes `redact`, that of a traceback too."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Fills `log_data` with the fields of the line."""
        log_data["time"] = rfc3339(record.created)
        log_data["level"], log_data["logger"] = record.levelname, record.name
        log_data["message"] = record.message
        if request_id := REQUEST_ID.get():
            log_data["request_id"] = request_id
        log_data |= tracing.fields()
        if about := ABOUT.get():
            log_data |= {name: about[name] for name in FACTS if about.get(name)}
        log_data |= {TEXTS[name]: text for name, text in message_dict.items() if name in TEXTS}

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields without what looks like a credential."""
        return {
            name: redact(value) if type(value) is str else value for name, value in log_data.items()
        }

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """The line, in ASCII."""
        return ENCODER.encode(log_data)


TEXTS = {"exc_info": "exception", "stack_info": "stack"}  # our names for what a record may carry


def request_line(logger: str, text: str, fields: dict[str, Any]) -> str:
    """A line for a request that has ended, as JsonLines writes it of a record with these fields.

    There is one for each call, and logging itself takes five times as long (make bench
    ARGS=telemetry).
    """
    data = {"time": rfc3339(time.time()), "level": "INFO", "logger": logger, "message": text}
    data |= tracing.fields() | fields
    for name in SAFE_TO_REMEMBER:
        if name in data:
            data[name] = remembered(data[name])
    if (found := data.get("request_id")) and not OWN_ID.fullmatch(found):
        data["request_id"] = redact(found)
    try:
        return to_json(data).decode() + "\n"
    except ValueError:  # of half a character
        return ENCODER.encode(data) + "\n"


SAFE_TO_REMEMBER = ("message", "path", "method", "outcome", *FACTS)


def rfc3339(seconds: float) -> str:
    """A time in UTC to the millisecond: 2026-01-31T08:15:00.123Z."""
    whole = int(seconds)
    return f"{_to_the_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=4)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]


def log_what_is_written_past_logging() -> None:
    """Has Python's own warnings, and exceptions that nobody caught, written by the log too: they
    are several lines of text otherwise.
    """
    logging.captureWarnings(True)
    logger = logging.getLogger("python")

    def of_program(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("The program failed", exc_info=(kind, error, trace))

    def of_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and not issubclass(found.exc_type, SystemExit):
            name = found.thread.name if found.thread else ""
            info = (found.exc_type, found.exc_value, found.exc_traceback)
            logger.error("The thread %s failed", name, exc_info=info)

    def unraisable(found: Any) -> None:
        info = (found.exc_type, found.exc_value, found.exc_traceback)
        logger.error(found.err_msg or "An exception was ignored", exc_info=info)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_program, of_thread, unraisable
