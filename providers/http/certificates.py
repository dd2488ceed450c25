"""The certificates that services show, and those of a connection's own settings: when they end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import httpx2
from cryptography import x509

_seen: ContextVar[dict[str, datetime] | None] = ContextVar("certificates", default=None)


@contextmanager
def noting_certificates() -> Iterator[dict[str, datetime]]:
    """Notes the end of the certificate of each host that is asked inside of the block. No request
    is made for it.
    """
    found: dict[str, datetime] = {}
    token = _seen.set(found)
    try:
        yield found
    finally:
        _seen.reset(token)


def note_certificate(request: httpx2.Request, response: httpx2.Response) -> None:
    """Notes the certificate of an answer that is still open, where somebody notes them."""
    seen = _seen.get()
    if seen is None or (end := certificate_end(response)) is None:
        return
    seen[request.url.netloc.decode("ascii")] = end


def certificate_end(response: httpx2.Response) -> datetime | None:
    """The end of the service's certificate; None without TLS.

    Call it while the answer is still open.
    """
    stream = response.extensions.get("network_stream")
    socket = stream.get_extra_info("ssl_object") if stream else None
    # as bytes it is there even when nobody judged it
    certificate = socket.getpeercert(True) if socket else None
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc if certificate else None


def first_end(pem: str) -> datetime | None:
    """The first end of the certificates in a PEM text; None where it has none that can be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return None
    return min((one.not_valid_after_utc for one in found), default=None)
