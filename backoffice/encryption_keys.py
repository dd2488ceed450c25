"""FERNET_KEYS: in the environment, in a file, or in a secret store by a reference."""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from connections.conf import resolve_own
from connections.references import is_reference

from .addresses import MASK
from .environment import Environment
from .keys import SHORTEST_KEY, refuse_guessed

NAME, FILE = "FERNET_KEYS", "FERNET_KEYS_FILE"


class StoredKeys(Sequence[str]):
    """Keys of which some are references, asked for once in a process and kept in its memory: a
    store that is away later stops nobody.

    Reading them raises ImproperlyConfigured that names the reference and the cure, while they
    cannot be had; each further reading asks again.
    """

    def __init__(self, given: Sequence[str]) -> None:
        self._given, self._lock = tuple(given), threading.Lock()
        self._found: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"[{', '.join(MASK for _ in self._given)}]"

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
                self._found = tuple(key for one in self._given for key in _keys_of(one))
        return self._found


@sensitive_variables()
def _keys_of(given: str) -> list[str]:
    if not is_reference(given):
        return [given]
    resolution = resolve_own(given)
    if resolution.value is None:
        raise ImproperlyConfigured(f"{NAME}: {given} cannot be read. {resolution.message}")
    found = _entries(resolution.value)
    for key in found:
        refuse_guessed(f"{NAME}, which {given} holds,", key, SHORTEST_KEY)
    if not found:
        raise ImproperlyConfigured(f"{NAME}: {given} is empty. Put a key there.")
    return found


def _entries(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,\n]", text) if one.strip()]


@sensitive_variables()
def read_keys(env: Environment) -> tuple[Sequence[str], list[str]]:
    """The keys, newest first, and the references among them. Raises ImproperlyConfigured."""
    given, path = env.given(NAME), env.file(FILE)
    if given and path:
        raise ImproperlyConfigured(f"{NAME} and {FILE} are both set. Take one away.")
    text = given
    if path:
        try:
            text = Path(path).read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{FILE} is not UTF-8 text.") from None
    entries = _entries(text)
    references = [one for one in entries if is_reference(one)]
    for one in entries:
        if one not in references:
            refuse_guessed(NAME, one, SHORTEST_KEY)
    env.note(NAME, ",".join(one if one in references else MASK for one in entries))
    return (StoredKeys(entries) if references else entries), references
