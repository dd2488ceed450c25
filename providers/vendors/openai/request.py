"""Chats and embeddings in OpenAI's protocol: through the official SDK, or for a caller that sends
the bytes itself.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import httpx2

from providers.core.base import Capability, Provider, WireTarget
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.results import ChatAnswer, ChatChunk, EmbeddingAnswer
from providers.core.settings import NetworkSettings

from ..tool_names import ToolRules, names_told, restored, restored_piece
from .dialect import prepared, rules_of
from .parameters import without
from .refusals import refused_in
from .response import answer_of, chunks_of, failed, vectors_of

SettingsT = TypeVar("SettingsT", bound=NetworkSettings)

NO_KEY = "no-key"  # the SDK refuses to send nothing; `without_no_key` takes it out again
PATHS = {Capability.CHAT: "chat/completions", Capability.EMBEDDING: "embeddings"}
MOST_LEARNED = 1000  # models
OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
STREAMING = ("stream", "stream_options")
# What an answer may hold in OpenAI's protocol and a ChatAnswer does not. As bytes it passes.
NOT_HELD = ("n", "logprobs", "top_logprobs", "functions", "function_call", "modalities", "audio")


def without_no_key(request: httpx2.Request) -> None:
    """Removes the placeholder of a missing key from a request."""
    if request.headers.get("authorization") == f"Bearer {NO_KEY}":
        del request.headers["authorization"]


async def _without_no_key(request: httpx2.Request) -> None:
    without_no_key(request)


class OpenAIChat(Provider[SettingsT]):
    """A provider that answers in OpenAI's protocol.

    A subclass says at which address, with which key and which headers, and in which dialect.
    """

    asks_usage = True  # whether a stream may be asked for its usage, and tells it only then
    tool_rules: ClassVar[ToolRules] = ToolRules()
    refuses: ClassVar[tuple[str, ...]] = ()  # what every connection's service does not take

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What refusals taught, by the model. Who keeps providers may let several share one.
        self.learned: dict[str, frozenset[str]] = {}

    @property
    def answers_url(self) -> str:
        """The address for chats and embeddings, with the API's version."""
        return str(getattr(self.settings, "base_url"))  # noqa: B009 a setting of the subclass

    @property
    def api_key(self) -> str:
        """The key in clear, for the client only; empty when the service wants none."""
        key = getattr(self.settings, "api_key", None)
        return key.get_secret_value() if key else ""

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`; empty for no such header."""
        return self.api_key

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request, beyond the SDK's own."""
        return {}

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of every client of the SDK, besides its HTTP client.

        Nothing is left for it to look up in the environment.
        """
        return {
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "default_headers": self.headers,
            "admin_api_key": "",
            "webhook_secret": "",
        }

    def sealed(self, client: Any) -> Any:
        """The client without values from the environment that no argument keeps out: OPENAI_ORG_ID,
        OPENAI_PROJECT_ID, OPENAI_CUSTOM_HEADERS (openai 3.52).
        """
        client.organization = client.project = None
        client._custom_headers = (
            self.headers
        )  # no public name for it; test_environment.py fails if this stops working
        return client

    def async_http_client(self, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
        client = super().async_http_client(headers)
        client.event_hooks = {**client.event_hooks, "request": [_without_no_key]}
        return client

    @cached_property
    def async_client(self) -> Any:
        from openai import AsyncOpenAI

        http_client = self.async_http_client()
        return self.sealed(
            AsyncOpenAI(
                api_key=self.bearer or NO_KEY,
                base_url=self.answers_url,
                http_client=http_client,
                **self.arguments,
            )
        )

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        with self.translated(self.answers_url):
            found = await self._created(request)
            return restored(answer_of(found, self.answers_url), self.tool_names(request.body()))

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        with self.translated(self.answers_url):
            names = self.tool_names(request.body())
            stream = await self._created(request, stream=True)
            async with (
                stream,
                aclosing(chunks_of(stream, self.answers_url)) as chunks,
            ):  # leaving it ends the request
                async for chunk in chunks:
                    yield restored_piece(chunk, names)

    async def _created(self, request: ChatRequest, **more: Any) -> Any:
        """The SDK's answer, or its stream. A refusal that teaches something is asked about again,
        without what it names.
        """
        client = await self._made()
        while True:
            body = self.asked(request)
            if more and self.asks_usage and "stream_options" not in self.not_taken(request.model):
                body["stream_options"] = {"include_usage": True}
            try:
                return await client.chat.completions.create(**self._sdk_arguments(body), **more)
            except Exception as error:
                if not self.learns(body, self.translate(error, self.answers_url)):
                    raise

    def not_taken(self, model: str) -> tuple[str, ...]:
        """The words for what the service does not take of a request to this model: see `dialect`.

        The provider knows them, the connection says them, or a refusal taught them.
        """
        learned = self.learned.get(model)
        return (*self._not_taken_by_any, *learned) if learned else self._not_taken_by_any

    @cached_property
    def _not_taken_by_any(self) -> tuple[str, ...]:
        said = getattr(self.settings, "not_taken", None) or ""
        return (*self.refuses, *filter(None, said.split(", ")))

    def learns(self, body: dict[str, Any], error: ProviderError) -> bool:
        """True if the refusal of this body says something new that the service does not take.

        It is remembered for the model; the same request is then made without.
        """
        model = str(body.get("model", ""))
        known = frozenset(self.not_taken(model))
        # Who was told the other name for that already refuses for another reason.
        new = {
            word for word in refused_in(body, error) - known if OTHER_NAME.get(word) not in known
        }
        if not new:
            return False
        if len(self.learned) >= MOST_LEARNED:
            self.learned.clear()
        self.learned[model] = self.learned.get(model, frozenset()) | new
        return True

    def tool_names(self, body: dict[str, Any]) -> dict[str, str]:
        """The caller's names of the tools in a chat, by those that the service is told instead."""
        taken = rules_of(self.not_taken(str(body.get("model", ""))), self.tool_rules)
        return names_told(body, taken)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        with self.translated(self.answers_url):
            asked = {**request.body(), "model": request.model, "encoding_format": "float"}
            body = self.wire_body(Capability.EMBEDDING, asked)
            given = request.input
            count = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
            named = {name: body.pop(name) for name in ("model", "input")}
            client = await self._made()
            found = await client.embeddings.create(
                **named, encoding_format="float", extra_body=body
            )
            return vectors_of(found, count, self.answers_url)

    async def wire_target(self, capability: Capability, _model: str) -> WireTarget | None:
        return self.wire(
            f"{self.answers_url.rstrip('/')}/{PATHS[capability]}",
            await self.wire_headers(),
            self.asks_usage,
        )

    async def wire_headers(self) -> dict[str, str]:
        """The headers a request needs, with the credentials. Raises ProviderError."""
        return self._headers_of_settings

    @cached_property
    def _headers_of_settings(self) -> dict[str, str]:
        return ({"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}) | self.headers

    def asked(self, request: ChatRequest) -> dict[str, Any]:
        """The body of a chat, in this service's dialect, that a ChatAnswer can answer.

        Raises Unsupported.
        """
        body = {name: value for name, value in request.body().items() if name not in STREAMING} | {
            "model": request.model
        }
        return self.wire_body(
            Capability.CHAT,
            without(
                body, NOT_HELD, "An answer here is one message of text and tool calls, without {}."
            ),
        )

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        if capability is not Capability.CHAT:
            return body
        words = self.not_taken(str(body.get("model", "")))
        if not self.asks_usage:
            words = (*words, "stream_options")
        return prepared(body, words, self.tool_rules)

    def _sdk_arguments(self, body: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the SDK: what it knows only as JSON goes beside what it demands."""
        known = ("model", "messages")
        return {
            **{name: body[name] for name in known},
            "extra_body": {name: body[name] for name in body if name not in known},
        }

    async def _made(self) -> Any:
        """The client; made beside the event loop, because importing the SDK takes half a second."""
        if "async_client" not in self.__dict__:
            await asyncio.to_thread(
                lambda: (self.async_client.chat.completions, self.async_client.embeddings)
            )
        return self.async_client

    def translate(self, error: Exception, host: str) -> ProviderError:
        body = getattr(error, "body", None)
        if body is None or hasattr(error, "status_code"):
            return super().translate(error, host)
        # an error that came as an event of a stream
        return failed(body, host)
