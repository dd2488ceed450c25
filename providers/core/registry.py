"""The registry of providers: the modules of `providers/`, its manifests, other packages by entry
point, and installed types.
"""

import importlib
import logging
import pkgutil
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar, get_args, get_origin

import providers

from ..manifests.shipped import shipped_providers
from .base import Capability, Provider
from .settings import ProviderSettings
from .values import METHODS

ENTRY_POINT_GROUP = "switchboard.providers"
ID_PATTERN = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")

logger = logging.getLogger(__name__)
_registered: dict[str, type[Provider[Any]]] = {}
_installed: dict[str, type[Provider[Any]]] = {}
_of_files: frozenset[str] = frozenset()
_discovery: Literal["", "begun", "done"] = ""
_discovering = threading.RLock()
ProviderClass = TypeVar("ProviderClass", bound=type[Provider[Any]])


class UnknownProvider(LookupError):
    """The provider does not exist: it never did, or its module or package is gone."""

    def __init__(self, provider_id: str) -> None:
        super().__init__(
            f"There is no provider {provider_id!r} here. Install the connection type or the Python "
            "package that brings it."
        )
        self.provider_id = provider_id


def register(provider: ProviderClass) -> ProviderClass:
    """Registers a provider; a class decorator.

    Raises ValueError for an id that is taken or malformed, and for a class that says it can do what
    it does not implement.
    """
    if not ID_PATTERN.fullmatch(provider.id) or len(provider.id) > 100:
        raise ValueError(
            f"{provider.id!r} is not a provider id: lower case letters and digits, with - . or _ "
            "between them, at most 100"
        )
    if _registered.get(provider.id, provider) is not provider:
        raise ValueError(f"Two providers have the id {provider.id!r}")
    if claim := _untrue_claim(provider):
        raise ValueError(claim)
    provider.Settings = provider.__dict__.get("Settings") or _settings_class(provider)
    _registered[provider.id] = provider
    return provider


def _untrue_claim(provider: type[Provider[Any]]) -> str:
    """A sentence about a difference between claimed and implemented capabilities; empty if none."""
    name, can = provider.__name__, provider.capabilities
    claimed = can if provider.claimed is None else provider.claimed
    if provider.implements("stream_chat") and Capability.CHAT not in can:
        return f"{name} implements stream_chat() for Chat, but not chat(). Implement chat() too."
    if missing := next((one for one in claimed if one not in can), None):
        lack = f"does not implement {METHODS[missing]}()" if missing in METHODS else "nothing can"
        return f"{name} declares {missing}, but {lack}. Mend it, or take {missing} out."
    if unsaid := next((one for one in can if one not in claimed), None):
        method = METHODS[unsaid]
        return (
            f"{name} implements {method}() for {unsaid}, but its capabilities leave that out. "
            "Delete that line: capabilities are read off the methods. What a class inherits and "
            f"cannot do, it gives back: {method} = Provider.{method}."
        )
    return ""


def _discover() -> None:
    """Finds every provider, once. Threads that come meanwhile wait until all are there; a package
    that asks for providers while it is loaded gets those that were found before it.
    """
    global _discovery
    if _discovery == "done":
        return
    with _discovering:
        if _discovery == "begun":  # by this thread, which holds the lock
            return
        if _discovery == "":
            _discovery = "begun"
            try:
                _find_providers()
            except BaseException:
                _discovery = ""
                raise
            _discovery = "done"


def _find_providers() -> None:
    for module in pkgutil.iter_modules(providers.__path__):
        if not module.ispkg:
            importlib.import_module(f"{providers.__name__}.{module.name}")
    for provider in shipped_providers():
        register(provider)
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            entry_point.load()  # its @register does the rest
        except Exception as error:  # one broken package must not take every connection down
            logger.exception(
                "The provider package %s cannot be loaded: %s", entry_point.name, error
            )


def all_providers() -> list[type[Provider[Any]]]:
    """Every provider, by name."""
    _discover()
    return sorted(
        {**_installed, **_registered}.values(), key=lambda provider: provider.name.lower()
    )


def get_provider(provider_id: str) -> type[Provider[Any]]:
    """The provider with this id. Raises UnknownProvider."""
    _discover()
    found = _registered.get(provider_id) or _installed.get(provider_id)
    if found is None:
        raise UnknownProvider(provider_id)
    return found


def is_built_in(provider_id: str) -> bool:
    """True if code or a shipped file brings this id, which then nothing installed can have."""
    _discover()
    return provider_id in _registered


def opens_references(provider_id: str) -> bool:
    """True if references may name a provider's section and variables because it is there: code and
    files bring it, which are the operator's. Whoever installs one would choose what it opens.
    """
    return is_built_in(provider_id) or provider_id in _of_files


def replace_installed(
    providers: Iterable[type[Provider[Any]]], of_files: Iterable[str] = ()
) -> None:
    """Sets the providers that are installed while the application runs. All that are not named are
    gone. `of_files`: the ids that a file of the operator's brings.

    A provider of the code with the same id comes first.
    """
    global _installed, _of_files
    _of_files = frozenset(of_files)
    _installed = {provider.id: provider for provider in providers}


@contextmanager
def registered(provider: type[Provider[Any]]) -> Iterator[None]:
    """Registers a provider for the length of the block. For tests."""
    _discover()
    register(provider)
    try:
        yield
    finally:
        del _registered[provider.id]


def _settings_class(provider: type[Provider[Any]]) -> type[ProviderSettings]:
    """The class named in `Provider[ThisOne]`, so that it need not be written twice."""
    for base in getattr(provider, "__orig_bases__", ()):
        if isinstance(get_origin(base), type) and issubclass(get_origin(base), Provider):
            argument = get_args(base)[0]
            if isinstance(argument, type):
                return argument
    raise TypeError(
        f"{provider.__name__} does not name its settings class: write Provider[ItsSettings]"
    )
