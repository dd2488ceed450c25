"""A request to a service that speaks OpenAI's protocol, in the service's own dialect, and the way
back of the names of tools that it was told under others.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from providers.core.base import Capability, Provider
from providers.core.errors import ProviderError
from providers.core.texts import parse_json
from providers.vendors.openai.request import OpenAIChat

from ..core import sse


@dataclass(slots=True)
class WireRequest:
    """The `body` to send for what was `asked` in OpenAI's format, made again once a refusal has
    taught something.

    `asks_usage`: it is a stream that tells its usage only when it is asked. Raises Unsupported.
    """

    provider: Provider[Any]
    capability: Capability
    asked: dict[str, Any]
    asks_usage: bool
    body: dict[str, Any] = field(init=False)
    names: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        provider, self.body = self.provider, self.provider.wire_body(self.capability, self.asked)
        not_taken: tuple[str, ...] = ()
        if isinstance(provider, OpenAIChat) and self.capability is Capability.CHAT:
            not_taken = provider.not_taken(str(self.asked.get("model", "")))
            self.names = provider.tool_names(self.asked)
        if self.asks_usage and "stream_options" not in not_taken:
            options = self.body.get("stream_options") or {}
            self.body = {**self.body, "stream_options": {**options, "include_usage": True}}

    def learns(self, error: ProviderError) -> bool:
        """True if the refusal told what the service does not take; `body` is then without it."""
        if not isinstance(self.provider, OpenAIChat) or self.capability is not Capability.CHAT:
            return False
        if not self.provider.learns(self.body, error):
            return False
        self.__post_init__()
        return True

    def restored(self, raw: bytes) -> bytes:
        """A whole answer with the caller's names of tools."""
        if not self._is_in(raw):
            return raw
        try:
            found = parse_json(raw)
        except ValueError:
            return raw  # whoever reads it refuses it
        self._restore(found, "message")
        return json.dumps(found).encode()  # which writes halves of characters as they came

    def restored_pieces(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """A stream with the caller's names of tools; without such names as it comes.

        The generator raises what `pieces` raise, and EventTooLongError.
        """
        return self._restored_blocks(pieces) if self.names else pieces

    async def _restored_blocks(
        self, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            async for block in sse.blocks(pieces):
                yield b"".join(map(self._event, sse.events(block))) if self._is_in(block) else block

    def _event(self, one: bytes) -> bytes:
        try:
            found = sse.json_of(one) if self._is_in(one) else None
        except ValueError:
            return one
        if found is None:
            return one
        self._restore(found, "delta")
        return b"data: " + json.dumps(found).encode() + b"\n\n"

    def _is_in(self, data: bytes) -> bool:
        return any(name.encode() in data for name in self.names)

    def _restore(self, found: Any, place: str) -> None:
        """Puts the caller's names into the calls of each choice."""
        choices = found.get("choices") if isinstance(found, dict) else None
        for choice in choices if isinstance(choices, list) else ():
            said = choice.get(place) if isinstance(choice, dict) else None
            calls = said.get("tool_calls") if isinstance(said, dict) else None
            for call in calls if isinstance(calls, list) else ():
                for kind in ("function", "custom"):
                    inner = call.get(kind) if isinstance(call, dict) else None
                    if isinstance(inner, dict) and inner.get("name") in self.names:
                        inner["name"] = self.names[inner["name"]]
