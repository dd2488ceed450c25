"""Redaction of logs, as a last defence: text that looks like a credential does not reach a log."""

import logging
import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from providers.core.request_id import REQUEST_ID

LOOKS_SECRET = re.compile(
    r"(?i)\b((?:authorization|api[-_]?key|x-api-key|password|secret|token)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)[^\s\"',;&]{6,}"
)
LOOKS_LIKE_KEY = re.compile(
    r"\b((?:sk|pk|rk|sb|gsk|xai|AIza|AKIA|ghp|glpat)[-_]?)[A-Za-z0-9_-]{12,}"
)
SIGNED_TOKEN = re.compile(r"\b(eyJ)[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
# The token of a flow, or of a link that resets a password, is part of its address. What stands
# there is hidden whatever it is: a mistyped token is nearly one.
IN_ADDRESS = re.compile(r"(?i)(promptflow/+|sign-in/+reset/+[^/?#\s\"']+/+)[^/?#\s\"']+")
WITH_TOKENS = ("promptflow/", "sign-in/reset/")
# What OAuth2 brings back in an address (RFC 6749, section 4.1.2), wherever that address is written,
# also inside another one.
CODE_IN_ADDRESS = re.compile(r"(?i)([?&](?:code|state)=)[^&#\s\"']+")
CODE_IN_INNER_ADDRESS = re.compile(r"(?i)((?:%3f|%26)(?:code|state)%3d)(?:(?!%26|%23)[^&#\s\"'])+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def redact(text: str) -> str:
    """The text with `***` for whatever looks like a credential."""
    for pattern in (
        LOOKS_SECRET,
        LOOKS_LIKE_KEY,
        SIGNED_TOKEN,
        CODE_IN_ADDRESS,
        CODE_IN_INNER_ADDRESS,
    ):
        text = pattern.sub(r"\1***", text)
    return _without_tokens(text)


def _without_tokens(text: str) -> str:
    """The text with `***` for the tokens in addresses under /promptflow/ and /sign-in/reset/, also
    where percent signs hide such an address.
    """
    plain = unquote(text) if "%" in text else text
    if any(plain.lower().count(one) > text.lower().count(one) for one in WITH_TOKENS):
        text = CONTROL.sub("?", plain)
    return IN_ADDRESS.sub(r"\1***", text)


class RedactSecrets(logging.Filter):
    """Redacts the finished message, and the traceback if there is one.

    A refusal (400, 403, 404) is no fault and has none: whoever asks by a wrong host name would
    write a page of log each time.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        is_refusal = record.name == "django.request" and record.levelno < logging.ERROR
        if is_refusal or record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True


class NameRequest(logging.Filter):
    """Sets `request` of a line: `[id] ` of the request that is answered now, empty outside one."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = REQUEST_ID.get()
        record.request = f"[{request_id}] " if request_id else ""
        return True


class NamesOnly(SafeExceptionReporterFilter):
    """For reports of a crash, also of DEBUG's page, where Django's own filter sleeps: names of
    variables, never their values.
    """

    def is_active(self, _request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(
        self, _request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()


# At INFO these write every address that is asked, at DEBUG every header.
CLIENTS = (
    *("httpx2", "httpcore2", "aiohttp", "openai", "anthropic", "google_genai", "botocore"),
    *("azure", "hvac", "urllib3"),
)


def log_to_console(level: int | str, form: str = "text") -> dict[str, Any]:
    """Django's LOGGING: every line to stderr, without secrets and with the id of its request.
    `form`: text or json.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "redact": {"()": "backoffice.logs.RedactSecrets"},
            "request": {"()": "backoffice.logs.NameRequest"},
        },
        "formatters": {
            "text": {"format": "{asctime} {levelname} {name} {request}{message}", "style": "{"},
            "json": {"()": "backoffice.json_lines.JsonLines"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["redact", "request"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in CLIENTS}
        # of an outage it writes every attempt; connections/outages.py says it once
        | {"psycopg": {"level": "ERROR"}}
        # of a collector that is away too; connections/telemetry/exporting.py says it once
        | {"opentelemetry": {"level": "CRITICAL"}}
        # runserver's lines, to which Django gives a handler of their own that redacts nothing
        | {"django.server": {"level": "INFO", "propagate": True}},
    }
