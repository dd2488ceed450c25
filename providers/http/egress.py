"""The guard of outbound addresses: every byte to a provider goes through here.

The check is made on the address that is connected to, after DNS, on every connection (so on every
redirect too): a name that answers differently the second time gains nothing. Where a proxy makes
the connection, the name is judged as far as it can be here.
"""

import ssl
from functools import cache

import httpcore2
import httpx2

from ..core.errors import CompressedAnswer, RedirectRefused
from ..core.request_id import HEADER, REQUEST_ID
from ..core.trace_context import TRACE_HEADERS
from ..core.version import user_agent
from .allowance import Allowance
from .backends import GuardedBackend
from .certificates import note_certificate
from .policy import EgressPolicy
from .proxies import Proxy
from .retries import noted
from .tunnels import TunnelBackend, forwarded, refuse_proxys_own

# An extension of a request: the statuses that its sender judges, so that they are not followed.
JUDGED_REDIRECTS = "judged_redirects"

_own_authorities: list[str] = []  # files, besides the operating system's


def trust_authorities(path: str) -> None:
    """Has every client of this process trust the certificate authorities in a PEM file too, from
    the next context on. Nothing for an empty path.

    Raises ValueError with a sentence for a file that holds none.
    """
    if not path:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # ssl.SSLError is one
        raise ValueError(
            "names a file without certificates. Put PEM into it, with its lines BEGIN CERTIFICATE "
            "and END CERTIFICATE."
        ) from None
    _own_authorities[:] = [path]
    trusted_authorities.cache_clear()


def new_context() -> ssl.SSLContext:
    """A new context that trusts the operating system's certificate authorities and our own.

    What Python 3.13 wants besides is not asked for, so that no update of Python ends what works:
    many a company's authority lacks extensions of RFC 5280.
    https://docs.python.org/3/whatsnew/3.13.html#ssl
    """
    context = httpx2.create_ssl_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    for path in _own_authorities:
        context.load_verify_locations(cafile=path)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@cache
def trusted_authorities() -> ssl.SSLContext:
    """The authorities that every client trusts, read once: reading them takes longer than many a
    request.
    """
    return new_context()


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's own transport on the guarded backend; an answer that redirects to another origin is
    refused.

    httpx2 drops `Authorization` on such a redirect, but not `x-api-key`, `api-key` or a header of
    the user's own. `tls`: the context that judges certificates, None for the system's authorities.
    """

    def __init__(
        self, policy: EgressPolicy, allowance: Allowance, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy, self._allowance, self._tls = policy, allowance, tls or trusted_authorities()
        super().__init__(verify=self._tls)
        # httpx2 offers no argument for the backend; tests/providers/http/test_egress.py fails if
        # this stops working.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=self._tls, network_backend=GuardedBackend(policy, allowance)
        )
        self._proxied: dict[tuple[Proxy, str], _ProxiedTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        add_request_id(request)
        with noted(request) as one:
            proxy = self._policy.proxy_of(request.url)
            found = self._through(proxy, request) if proxy else super().handle_request(request)
            note_certificate(request, found)
            response = one.answered(found)
        try:
            refuse_unsafe_answer(request, response)
        except Exception:
            response.close()
            raise
        return response

    def _through(self, proxy: Proxy, request: httpx2.Request) -> httpx2.Response:
        key = (proxy, request.url.scheme)
        if key not in self._proxied:
            tls, connects = trusted_authorities(), request.url.scheme == "https"
            backend = TunnelBackend(self._policy, self._allowance, proxy, tls, connects)
            self._proxied[key] = _ProxiedTransport(self._tls, backend)
        if request.url.scheme == "https":
            return self._proxied[key].handle_request(request)
        response = self._proxied[key].handle_request(forwarded(request, proxy))
        refuse_proxys_own(response, proxy, request.url)
        return response

    def close(self) -> None:
        for one in self._proxied.values():
            one.close()
        super().close()


class _ProxiedTransport(httpx2.HTTPTransport):
    """httpx2's own transport on a backend that goes through a proxy."""

    def __init__(self, tls: ssl.SSLContext, backend: TunnelBackend) -> None:
        super().__init__(verify=tls)
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, network_backend=backend)


def add_request_id(request: httpx2.Request) -> None:
    """Sends the id of the request that is answered now along, and its trace if there is one, so
    that both logs can be matched.
    """
    if request_id := REQUEST_ID.get():
        request.headers.setdefault(HEADER, request_id)
    for name, value in TRACE_HEADERS.get().items():
        request.headers.setdefault(name, value)


def refuse_unsafe_answer(request: httpx2.Request, response: httpx2.Response) -> None:
    """Raises RedirectRefused for a redirect to another origin, CompressedAnswer for a compressed
    answer, which we did not ask for.

    An answer whose status the request has under JUDGED_REDIRECTS loses its Location: no client
    follows it, so it leads nowhere.
    """
    if response.status_code in request.extensions.get(JUDGED_REDIRECTS, ()):
        response.headers.pop("location", None)
    if response.has_redirect_location:
        target = request.url.join(response.headers["location"])
        if (target.scheme, target.host, target.port) != (
            request.url.scheme,
            request.url.host,
            request.url.port,
        ):
            raise RedirectRefused
    if response.headers.get("content-encoding", "identity") != "identity":
        raise CompressedAnswer  # a few kilobytes can unpack into gigabytes


def client_headers(headers: dict[str, str] | None) -> httpx2.Headers:
    """What each request of a client carries: who asks, unless `headers` say so, these, and that no
    answer is to be compressed.
    """
    found = httpx2.Headers({"User-Agent": user_agent()})
    found.update(headers)
    found["Accept-Encoding"] = "identity"
    return found


def guarded_client(
    policy: EgressPolicy,
    timeout: float,
    *,
    allowance: Allowance | None = None,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> httpx2.Client:
    """A client for an SDK.

    `timeout`: seconds for one step; `allowance`: bounds of a whole act, None for none. `tls`: the
    context that judges certificates, None for the authorities that every client trusts.

    `transport`: one that ends in a GuardedTransport, where something has to happen between that and
    the client.
    """
    return httpx2.Client(
        transport=transport or GuardedTransport(policy, allowance or Allowance(), tls),
        timeout=timeout,
        trust_env=False,
        follow_redirects=True,
        headers=client_headers(headers),
    )
