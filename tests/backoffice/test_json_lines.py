"""Log lines as JSON: one object a line, whatever it is about, without secrets in any field."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from backoffice import json_lines
from backoffice.json_lines import JsonLines, request_line
from backoffice.logs import log_to_console
from connections.telemetry.about import ABOUT, tell
from providers.core.request_id import REQUEST_ID

from .test_logs import SECRET


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the root logger writes as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def lines(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(one) for one in written.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_the_facts_of_its_request(written: StringIO):
    request, about = REQUEST_ID.set("order-17"), ABOUT.set({})
    tell(person="ada", token="CI (sb_abc…)", outcome="ok", profile="")
    logging.getLogger("gateway").warning("%s tokens\nare left", 3)
    REQUEST_ID.reset(request)
    ABOUT.reset(about)
    (found,) = lines(written)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "WARNING",
        "logger": "gateway",
        "message": "3 tokens\nare left",
        "request_id": "order-17",
        "person": "ada",
        "token": "CI (sb_abc…)",
    }


def test_a_traceback_is_one_field_of_the_line(written: StringIO):
    try:
        raise ValueError(f"key {SECRET}")
    except ValueError:
        logging.getLogger("gateway").exception("It failed", stack_info=True)
    (found,) = lines(written)
    assert "ValueError: key sk-***" in found["exception"] and "Stack" in found["stack"]


def test_no_field_holds_what_looks_like_a_credential(written: StringIO):
    request = REQUEST_ID.set(SECRET)
    logging.getLogger("gateway").error(f"asked with {SECRET}")
    REQUEST_ID.reset(request)
    fields = dict.fromkeys(["path", "request_id", "profile", "person", "token"], SECRET)
    line = request_line("gunicorn.access", f"GET {SECRET}", fields)
    assert "1234567890" not in written.getvalue() + line and len(lines(written)) == 1


def test_the_line_of_a_request_is_written_as_all_others_are(written: StringIO):
    request = REQUEST_ID.set("order-17")
    logging.getLogger("gateway").warning("GET / 200")
    REQUEST_ID.reset(request)
    own = json.loads(request_line("gateway", "GET / 200", {"request_id": "order-17"}))
    (other,) = lines(written)
    assert len(own.pop("time")) == len(other.pop("time")) and own | {"level": "WARNING"} == other


def test_half_a_character_is_written_all_the_same():
    # no logger is asked: pytest keeps what it says, and cannot hand half a character on
    record = logging.makeLogRecord({"name": "gateway", "msg": "half \ud800"})
    line = request_line("gunicorn.access", "GET", {"profile": "half \ud800"})
    written = json.loads(JsonLines().format(record))["message"]
    assert written == json.loads(line)["profile"] == "half \ud800"


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(place, name, getattr(place, name))


@pytest.mark.usefixtures("hooks")
def test_warnings_and_what_nobody_caught_are_lines_too(written: StringIO):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # who called it before in this process?
        json_lines.log_what_is_written_past_logging()
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    thread = threading.Thread(target=lambda: 1 / 0, name="one")
    thread.start()
    thread.join()
    said = [(one["logger"], one["message"].partition("\n")[0]) for one in lines(written)]
    assert said[0][0] == "py.warnings" and "soon gone" in said[0][1]
    assert said[1] == ("python", "The thread one failed")


def test_the_log_is_json_where_the_settings_say_so():
    assert log_to_console("INFO", "json")["handlers"]["console"]["formatter"] == "json"
    assert log_to_console("INFO")["handlers"]["console"]["formatter"] == "text"
