"""Credentials of a request, and the hosts to which it may carry them.

All of it is added below the client: the client's log, `response.request` and `response.url` never
see it.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from urllib.parse import unquote, unquote_plus

import httpx2
from pydantic import SecretStr

from ..core.errors import (
    AnswerTooLarge,
    BlockedAddress,
    CompressedAnswer,
    ProviderError,
    RedirectRefused,
    chain,
)
from ..core.network_faults import from_network
from ..core.types import CONTROL
from .credentials import (
    Basic,
    Credential,
    Grant,
    Header,
    Jwt,
    OAuth2,
    Path,
    Query,
    Signature,
    TokenOf,
    basic_credentials,
)
from .hosts import Hosts, below, with_query, without_query, without_start
from .signatures import sign
from .signed_tokens import signed

# What the guard refuses; whoever has the client gets it as a ProviderError.
GUARD = (AnswerTooLarge, BlockedAddress, CompressedAnswer, RedirectRefused)
# Headers of an answer that may repeat the query of the request.
PAUSE, SHORT = 60.0, 4096  # seconds; bytes of a refusal that is read
WITH_ADDRESSES = ("location", "content-location")


class AccessTransport(httpx2.BaseTransport):
    """Checks the host of each request, adds the credentials, and renews a token once when the
    service does not accept it.

    `extra`: headers for requests that have none of that name. A failure is raised as ProviderError,
    before anything is sent.
    """

    def __init__(
        self,
        transport: httpx2.BaseTransport,
        credentials: Sequence[Credential],
        hosts: Hosts,
        token: TokenOf | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self._transport, self._credentials, self._hosts, self._token = (
            transport,
            tuple(credentials),
            hosts,
            token,
        )
        self._extra = SecretHeaders(extra or {})
        self._believed = -PAUSE  # when a refusal that was none for sure last renewed a token
        self._grants = [one.grant for one in self._credentials if isinstance(one, OAuth2)]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._hosts.refuse(request.url)
        tokens = [self._fetched(grant, SecretStr("")) for grant in self._grants]
        response = self._ask(request, tokens)
        # a stream that is read once cannot be sent again
        is_repeatable = bool(tokens) and isinstance(request.stream, httpx2.ByteStream)
        if is_repeatable and self._is_refusal(response):
            response.close()
            renewed = [
                self._fetched(grant, old) for grant, old in zip(self._grants, tokens, strict=True)
            ]
            response = self._ask(request, renewed)
        return response

    def close(self) -> None:
        self._transport.close()

    def _is_refusal(self, response: httpx2.Response) -> bool:
        """True if another token may help: 401, and what services say instead of it, which may mean
        something else too and is believed once a minute.
        """
        if response.status_code == 401:
            return True
        challenge = response.headers.get("www-authenticate", "")
        if response.status_code == 400 and "invalid_token" not in challenge + _start(response):
            return False
        now = time.monotonic()
        if response.status_code not in (400, 403) or now < self._believed + PAUSE:
            return False
        self._believed = now
        return True

    def _fetched(self, grant: Grant, refused: SecretStr) -> SecretStr:
        if self._token is None:
            raise ProviderError(
                "Nothing here fetches tokens. Choose another authentication.", "bad_request", True
            )
        try:
            return SecretStr(self._token(grant, refused.get_secret_value()))
        except Exception as error:
            _forget_frames(error)
            raise

    def _ask(self, request: httpx2.Request, tokens: Sequence[SecretStr]) -> httpx2.Response:
        reset = _is_unlogged.set(True)
        try:
            response = self._transport.handle_request(self._let_in(request, tokens))
        except GUARD as error:
            _forget_frames(error)
            raise from_network(error, request.url.netloc.decode()) from error
        except Exception as error:
            _forget_frames(error)
            raise
        finally:
            _is_unlogged.reset(reset)
        self._hide_address(request, response)
        return response

    def _let_in(self, request: httpx2.Request, tokens: Sequence[SecretStr]) -> httpx2.Request:
        headers, url, left = request.headers.copy(), request.url, iter(tokens)
        headers["Host"] = (
            url.netloc.decode()
        )  # whatever the caller says: the credentials are for this host
        for name, value in self._extra.items():
            if name not in headers:
                _set_header(headers, name, value)
        for one in self._credentials:
            if found := _header(one, left):
                _set_header(headers, *found)
            elif isinstance(one, Query):
                url = with_query(without_query(url, one.name), one.name, one.value)
            elif isinstance(one, Path):
                url = url.copy_with(raw_path=below(one.value, url.raw_path.decode()).encode())
        made = httpx2.Request(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        for one in self._credentials:
            if isinstance(one, Signature):  # over all that the others added
                sign(one, made)
        return made

    def _hide_address(self, request: httpx2.Request, response: httpx2.Response) -> None:
        """Takes the credentials out of the addresses in an answer's headers: the client logs where
        it is sent on to.
        """
        hidden = [one for one in self._credentials if isinstance(one, Query | Path) and one.value]
        for name in WITH_ADDRESSES if hidden else ():
            if name in response.headers:
                address = _cleaned(request.url, response.headers.pop(name), hidden)
                response.headers.update({name: address} if address else {})


def _start(response: httpx2.Response) -> str:
    """The body of a refusal, when it is a short JSON document; it can still be read afterwards."""
    length = response.headers.get("content-length", "")
    is_json = "json" in response.headers.get("content-type", "")
    stream = response.stream
    is_short = length.isdecimal() and int(length) <= SHORT
    if not (is_json and is_short and isinstance(stream, httpx2.SyncByteStream)):
        return ""
    body = b"".join(stream)
    stream.close()
    response.stream = httpx2.ByteStream(body)
    return body.decode(errors="replace")


def _forget_frames(error: Exception) -> None:
    """Removes the tracebacks of an error and its causes.

    Their frames hold the request with the credentials, or a token; pages and services that show
    tracebacks would show those too.
    """
    for cause in chain(error):
        cause.__traceback__ = None


class SecretHeaders(dict[str, str]):
    """Headers that a repr does not show."""

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"


def _header(one: Credential, tokens: Iterator[SecretStr]) -> tuple[str, str] | None:
    """The header that a credential is, None for one of another kind. `tokens`: those of OAuth2, in
    their order.
    """
    match one:
        case Header():
            return one.name, one.value
        case Jwt():
            return "Authorization", f"Bearer {signed(one)}"
        case Basic():
            return "Authorization", basic_credentials(one.username, one.password)
        case OAuth2():
            return one.header, f"{one.scheme} {next(tokens).get_secret_value()}".strip()
    return None


def _set_header(headers: httpx2.Headers, name: str, value: str) -> None:
    """Sets a header in place of all of this name that the caller sent, whatever their case.

    Raises ProviderError for a value that cannot be in a header.
    """
    if CONTROL.search(value) or not value.isascii():
        text = (
            f"The header {name} cannot carry this value: it has a line break or a character that "
            "is not ASCII. Enter it again."
        )
        raise ProviderError(text, "bad_request", True)
    headers.pop(name, None)
    headers[name] = value


def _cleaned(base: httpx2.URL, address: str, hidden: Sequence[Query | Path]) -> str:
    """The address without the credentials.

    Empty when they are in it anywhere else, or when it is not an address.
    """
    try:
        url = base.join(address)
        for one in hidden:
            url = (
                without_query(url, one.name)
                if isinstance(one, Query)
                else without_start(url, one.value)
            )
    except httpx2.InvalidURL:
        return ""
    seen = (str(url), unquote_plus(str(url)), unquote(unquote(str(url))))
    return "" if any(one.value.strip("/") in text for one in hidden for text in seen) else str(url)


_is_unlogged: ContextVar[bool] = ContextVar("is_unlogged", default=False)


class _NoHeaders(logging.Filter):
    """Keeps the headers of answers out of the log: httpcore2 logs them at DEBUG, and the address to
    which a service redirects is among them.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (_is_unlogged.get() and "receive_response_headers" in str(record.msg))


logging.getLogger("httpcore2.http11").addFilter(_NoHeaders())
