"""Replacements of keys: what both clients offer, and the requests of it in their order."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import wire
from .calls import Steps, ask, found
from .errors import NotFoundError
from .results import Replacement
from .transport import AsyncTransport, Transport
from .wire import Call


class Replacements:
    """Replacements of keys, by the names of connections."""

    def __init__(self, transport: Transport) -> None:
        self._run = transport.run

    def replace_key(
        self, name: str, settings: Mapping[str, Any], anyway: bool = False
    ) -> Replacement:
        """Tests the next key (`{"apiKey": "..."}`, or a reference) beside the current one, puts it
        in its place and has it watched. `anyway`: even if the service could not be asked.

        Raises ConflictError if the service refuses it, or somebody else replaces the key.
        """
        return self._run(replace_key(name, settings, anyway))

    def get(self, name: str) -> Replacement | None:
        """The replacement that is under way, else the last one; None if the key never was."""
        return self._run(get(name))

    def go_back(self, name: str) -> Replacement:
        """Puts the previous key into its place again. Raises ConflictError if it is not kept."""
        return self._run(go_back(name))

    def forget(self, name: str) -> None:
        """Ends the watch, and has the key that is not used forgotten. Raises NotFoundError."""
        self._run(forget(name))


class AsyncReplacements:
    """As Replacements, asynchronous."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._run = transport.run

    async def replace_key(
        self, name: str, settings: Mapping[str, Any], anyway: bool = False
    ) -> Replacement:
        """As Replacements.replace_key."""
        return await self._run(replace_key(name, settings, anyway))

    async def get(self, name: str) -> Replacement | None:
        """As Replacements.get."""
        return await self._run(get(name))

    async def go_back(self, name: str) -> Replacement:
        """As Replacements.go_back."""
        return await self._run(go_back(name))

    async def forget(self, name: str) -> None:
        """As Replacements.forget."""
        await self._run(forget(name))


def replace_key(name: str, settings: Mapping[str, Any], anyway: bool) -> Steps[Replacement]:
    """The next key, tested and switched."""
    path, body = (yield from _path(name)), {"settings": dict(settings), "anyway": anyway}
    return wire.shaped(Replacement.from_row, (yield from ask(Call("POST", path, body=body))))


def get(name: str) -> Steps[Replacement | None]:
    """The one that matters."""
    path = yield from _path(name)
    try:
        return wire.shaped(Replacement.from_row, (yield from ask(Call("GET", path))))
    except NotFoundError:
        return None


def go_back(name: str) -> Steps[Replacement]:
    """The previous key again."""
    path = f"{(yield from _path(name))}/go-back"
    return wire.shaped(Replacement.from_row, (yield from ask(Call("POST", path))))


def forget(name: str) -> Steps[None]:
    """The end of the watch."""
    yield from ask(Call("DELETE", (yield from _path(name))))


def _path(name: str) -> Steps[str]:
    row = yield from found(name)
    return f"/connections/{quote(row['id'], safe='')}/replacement"
