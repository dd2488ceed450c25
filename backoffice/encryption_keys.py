"""FERNET_KEYS: in the environment, in a file, in a secret store by a reference, or wrapped by a key
service.
"""

import threading
from collections.abc import Sequence
from typing import overload

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from connections.conf import resolve_own
from connections.references import is_reference
from connections.sources import SourceError
from connections.wrapped_keys import is_wrapped, parse_wrapped_key, unwrap

from .addresses import MASK
from .environment import Environment
from .keys import SHORTEST_KEY, refuse_guessed
from .secret_files import entries

NAME = "FERNET_KEYS"


class StoredKeys(Sequence[str]):
    """Keys of which some are references or wrapped, asked for once in a process and kept in its
    memory: a store or a key service that is away later stops nobody. `given`: the entries as they
    were written.

    Reading them raises ImproperlyConfigured that names the reference or the wrapping key, and the
    cure, while they cannot be had; each further reading asks again.
    """

    def __init__(self, given: Sequence[str]) -> None:
        self.given, self._lock = tuple(given), threading.Lock()
        self._found: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"[{', '.join(MASK for _ in self.given)}]"

    def __bool__(self) -> bool:
        return True

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        return self._read()[at]

    def __len__(self) -> int:
        return len(self._read())

    @sensitive_variables()
    def _read(self) -> tuple[str, ...]:
        with self._lock:
            if not self._found:
                self._found = tuple(key for one in self.given for key in _keys_of(one))
        return self._found


@sensitive_variables()
def _keys_of(given: str) -> list[str]:
    if is_wrapped(given):
        return [_unwrapped(given)]
    if not is_reference(given):
        return [given]
    resolution = resolve_own(given)
    if resolution.value is None:
        raise ImproperlyConfigured(f"{NAME}: {given} cannot be read. {resolution.message}")
    found = entries(resolution.value)
    for key in found:
        if is_wrapped(key):
            raise ImproperlyConfigured(
                f"{NAME}: {given} holds a wrapped key. Put it into {NAME} itself."
            )
        refuse_guessed(f"{NAME}, which {given} holds,", key, SHORTEST_KEY)
    if not found:
        raise ImproperlyConfigured(f"{NAME}: {given} is empty. Put a key there.")
    return found


@sensitive_variables()
def _unwrapped(entry: str) -> str:
    wrapped = parse_wrapped_key(entry)
    try:
        key = unwrap(wrapped)
    except SourceError as error:
        message = f"{NAME}: the data key that {wrapped.by} wraps cannot be opened. {error}"
        raise ImproperlyConfigured(message) from None
    if not key:
        raise ImproperlyConfigured(f"{NAME}: the data key that {wrapped.by} wraps is empty.")
    refuse_guessed(f"{NAME}, of which {wrapped.by} wraps one,", key, SHORTEST_KEY)
    return key


def _shown(entry: str) -> str:
    """An entry as it may be shown."""
    if is_wrapped(entry):
        return f"{parse_wrapped_key(entry).by}:{MASK}"
    return entry if is_reference(entry) else MASK


@sensitive_variables()
def read_keys(env: Environment) -> tuple[Sequence[str], list[str]]:
    """The keys, newest first, and the references among them. Raises ImproperlyConfigured."""
    given = entries(env.given_secret(NAME))
    references = [one for one in given if is_reference(one)]
    asked = [one for one in given if is_wrapped(one) or one in references]
    for one in given:
        if is_wrapped(one):
            try:
                parse_wrapped_key(one)
            except ValueError as error:
                raise ImproperlyConfigured(f"An entry of {NAME} {error}") from None
        elif one not in asked:
            refuse_guessed(NAME, one, SHORTEST_KEY)
    env.note(NAME, ",".join(map(_shown, given)))
    return (StoredKeys(given) if asked else given), references
