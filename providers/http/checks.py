"""The request by which a service over HTTP is tested, and the meaning of its answer."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2

from ..core.ends import KeyEnd, moment
from ..core.errors import ProviderError, from_status

STATUS_OF = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "quota": 402,
    "timeout": 408,
    "rate_limited": 429,
}


@dataclass(frozen=True)
class StatusFailure:
    """The failure that a status stands for.

    `code`: one of errors.CODES; `message`: a sentence, empty for the usual one of the code.
    """

    code: str
    message: str = ""


@dataclass(frozen=True)
class TestRequest:
    """The request of a check, and the way to read its answer.

    `path`: below the base URL; `base_url`: another address than the connection's; `ok`: statuses
    that pass, empty for any 2xx; `failures`: the failures that statuses stand for; `json_path`: the
    way to a value of the answer that must be one of `json_values` as JSON writes it. Where it is
    another, the failure of the status is raised. `end_header` or `end_path`: where the answer tells
    the end of the key. `cost`: free, tiny, billed.

    A redirect whose status is among `ok` or `failures` is judged; any other is followed.
    """

    __test__ = False  # pytest: no class of tests

    method: str = "GET"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = ""
    ok: frozenset[int] = frozenset()
    failures: Mapping[int, StatusFailure] = field(default_factory=dict)
    json_path: tuple[str | int, ...] = ()
    json_values: tuple[str, ...] = ()
    end_header: str = ""
    end_path: tuple[str | int, ...] = ()
    cost: str = "free"
    base_url: str = ""

    def passes(self, status: int) -> bool:
        """True if an answer with this status passes."""
        if self.ok:
            return status in self.ok
        return 200 <= status < 300 and (status not in self.failures or bool(self.json_path))


def _days(days: int) -> str:
    """`in 44 days`, `in 1 day`, `within a day`, `3 days ago`."""
    if days == 0:
        return "within a day"
    text = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"in {text}" if days > 0 else f"{text} ago"


def _value_at(response: httpx2.Response, path: tuple[str | int, ...]) -> str | None:
    """The value at the end of the path, as JSON writes it but without quotes; None where there is
    none.
    """
    response.read()
    found = response.json()  # what is not JSON raises, which `translated` calls a bad response
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return (
        {True: "true", False: "false"}[found]
        if isinstance(found, bool)
        else "null"
        if found is None
        else str(found)
    )


def _end_told(request: TestRequest, response: httpx2.Response, host: str) -> KeyEnd | None:
    """The end of the key, as the answer tells it; None where the request names no place for it."""
    if request.end_header:
        said = response.headers.get(request.end_header)
        return KeyEnd(moment(said), f"{host} ({request.end_header})")
    if request.end_path:
        place = ".".join(str(step) for step in request.end_path)
        with suppress(ValueError):  # it passed: what else it says fails no check
            return KeyEnd(moment(_value_at(response, request.end_path)), f"{host} ({place})")
    return None


def _error_of(failure: StatusFailure, status: int, host: str) -> ProviderError:
    usual = from_status(STATUS_OF.get(failure.code, status if status >= 400 else 500), host)
    permanent = usual.permanent if failure.code in STATUS_OF else failure.code != "error"
    return ProviderError(failure.message or usual.message, failure.code, permanent)


def _unexpected(request: TestRequest, status: int, host: str) -> ProviderError:
    wanted = " or ".join(str(one) for one in sorted(request.ok)) or "another one"
    text = (
        f"{host} answered HTTP {status}, and {wanted} is expected. Check the test path and the "
        "expected status."
    )
    return ProviderError(text, "bad_response", True)
