"""When a service wants to be asked again, as its headers tell it."""

import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 31 * 86400.0  # seconds; whoever asks for more than a month means something else


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds after which the service wants to be asked again, None where it does not say.

    `retry-after-ms` of Azure is the most exact; `Retry-After` is a number of seconds or a date:
    www.rfc-editor.org/rfc/rfc9110#field.retry-after. Else the time at which a limit that is used
    up begins anew: platform.openai.com/docs/guides/rate-limits, and
    platform.claude.com/docs/en/api/rate-limits.
    """
    found = _number(headers.get("retry-after-ms"))
    seconds = None if found is None else found / 1000
    if seconds is None and (text := headers.get("retry-after")):
        seconds = _number(text)
        if seconds is None:
            seconds = _seconds_until(text)
    if seconds is None:
        waits = [wait for one in _used_up(headers) if (wait := _duration(one)) is not None]
        seconds = max(waits, default=None)
    return seconds if seconds is not None and 0 <= seconds < LONGEST_WAIT else None


def _used_up(headers: Mapping[str, str]) -> Iterator[str]:
    """When the limits that are used up begin anew, as the headers write it."""
    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            yield headers.get(f"x-ratelimit-reset-{kind}") or ""
        if headers.get(f"anthropic-ratelimit-{kind}-remaining") == "0":
            yield headers.get(f"anthropic-ratelimit-{kind}-reset") or ""


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\s*\d+(?:\.\d*)?\s*", text, re.ASCII) else None


def _seconds_until(text: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _duration(text: str) -> float | None:
    """The seconds of `6m0s`, `1.5s`, `20ms` or `20`, or until `2026-01-15T09:30:00Z`."""
    if (seconds := _number(text)) is not None:
        return seconds
    if "T" in text:
        try:
            return max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
        except (ValueError, OverflowError):
            return None
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    pieces = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text, re.ASCII)
    if not pieces or "".join(map("".join, pieces)) != text:
        return None
    return sum(float(number) * units[unit] for number, unit in pieces)
