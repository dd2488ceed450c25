"""OAuth2's client (RFC 6749): tokens are fetched once, however many callers want one, and held
while they are good.
"""

import hashlib
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2

from ..core.errors import ProviderError, from_status
from ..core.network_faults import from_network
from .credentials import Grant, basic_credentials
from .oauth2_refusals import NO_TOKEN, OTHER_KIND, REFUSALS, refusal
from .signed_tokens import signed

UNSAID_SECONDS = 300  # how long a token is held whose service does not say how long it lives
LONGEST_SECONDS = 86400
LONGEST_REFRESH = 10 * 365 * 86400
SPARE_SECONDS, SPARE_PART = (
    60,
    0.1,
)  # a token is renewed that long before its end, or in the last tenth of a short life
LONGEST_TOKEN = 32768
MOST_HELD = 1000


@dataclass(frozen=True)
class Token:
    """An access token. `expires_at`: as time.time() has it, None when its service does not say.

    `refresh_token`: empty when none came along; `refresh_ends_at`: its end, None when nobody says.
    """

    value: str = field(repr=False)
    expires_at: float | None = None
    refresh_token: str = field(default="", repr=False)
    refresh_ends_at: float | None = None

    def held_until(self, now: float) -> float:
        """The time until which it is handed out: a little before its end."""
        if self.expires_at is None:
            return now + UNSAID_SECONDS
        life = self.expires_at - now
        return self.expires_at - min(SPARE_SECONDS, life * SPARE_PART) if life > 0 else now


NONE_HELD = (Token(""), 0.0)


class TokenStore(Protocol):
    """A place where tokens are held."""

    def token(self, grant_key: str, ask: Callable[[], Token], refused: str = "") -> str:
        """A held token that is still good and is not `refused` (one that the service just did not
        accept), else asks for one.

        However many want it, one asks. Raises what `ask` raises.
        """

    def refresh_tokens(self, grant_key: str) -> tuple[str, ...]:
        """The refresh tokens that came with tokens for this grant, the best first: some services
        give a new one each time, and take the old one no longer (RFC 6749, section 6).
        """


class Once:
    """Runs an act once for all threads that want it at the same time, and gives all of them its
    result.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[str]] = {}

    def run(self, key: Hashable, act: Callable[[], str]) -> str:
        """Returns the result of `act`, called here or where it runs for this key already.

        Raises what it raises.
        """
        with self._lock:
            running = self._running.get(key)
            mine = self._running.setdefault(key, Future())
        if running is not None:
            return _awaited(running)
        try:
            mine.set_result(act())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return mine.result()


def _awaited(running: Future[str]) -> str:
    try:
        return running.result()
    except ProviderError as error:  # one for each: a traceback belongs to one thread
        raise ProviderError(
            error.message, error.code, error.permanent, retry_after=error.retry_after
        ) from None


class MemoryTokens:
    """A TokenStore in the memory of this process."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[Token, float]] = OrderedDict()
        self._once, self._lock = Once(), threading.Lock()

    def token(self, grant_key: str, ask: Callable[[], Token], refused: str = "") -> str:
        """As TokenStore says."""
        found = self._good(grant_key, refused) or self._once.run(
            grant_key, lambda: self._renewed(grant_key, ask, refused)
        )
        if (
            refused and found == refused
        ):  # another thread, which knew of no refusal, was given the old one
            return self._once.run(grant_key, lambda: self._renewed(grant_key, ask, refused))
        return found

    def refresh_tokens(self, grant_key: str) -> tuple[str, ...]:
        """As TokenStore says."""
        with self._lock:
            token, _ = self._held.get(grant_key, NONE_HELD)
        return (token.refresh_token,) if token.refresh_token else ()

    def _good(self, key: str, refused: str) -> str:
        with self._lock:
            token, until = self._held.get(key, NONE_HELD)
        return token.value if time.time() < until and token.value != refused else ""

    def _renewed(self, key: str, ask: Callable[[], Token], refused: str) -> str:
        if found := self._good(key, refused):
            return found
        token, now = ask(), time.time()
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = (token, token.held_until(now))
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        return token.value


