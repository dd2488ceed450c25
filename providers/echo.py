"""Echo: built in, no network, no key.

For trying the product, and for tests that must not leave the machine.
"""

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncIterator

from .core.base import Capability, CheckResult, Model, Provider
from .core.chat import ChatRequest, EmbeddingRequest
from .core.messages import Message, TextPart, Unsupported
from .core.registry import register
from .core.results import ChatAnswer, ChatChunk, EmbeddingAnswer, FinishReason, Usage
from .core.settings import ProviderSettings, setting
from .core.types import Text

TAKEN = ("temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens", "user")
DIMENSIONS, MOST_DIMENSIONS = 8, 4096
WORD = re.compile(r"\s*\S+|\s+")  # a word with the space before it: joined, they are the text again


class EchoSettings(ProviderSettings):
    """Settings of the echo provider."""

    prefix: Text = setting(
        "Echo: ", title="Prefix", description="Put before whatever is echoed.", max_length=200
    )


@register
class Echo(Provider[EchoSettings]):
    """Answers with what it was asked. A token is a word."""

    id, name = "echo", "Echo"
    description = "Built in: answers with what it was asked. Needs no account and no network."
    category = "Built in"
    model_examples = ("echo-1", "echo-embedding-1")
    asks = "itself"

    def list_models(self) -> list[Model]:
        return [
            Model("echo-1", "Echo 1", frozenset({Capability.CHAT})),
            Model("echo-embedding-1", "Echo Embedding 1", frozenset({Capability.EMBEDDING})),
        ]

    def check(self) -> CheckResult:
        return CheckResult(self.asks, 0.0, len(self.list_models()))

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        words, reason, usage = self._answer(request)
        return ChatAnswer(request.model, "".join(words), finish_reason=reason, usage=usage)

    async def stream_chat(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        words, reason, usage = self._answer(request)
        for word in words:
            yield ChatChunk(word, model=request.model)
            await asyncio.sleep(0)  # an answer of any length leaves room for others
        yield ChatChunk(finish_reason=reason, usage=usage, model=request.model)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        self.refuse_unless(request, "dimensions", "user")
        size = request.dimensions or DIMENSIONS
        if size > MOST_DIMENSIONS:
            raise Unsupported(
                "dimensions",
                f"Echo makes vectors of at most {MOST_DIMENSIONS} dimensions. Ask for fewer.",
            )
        texts = request.texts()
        return EmbeddingAnswer(
            request.model,
            tuple(_vector(text, size) for text in texts),
            Usage(sum(map(_count_words, texts))),
        )

    def _answer(self, request: ChatRequest) -> tuple[list[str], FinishReason, Usage]:
        """The words of the answer, the reason of its end, and its usage."""
        self.refuse_unless(request, *TAKEN)
        texts = [_words_of(message) for message in request.messages]
        asked = [
            text
            for message, text in zip(request.messages, texts, strict=True)
            if message.role == "user"
        ]
        said = f"{self.settings.prefix}{(asked or texts)[-1]}"
        words = WORD.findall(
            said[
                : min(
                    (said.find(stop) for stop in request.stops if stop in said), default=len(said)
                )
            ]
        )
        kept = words[: request.longest]
        reason = FinishReason.LENGTH if len(kept) < len(words) else FinishReason.STOP
        return kept, reason, Usage(sum(map(_count_words, texts)), _count_words("".join(kept)))


def _words_of(message: Message) -> str:
    for part in message.parts():
        if not isinstance(part, TextPart):
            raise Unsupported(
                part.type,
                f"Echo reads text only, no {part.type}. Leave it out, or ask a profile of another "
                "provider.",
            )
    return message.text()


def _count_words(text: str) -> int:
    return len(text.split())


def _vector(text: str, size: int) -> tuple[float, ...]:
    """A vector of length 1, the same for the same text."""
    raw = hashlib.shake_256(text.encode()).digest(2 * size)
    numbers = [int.from_bytes(raw[at : at + 2]) / 32767.5 - 1 for at in range(0, len(raw), 2)]
    length = math.hypot(*numbers)
    return tuple(number / length for number in numbers)
