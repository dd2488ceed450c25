"""Requests to an identity provider: each has a time limit, and few run at a time, so that a slow
provider holds nobody else up.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from providers.core.errors import (
    AnswerTooLarge,
    BlockedAddress,
    CompressedAnswer,
    RedirectRefused,
)
from providers.http.allowance import Allowance
from providers.http.egress import guarded_client
from providers.http.policy import EgressPolicy

STEP_SECONDS, WHOLE_SECONDS = 3.0, 6.0  # for one step on the network, for a whole request
LARGEST = 1024 * 1024  # bytes of an answer
AT_ONCE = 8  # people in a worker who wait for a provider
FAILURES = (
    *(httpx2.HTTPError, httpcore2.TimeoutException, httpcore2.NetworkError, OSError),
    *(AnswerTooLarge, BlockedAddress, CompressedAnswer, RedirectRefused, ValueError),
)

_places = threading.BoundedSemaphore(AT_ONCE)


class ProviderAway(Exception):
    """The provider does not answer, or not as it should. `str()` is for the log."""


class GrantRefused(Exception):
    """The provider refuses a code or a refresh token. `code`: that of RFC 6749, section 5.2."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def place() -> Iterator[None]:
    """One of the few places of those who wait for a provider. Raises ProviderAway if all are
    taken.
    """
    if not _places.acquire(blocking=False):
        raise ProviderAway("too many wait for it already")
    try:
        yield
    finally:
        _places.release()


def get_json(address: str, *, bearer: str = "") -> dict[str, Any]:
    """The object at an address. Raises ProviderAway."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = _asked("GET", address, headers=headers)
    if not answer.is_success:
        raise ProviderAway(f"status {answer.status_code}")
    return _object(answer)


@sensitive_variables()
def post_form(
    address: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
) -> dict[str, Any]:
    """What a token endpoint answers to a form. `basic`: name and password of the client.

    Raises GrantRefused, ProviderAway.
    """
    answer = _asked("POST", address, data=dict(form), auth=basic)
    if answer.status_code in (400, 401, 403):
        code = _object(answer).get("error")
        raise GrantRefused(code if isinstance(code, str) else "error")
    if not answer.is_success:
        raise ProviderAway(f"status {answer.status_code}")
    return _object(answer)


@sensitive_variables()
def _asked(method: str, address: str, **more: Any) -> httpx2.Response:
    # whoever sets up a provider says where it is, so CONNECTIONS_EGRESS_ALLOW does not hold here
    policy = EgressPolicy((), True, settings.CONNECTIONS_PROXIES)
    allowance = Allowance(WHOLE_SECONDS, LARGEST)
    try:
        with guarded_client(policy, STEP_SECONDS, allowance=allowance) as client:
            return client.request(method, address, **more)
    except FAILURES as error:
        raise ProviderAway(type(error).__name__) from None


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderAway(f"status {answer.status_code}, and no JSON object")
    return found
