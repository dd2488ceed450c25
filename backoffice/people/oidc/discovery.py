"""What a provider publishes of itself: its endpoints and its keys. Both are kept in the memory of
the worker, and go on from there while the provider is away.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt

from ...identity_providers import LOOPBACK, IdentityProvider
from . import wire
from .wire import ProviderAway

FRESH = {"endpoints": 3600.0, "keys": 900.0}  # seconds for which nothing is asked again
FAILED = 10.0  # seconds after a failure in which nobody else waits for the same
KEYS_EVERY = 10.0  # seconds between two looks for a key that is not there


@dataclass(frozen=True)
class Endpoints:
    """Where a provider is asked; empty for what it has not."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    end_session: str
    client_in_header: bool
    scopes: tuple[str, ...]


@dataclass
class _Kept:
    value: Any = None
    told_at: float = float("-inf")
    failed_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept: dict[tuple[str, str], _Kept] = {}


def forget() -> None:
    """Forgets what providers published; for tests, in which they change."""
    _kept.clear()


def endpoints(provider: IdentityProvider) -> Endpoints:
    """Where the provider is asked. Raises ProviderAway."""
    found: Endpoints = _remembered(provider, "endpoints", lambda: _ask_endpoints(provider))
    return found


def key_of(provider: IdentityProvider, key_id: str | None, algorithm: str) -> Any:
    """The public key of this name, of the kind that the algorithm needs; None if the provider has
    none. One that is not known yet is asked for: providers change their keys.

    Raises ProviderAway.
    """
    found = _chosen(_keys(provider), key_id, algorithm)
    if found is None and time.monotonic() - _place(provider, "keys").told_at > KEYS_EVERY:
        _place(provider, "keys").told_at = float("-inf")
        found = _chosen(_keys(provider), key_id, algorithm)
    return found


def _keys(provider: IdentityProvider) -> list[jwt.PyJWK]:
    found: list[jwt.PyJWK] = _remembered(provider, "keys", lambda: _ask_keys(provider))
    return found


def _chosen(keys: list[jwt.PyJWK], key_id: str | None, algorithm: str) -> Any:
    kind = {"R": "RSA", "P": "RSA", "E": "EC" if algorithm.startswith("ES") else "OKP"}
    fitting = [
        one
        for one in keys
        if one.key_type == kind.get(algorithm[:1])
        and one.public_key_use in (None, "sig")
        and (key_id is None or one.key_id == key_id)
    ]
    return fitting[0].key if fitting and (key_id is not None or len(fitting) == 1) else None


def _place(provider: IdentityProvider, kind: str) -> _Kept:
    return _kept.setdefault((provider.issuer, kind), _Kept())


def _remembered(provider: IdentityProvider, kind: str, ask: Callable[[], Any]) -> Any:
    """What is kept, asked anew when it is old. One thread asks, and the others go on with what was
    told before.
    """
    kept = _place(provider, kind)
    if time.monotonic() - kept.told_at < FRESH[kind]:
        return kept.value
    if not kept.lock.acquire(timeout=0 if kept.value is not None else wire.WHOLE_SECONDS):
        if kept.value is not None:
            return kept.value
        raise ProviderAway("others wait for it")
    try:
        now = time.monotonic()
        if now - kept.told_at >= FRESH[kind] and now - kept.failed_at >= FAILED:
            try:
                kept.value, kept.told_at = ask(), time.monotonic()
            except ProviderAway:
                kept.failed_at = time.monotonic()
                if kept.value is None:
                    raise
        if kept.value is None:
            raise ProviderAway("it did not answer a moment ago")
        return kept.value
    finally:
        kept.lock.release()


def _ask_endpoints(provider: IdentityProvider) -> Endpoints:
    # a slash at the end of an issuer is dropped: OpenID Connect Discovery 1.0, section 4.1
    place = provider.issuer.rstrip("/")
    told = wire.get_json(f"{place}/.well-known/openid-configuration")
    if told.get("issuer") != provider.issuer:
        raise ProviderAway("its document names another issuer")

    def address(name: str, is_needed: bool = True) -> str:
        found = told.get(name)
        if found is None and not is_needed:
            return ""
        if not isinstance(found, str) or not _is_safe(found):
            raise ProviderAway(f"its document has no {name} that can be used")
        return found

    ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        authorization=address("authorization_endpoint"),
        token=address("token_endpoint"),
        keys=address("jwks_uri"),
        userinfo=address("userinfo_endpoint", is_needed=False),
        end_session=address("end_session_endpoint", is_needed=False),
        client_in_header="client_secret_post" not in ways,
        scopes=tuple(str(one) for one in told.get("scopes_supported") or ()),
    )


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)


def _ask_keys(provider: IdentityProvider) -> list[jwt.PyJWK]:
    try:
        return jwt.PyJWKSet.from_dict(wire.get_json(endpoints(provider).keys)).keys
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        raise ProviderAway("its keys cannot be read") from None
