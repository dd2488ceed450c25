"""The base of services that are asked over plain HTTP: an authenticated client that is bound to
their hosts, and a test request.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

import httpx2

from ..core.base import CheckResult, Model, Provider
from ..core.ends import KeyEnd
from ..core.errors import ProviderError, RedirectRefused, from_status
from ..core.settings import ProviderSettings
from .allowance import LARGEST_ANSWER, Allowance
from .auth import AccessTransport
from .certificates import certificate_end
from .checks import TestRequest, _days, _end_told, _error_of, _unexpected, _value_at
from .credentials import Credential, Grant, OAuth2
from .egress import JUDGED_REDIRECTS, GuardedTransport, guarded_client
from .hosts import Hosts, origin_host, with_query
from .oauth2_client import MemoryTokens, Token, TokenStore, fetch_token, grant_key
from .tls import is_verified

SettingsT = TypeVar("SettingsT", bound=ProviderSettings)

# a token service that takes longer is broken; workers that wait for one another count on it
TOKEN_SECONDS = 15.0
LOOKED_AT = frozenset(
    {401, 403, 407}
)  # statuses that fail even where nothing but an answer is asked for
NOTHING_ASKED = (
    "Every value resolves. Nothing was asked over the network, because there is no address to ask."
)
BILLED = (
    "Every value resolves. Nothing was asked over the network, because a test request costs money."
)


class HttpService(Provider[SettingsT]):
    """A service with an address and credentials.

    A subclass says which they are, and how the service is tested.

    `client` is an httpx2.Client with the base URL; the credentials are added below it and go to
    `allowed_hosts` only.
    """

    category = "Other services"
    tokens: TokenStore = MemoryTokens()

    @property
    def base_url(self) -> str:
        """The address of the service; empty when there is nobody to ask."""
        raise NotImplementedError

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The hosts that credentials may go to, `host`, `host:port` or `*.example.com`.

        The base URL must be at one of them.
        """
        host = origin_host(self.base_url)
        return (host,) if host else ()

    @property
    def access(self) -> tuple[Credential, ...]:
        """The credentials of every request."""
        return ()

    @property
    def grant_keys(self) -> list[str]:
        """The names of the grants for which tokens are fetched: secrets, never stored as they
        are.
        """
        return [grant_key(one.grant) for one in self.access if isinstance(one, OAuth2)]

    @property
    def extra_headers(self) -> dict[str, str]:
        """Headers for requests that have none of that name."""
        return {}

    @property
    def test_request(self) -> TestRequest | None:
        """The request of a check. None: any answer of the base URL passes."""
        return None

    @cached_property
    def client(self) -> httpx2.Client:
        """The authenticated client.

        Bad credentials are raised as ProviderError at the first request.
        """
        guarded = GuardedTransport(self.egress, self.allowance, self.tls)
        hosts, extra = Hosts(self.base_url, self.allowed_hosts), self.extra_headers
        client = guarded_client(
            self.egress,
            self.timeout,
            transport=AccessTransport(guarded, self.access, hosts, self._token, extra),
        )
        client.base_url = self.base_url
        for name in extra:
            client.headers.pop(name, None)  # the client's own User-Agent and Accept
        return client

    def _token(self, grant: Grant, refused: str) -> str:
        return self.tokens.token(grant_key(grant), lambda: self._renewed(grant), refused)

    def _renewed(self, grant: Grant) -> Token:
        """A new token. For a grant by a refresh token, by the newest one that the service gave."""
        if grant.parameters.get("grant_type") != "refresh_token":
            return replace(self.fetched(grant), refresh_token="")
        for newer in self.tokens.refresh_tokens(grant_key(grant)):
            parameters = {**grant.parameters, "refresh_token": newer}
            try:
                token = self.fetched(replace(grant, parameters=parameters))
            except ProviderError as error:
                if error.code != "unauthorized":
                    raise
            else:
                return replace(token, refresh_token=token.refresh_token or newer)
        return self.fetched(grant)

    def renew_tokens(self) -> None:
        """Fetches each OAuth2 token anew, also one that is still good. Raises ProviderError, and
        then the old one is still handed out.
        """
        for grant in [one.grant for one in self.access if isinstance(one, OAuth2)]:
            fetched: list[Token] = []

            def ask(grant: Grant = grant, fetched: list[Token] = fetched) -> Token:
                fetched.append(self._renewed(grant))
                return fetched[-1]

            held = self.tokens.token(grant_key(grant), ask)
            if not fetched:
                self.tokens.token(grant_key(grant), ask, held)

    def fetched(self, grant: Grant) -> Token:
        """A new token, by a client of its own: the other one's hosts are not those of the token
        service. Raises ProviderError.
        """
        seconds = min(self.timeout, TOKEN_SECONDS)
        allowance = Allowance(seconds, LARGEST_ANSWER)
        with guarded_client(
            self.egress, seconds, transport=GuardedTransport(self.egress, allowance, self.tls)
        ) as client:
            return fetch_token(client, grant)

    def list_models(self) -> list[Model]:
        """Returns an empty list and asks nothing: the service has no models."""
        return []

    @property
    def asks(self) -> str:
        if not self.base_url:
            return "that every value resolves; over the network nothing is asked"
        request = self.test_request or TestRequest()
        return f"{request.method} {self._address(request)}"

    @property
    def has_free_check(self) -> bool:
        request = self.test_request
        cost = request.cost if request and self.check_cost != "billed" else self.check_cost
        return bool(self.base_url) and cost == "free"

    def check(self) -> CheckResult:
        """Makes the test request, or looks whether anybody answers. Raises ProviderError."""
        started, request = time.monotonic(), self.test_request
        key_end: KeyEnd | None = None
        if not self.base_url:
            verdict = NOTHING_ASKED
        elif "billed" in (self.check_cost, request.cost if request else ""):
            verdict = BILLED
        else:
            with self.translated((request and request.base_url) or self.base_url):
                if request:
                    verdict, key_end = self._tested(request)
                else:
                    verdict = self._reached()
        seconds = time.monotonic() - started
        return CheckResult(self.asks, seconds, verdict=verdict, key_end=key_end)

    def _address(self, request: TestRequest) -> httpx2.URL:
        base, path = request.base_url or self.base_url, request.path
        is_below = path and not path.startswith("?")
        url = httpx2.URL(f"{base.rstrip('/')}/{path.lstrip('/')}" if is_below else base + path)
        for name, value in request.query.items():
            url = with_query(url, name, value)
        return url

    def _sent(self, request: TestRequest, client: httpx2.Client | None = None) -> httpx2.Response:
        """Sends a request and returns the open answer. A redirect is followed unless the request
        names its status. `client`: instead of the authenticated one.
        """
        client = client or self.client
        headers = {
            **request.headers,
            **({"Content-Type": request.content_type} if request.content_type else {}),
        }
        built = client.build_request(
            request.method,
            self._address(request),
            headers=headers,
            content=request.body.encode() or None,
            extensions={JUDGED_REDIRECTS: request.ok | request.failures.keys()},
        )
        return client.send(built, stream=True)

    def _tested(self, request: TestRequest) -> tuple[str, KeyEnd | None]:
        """The verdict, and the end of the key as far as the answer tells it."""
        response = self._sent(request)
        try:
            certificate = self._certificate(response)
            self._judge(request, response)
            key_end = _end_told(request, response, self._address(request).netloc.decode())
        finally:
            response.close()
        return f"It works: HTTP {response.status_code}.{certificate}", key_end

    def _judge(self, request: TestRequest, response: httpx2.Response) -> None:
        """Raises ProviderError for an answer that does not pass."""
        status, host = response.status_code, self._address(request).netloc.decode()
        passes, failure = request.passes(status), request.failures.get(status)
        if passes and (
            not request.json_path or _value_at(response, request.json_path) in request.json_values
        ):
            return
        if failure:
            raise _error_of(failure, status, host)
        if passes:
            text = (
                f"{host} answered HTTP {status}, but not what shows that it works. Check the "
                "credentials and the address."
            )
            raise ProviderError(text, "bad_response", True)
        raise self._refused(status, host) if status >= 300 else _unexpected(request, status, host)

    def _refused(self, status: int, host: str) -> ProviderError:
        if status == 401 and not self.access:
            text = (
                f"{host} wants credentials, and this connection has none. Choose how to "
                "authenticate."
            )
            return ProviderError(text, "unauthorized", True)
        return from_status(status, host)

    def _reached(self) -> str:
        try:
            response = self._sent(TestRequest())
        except ProviderError as error:
            if not isinstance(error.__cause__, RedirectRefused):
                raise
            return (
                "It answers with a redirect to another address, which is not followed. Nothing is "
                "known about the credentials."
            )
        try:
            certificate, status = self._certificate(response), response.status_code
        finally:
            response.close()
        if status in LOOKED_AT or status >= 500:
            raise self._refused(status, httpx2.URL(self.base_url).netloc.decode())
        return f"It answers: HTTP {status}. {self._about_credentials}{certificate}"

    @property
    def _about_credentials(self) -> str:
        if not self.access:
            return "Nobody checked credentials: there are none."
        return (
            "Nothing is known about the credentials, because there is no test request that needs "
            "them."
        )

    def _certificate(self, response: httpx2.Response) -> str:
        """A sentence about the certificate, with a blank before it; empty without TLS."""
        end = certificate_end(response)
        if end is None:
            return ""
        days = (end - datetime.now(UTC)).days
        when = f"{'ends' if days >= 0 else 'ended'} on {end:%Y-%m-%d}, {_days(days)}"
        return (
            f" The certificate {when}."
            if is_verified(self.tls)
            else f" The certificate was not verified; it {when}."
        )
