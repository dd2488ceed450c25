"""TLS of a connection: certificate authorities of its own, or no check at all; certificates that
are shown to a service.
"""

import re
import secrets
import ssl
from functools import lru_cache
from tempfile import NamedTemporaryFile
from typing import Annotated

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from ..core.errors import ProviderError
from ..core.types import LongText
from .credentials import ClientCertificate
from .egress import new_context, trusted_authorities
from .private_keys import private_key

NO_CERTIFICATES = (
    "This is not a certificate. Paste it with its lines BEGIN CERTIFICATE and END CERTIFICATE."
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
MOST_AUTHORITIES = 50


def read_authorities(text: str) -> list[x509.Certificate]:
    """The certificates in a PEM text.

    Raises ValueError with a sentence for people, also for a private key among them.
    """
    if PRIVATE_KEY.search(text):
        raise ValueError(
            "This holds a private key, which belongs nowhere but on its server. Paste the "
            "certificate alone."
        )
    if text.count("-----BEGIN ") > MOST_AUTHORITIES:
        raise ValueError(
            f"These are more than {MOST_AUTHORITIES} certificates. Paste the one of the authority."
        )
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise ValueError(NO_CERTIFICATES) from None


def _authorities(value: str) -> str:
    try:
        read_authorities(value)
    except ValueError as error:
        raise PydanticCustomError("certificate", "{reason}", {"reason": str(error)}) from None
    return value


Certificates = Annotated[LongText, AfterValidator(_authorities)]  # of authorities, as a setting


@lru_cache(maxsize=32)
def tls_context(verify: bool, authorities: str = "") -> ssl.SSLContext | None:
    """The context that judges certificates: not at all, or by the system's authorities and these
    (PEM).

    None: by the system's alone.

    An authority that is not a root is trusted as it is. Raises ValueError for a text that is not
    certificates.
    """
    if not verify:
        return httpx2.create_ssl_context(verify=False)
    if not authorities.strip():
        return None
    return _trusting(authorities)


def _trusting(authorities: str) -> ssl.SSLContext:
    """A new context that trusts these authorities (PEM) besides those of the system."""
    context = new_context()
    if authorities.strip():
        found = read_authorities(authorities)
        pem = "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
        context.load_verify_locations(cadata=pem)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@lru_cache(maxsize=32)
def client_context(one: ClientCertificate) -> ssl.SSLContext:
    """The context that shows a certificate to the service, and judges the service's as usual.

    Raises ProviderError for a text that is not a certificate, not a key, or not the key of this
    certificate.
    """
    plain = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    failure = ""
    try:
        key = private_key(one.private_key, one.passphrase)
        chain = x509.load_pem_x509_certificates(one.certificate.encode())
        context = _trusting(one.authority)
        if chain[0].public_key().public_bytes(*plain) != key.public_key().public_bytes(*plain):
            failure = "The private key is not that of the client certificate. Enter the pair."
    except ProviderError as error:  # its frames hold the key
        failure = error.message
    except ValueError:
        failure = (
            "The client certificate, or its authority, is not a certificate. Paste both again."
        )
    if failure:
        raise ProviderError(failure, "bad_request", True)
    _load_chain(context, chain, key)
    return context


def _load_chain(
    context: ssl.SSLContext, chain: list[x509.Certificate], key: PrivateKeyTypes
) -> None:
    """Puts a certificate and its key into a context. Python reads both from files only, so the key
    is in one for a moment, encrypted with a password that nobody else has.
    """
    password = secrets.token_hex(32)
    locked = BestAvailableEncryption(password.encode())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    pem += b"".join(one.public_bytes(Encoding.PEM) for one in chain)
    with NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name, password=password)


def is_verified(context: ssl.SSLContext | None) -> bool:
    """True if certificates are judged; None is the system's authorities."""
    return (context or trusted_authorities()).verify_mode != ssl.CERT_NONE