def grant_key(grant: Grant) -> str:
    """A key for a token, made of everything that the token depends on.

    It is a plain hash of secrets: never store it as it is.
    """
    parts: list[Any] = [
        grant.token_url,
        sorted(grant.parameters.items()),
        grant.client_id,
        grant.client_secret,
        grant.client_in,
    ]
    if said := grant.assertion:  # what is signed says when, so it is no part of the key
        parts += [said.private_key, said.key_id, said.algorithm, sorted(said.claims.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def fetch_token(client: httpx2.Client, grant: Grant) -> Token:
    """Fetches a token from the token service.

    `client`: a guarded one. Raises ProviderError, which carries nothing of the request and the
    answer.
    """
    outcome = _outcome(client, grant)
    if isinstance(
        outcome, ProviderError
    ):  # raised out here, where no frame and no context holds a secret
        raise outcome.with_traceback(None)
    return outcome


def _outcome(client: httpx2.Client, grant: Grant) -> Token | ProviderError:
    host = urlsplit(grant.token_url).netloc
    try:
        response = client.post(grant.token_url, content=_form(grant), headers=_headers_for(grant))
    except ProviderError as error:  # a key that cannot sign
        found = error
    except Exception as error:  # noqa: BLE001 nothing else may leave a provider
        found = from_network(error, host)
    else:
        return _token_or_error(response, host)
    found.__context__ = None
    return found


def _form(grant: Grant) -> bytes:
    form = {name: value for name, value in grant.parameters.items() if value}
    if grant.assertion:
        form["assertion"] = signed(grant.assertion)
    if grant.client_id and not _in_header(grant):
        form |= {"client_id": grant.client_id} | (
            {"client_secret": grant.client_secret} if grant.client_secret else {}
        )
    return urlencode(form).encode()


def _in_header(grant: Grant) -> bool:
    """True if the client's name and secret go into a header. A client without a secret only names
    itself, in the body (RFC 6749, section 3.2.1).
    """
    return grant.client_in == "header" and bool(grant.client_id and grant.client_secret)


def _headers_for(grant: Grant) -> dict[str, str]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if _in_header(
        grant
    ):  # RFC 6749, section 2.3.1: encoded as in a form first, then as RFC 7617 says
        headers["Authorization"] = basic_credentials(
            quote_plus(grant.client_id), quote_plus(grant.client_secret)
        )
    return headers


def _token_or_error(response: httpx2.Response, host: str) -> Token | ProviderError:
    try:
        content = response.json()
    except (ValueError, RecursionError):
        content = None
    body: dict[str, Any] = content if isinstance(content, dict) else {}
    status, said = response.status_code, body.get("error")
    if (
        isinstance(said, str) and said in REFUSALS and "access_token" not in body
    ):  # some answer errors with HTTP 200
        return refusal(said, host)
    if status == 401:
        return refusal("invalid_client", host)
    if not 200 <= status < 300:
        return from_status(status, f"The token service {host}")
    value, kind = body.get("access_token"), body.get("token_type")
    # a header carries it: printable ASCII without blanks
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= LONGEST_TOKEN
        or not all("!" <= one <= "~" for one in value)
    ):
        return ProviderError(NO_TOKEN.format(host=host), "bad_response", True)
    if kind is not None and not str(kind).lower().startswith("bearer"):  # Apigee says BearerToken
        return ProviderError(OTHER_KIND.format(host=host), "bad_response", True)
    seconds = _lifetime(body.get("expires_in"))
    refresh = body.get("refresh_token")
    return Token(
        value,
        None if seconds is None else time.time() + seconds,
        refresh if isinstance(refresh, str) and len(refresh) <= LONGEST_TOKEN else "",
        _refresh_end(body),
    )


def _refresh_end(body: dict[str, Any]) -> float | None:
    """The end of the refresh token, by the words of GitHub and Google, and of Keycloak."""
    for name in ("refresh_token_expires_in", "refresh_expires_in"):
        seconds = _lifetime(body.get(name), LONGEST_REFRESH)
        if seconds:  # Keycloak says 0 of an offline token, which has no end
            return time.time() + seconds
    return None


def _lifetime(said: Any, most: float = LONGEST_SECONDS) -> float | None:
    """Seconds, at most `most`; None for a value that is not a number, which counts as unsaid."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        seconds = float(said)
    except ValueError:
        return None
    except OverflowError:
        return most if isinstance(said, int) and said > 0 else 0.0
    return None if math.isnan(seconds) else min(seconds, most)
