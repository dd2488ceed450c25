"""The proxies that services are asked through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY."""

from django.core.exceptions import ImproperlyConfigured

from providers.http.proxies import Proxies, Proxy, read_exempt, read_proxy

from .environment import Environment

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
SPELLINGS = (*NAMES, *(name.lower() for name in NAMES))


def read_proxies(env: Environment) -> Proxies | None:
    """The proxies of the environment, None for none. Raises ImproperlyConfigured.

    In lower case they go first, as curl has it.
    """
    https, http = _proxy(env, "HTTPS_PROXY"), _proxy(env, "HTTP_PROXY")
    name = _spelt(env, "NO_PROXY")
    text = env.text(name)
    try:
        exempt = read_exempt(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}") from None
    return Proxies(http, https, exempt) if https or http else None


def _proxy(env: Environment, name: str) -> Proxy | None:
    name = _spelt(env, name)
    text = env.given(name)
    try:
        found = read_proxy(text, name) if text else None
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}") from None
    env.note(name, found.shown if found else "")
    return found


def _spelt(env: Environment, name: str) -> str:
    return name.lower() if env.given(name.lower()) else name
