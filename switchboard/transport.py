"""The HTTP clients, synchronous and asynchronous, over the same preparation of requests."""

import math
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio  # httpx2's own
import httpx2

from .calls import Steps, T
from .errors import ClientClosedError, ServerUnreachable
from .retries import LOST, Attempts, is_of_tls
from .version import USER_AGENT
from .wire import Answer, Call

PREFIX = "/api/v1"
Verify = bool | str | ssl.SSLContext
TokenOrFunction = str | Callable[[], str]


class Address:
    """Switchboard's address and what every request carries. Its text shows no token.

    `token`: its text, or a function that gives it, asked for each request.
    """

    def __init__(self, url: str, token: TokenOrFunction) -> None:
        self.url = _clean_url(url)
        self._token = token if callable(token) else _clean_token(token)

    def _authorize(self, request: httpx2.Request) -> httpx2.Request:
        text = _clean_token(self._token()) if callable(self._token) else self._token
        request.headers["Authorization"] = f"Bearer {text}"
        return request

    def options(self, timeout: float, verify: Verify) -> dict[str, Any]:
        """Arguments for an HTTP client. No redirects: the token is for this host alone.

        Raises ValueError for a timeout that is not a number of seconds.
        """
        if (
            isinstance(timeout, bool)
            or not isinstance(timeout, int | float)
            or not (math.isfinite(timeout) and timeout > 0)
        ):
            raise ValueError(f"timeout is a number of seconds above 0, not {timeout!r}.")
        headers = {
            "Accept": "application/json, application/problem+json",
            "User-Agent": USER_AGENT,
        }
        context = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
        return {
            "base_url": self.url + PREFIX,
            "headers": headers,
            "auth": self._authorize,
            "timeout": timeout,
            "verify": context,
            "follow_redirects": False,
        }

    def unreachable(self, error: httpx2.RequestError, timeout: float) -> ServerUnreachable:
        """The error for a request that nobody answered, without the HTTP client's knowledge of the
        request.
        """
        if isinstance(error, httpx2.TimeoutException):
            return ServerUnreachable(
                f"{self.url} gave no answer within {timeout:g} seconds. Try again, or allow more: "
                "timeout=..."
            )
        if is_of_tls(error):
            return ServerUnreachable(
                f"The certificate of {self.url} is not trusted. Name the authority's file: "
                "verify='/path/to/ca.pem'."
            )
        kind = type(error).__name__
        if isinstance(error, LOST):
            return ServerUnreachable(
                f"{self.url} closed the connection without an answer ({kind}). Look whether what "
                "was asked for is done, then try again."
            )
        return ServerUnreachable(
            f"{self.url} cannot be reached ({kind}). Check the address, and whether Switchboard "
            "runs."
        )


def _clean_retries(retries: int) -> int:
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries is a number of attempts, 0 or more, not {retries!r}.")
    return retries


def _clean_url(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            "The url is Switchboard's address, such as https://switchboard.example.com."
        )
    if parts.username or parts.password:
        raise ValueError(
            "A name or a password does not belong into the url. The token says who asks."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(PREFIX)}"


def _clean_token(token: str) -> str:
    text = token.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("The token is empty or has characters that no token has. Copy it again.")
    return text


def _request(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "params": call.params,
        "content": call.content(),
        "headers": call.headers(),
    }


def _answer(response: httpx2.Response) -> Answer:
    return Answer(
        response.status_code,
        response.headers.get("content-type", ""),
        response.content,
        response.headers,
    )


class Transport:
    """Carries steps out, one call after the other."""

    def __init__(self, address: Address, timeout: float, verify: Verify, retries: int) -> None:
        self._address, self._timeout, self._retries = address, timeout, _clean_retries(retries)
        self._http = httpx2.Client(**address.options(timeout, verify))

    def run(self, steps: Steps[T]) -> T:
        """The result. Raises SwitchboardError."""
        try:
            call = next(steps)
            while True:
                call = steps.send(self._send(call))
        except StopIteration as done:
            result: T = done.value
        return result

    def _send(self, call: Call) -> Answer:
        attempts = Attempts(call, self._retries)
        extensions = {"trace": attempts.note}
        while True:
            self.refuse_closed()
            try:
                answer = _answer(self._http.request(**_request(call), extensions=extensions))
                wait = attempts.wait_after_answer(answer)
                if wait is None:
                    return answer
            except httpx2.RequestError as error:
                wait = attempts.wait_after_error(error)
                failure = self._address.unreachable(error, self._timeout)
            if wait is None:
                # out here, so that it does not carry the HTTP client's error, which knows the token
                raise failure
            time.sleep(wait)

    def refuse_closed(self) -> None:
        """Raises ClientClosedError after `close`."""
        if self._http.is_closed:
            raise ClientClosedError

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()


class AsyncTransport:
    """As Transport, asynchronous."""

    def __init__(self, address: Address, timeout: float, verify: Verify, retries: int) -> None:
        self._address, self._timeout, self._retries = address, timeout, _clean_retries(retries)
        self._http = httpx2.AsyncClient(**address.options(timeout, verify))

    async def run(self, steps: Steps[T]) -> T:
        """The result. Raises SwitchboardError."""
        try:
            call = next(steps)
            while True:
                call = steps.send(await self._send(call))
        except StopIteration as done:
            result: T = done.value
        return result

    async def _send(self, call: Call) -> Answer:
        attempts = Attempts(call, self._retries)
        extensions = {"trace": attempts.note_async}
        while True:
            self.refuse_closed()
            try:
                answer = _answer(await self._http.request(**_request(call), extensions=extensions))
                wait = attempts.wait_after_answer(answer)
                if wait is None:
                    return answer
            except httpx2.RequestError as error:
                wait = attempts.wait_after_error(error)
                failure = self._address.unreachable(error, self._timeout)
            if wait is None:
                raise failure
            await anyio.sleep(wait)

    def refuse_closed(self) -> None:
        """Raises ClientClosedError after `aclose`."""
        if self._http.is_closed:
            raise ClientClosedError

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._http.aclose()
