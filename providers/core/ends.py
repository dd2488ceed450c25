"""When things end: dates that services tell, and those that a key carries itself."""

import json
import re
from base64 import b64decode, urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, SecretStr

# RFC 7519: three parts of base64url, of which the first is a JSON object
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.(?P<claims>[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*", re.ASCII)
ZONED = re.compile(r"(?P<moment>.*\d) ?(?P<zone>UTC|Z|[+-]\d\d:?\d\d)\Z", re.ASCII)
BEDROCK = "bedrock-api-key-"  # before the base64 of a request that is signed in its query
LONGEST = 64  # characters of a date
MILLISECONDS = 10**11  # a larger number counts them: as seconds it is of the year 5138


@dataclass(frozen=True)
class KeyEnd:
    """The end of a key, None where it has none. `source`: who says so, to follow `says`."""

    at: datetime | None
    source: str


def first_of(ends: Iterable[KeyEnd | None]) -> KeyEnd | None:
    """The first of some ends; None where none of them has a date."""
    dated = [(one.at, one) for one in ends if one and one.at]
    return min(dated, key=lambda pair: pair[0])[1] if dated else None


def moment(told: Any) -> datetime | None:
    """The time that a service tells; None for whatever is not one.

    Takes `2026-12-31`, which lasts to the end of that day, ISO 8601, the form of GitHub's headers
    (`2026-12-31 10:00:00 UTC`), and numbers of seconds or milliseconds since 1970. Without a zone
    it is UTC.
    """
    try:
        if isinstance(told, datetime):
            return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
        if isinstance(told, int | float) and not isinstance(told, bool):
            seconds = told / 1000 if told > MILLISECONDS else told
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
        if isinstance(told, str) and len(told) <= LONGEST:
            return _read(told.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _read(text: str) -> datetime | None:
    if text.isascii() and text.isdecimal():
        return moment(int(text))
    if len(text) == len("2026-12-31"):
        return end_of(date.fromisoformat(text))
    if zoned := ZONED.fullmatch(text):
        zone = zoned["zone"].replace("UTC", "+00:00").replace("Z", "+00:00")
        text = f"{zoned['moment']}{zone}"
    return moment(datetime.fromisoformat(text))


def end_of(day: date) -> datetime:
    """The last second of a day."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def end_in_keys(settings: BaseModel) -> KeyEnd | None:
    """The first end that a secret of the settings carries itself; None where none does.

    A JSON Web Token has `exp` (RFC 7519, section 4.1.4), an Azure shared access signature `se`
    (learn.microsoft.com/rest/api/storageservices/create-service-sas), a short-term API key of
    Bedrock `X-Amz-Date` and `X-Amz-Expires` (github.com/aws/aws-bedrock-token-generator-python).
    """
    values = (getattr(settings, name, None) for name in type(settings).model_fields)
    secrets = (one.get_secret_value() for one in values if isinstance(one, SecretStr))
    found = [end for secret in secrets if isinstance(secret, str) for end in ends_in(secret)]
    return first_of(found)


def ends_in(secret: str) -> Iterator[KeyEnd]:
    """The ends that a secret carries itself."""
    token = TOKEN.fullmatch(secret.strip())
    if token and (at := moment(_claims(token["claims"]).get("exp"))):
        yield KeyEnd(at, "the key itself (exp)")
    query = parse_qs(urlsplit(secret).query or secret.lstrip("?")) if "sig=" in secret else {}
    if query.get("sig") and (at := moment(query.get("se", [""])[0])):
        yield KeyEnd(at, "the shared access signature itself (se)")
    if secret.startswith(BEDROCK) and (at := _end_of_signed(secret.removeprefix(BEDROCK))):
        yield KeyEnd(at, "the key itself (X-Amz-Expires)")


def _end_of_signed(request: str) -> datetime | None:
    """When a signed request is not taken any more; None for something else."""
    try:
        query = parse_qs(b64decode(request).decode("ascii").partition("?")[2])
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    except (ValueError, KeyError, OverflowError):
        return None


def _claims(text: str) -> dict[str, Any]:
    """The claims of a token; none where it is something else."""
    try:
        found = json.loads(urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}"))
    except (ValueError, NotBase64, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
