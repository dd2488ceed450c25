"""Google's Gemini API: https://ai.google.dev/api"""

from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx2

from .core.base import Capability, Model, Provider
from .core.chat import ChatRequest, EmbeddingRequest
from .core.errors import ProviderError, bad_response, chain, from_answer, from_status
from .core.registry import register
from .core.results import ChatAnswer, ChatChunk, EmbeddingAnswer
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.google.counts import drop_odd_counts
from .vendors.google.request import SUPPORTED, config_for, contents_for, refused_by
from .vendors.google.response import answer_of, chunks_of, vectors_of
from .vendors.tool_names import GOOGLE, for_vendor, restored, restored_piece

ACTIONS = {
    "generateContent": Capability.CHAT,
    "embedContent": Capability.EMBEDDING,
}
PAGE_SIZE, MOST_MODELS = 1000, 5000  # the largest page there is: ai.google.dev/api/models
MOST_TEXTS = 100  # of one request for embeddings: github.com/langchain-ai/langchainjs/issues/4491
WRONG_KEY = "API key not valid"  # the beginning of its own words
RETRY = "type.googleapis.com/google.rpc.RetryInfo"

# The answers that a step of a stream opened. Dropped, the SDK's generators form a cycle that only
# the garbage collector closes (google-genai 3.4, HttpResponse.__aiter__), so they are closed from
# here.
opened: ContextVar[list[httpx2.Response] | None] = ContextVar("opened", default=None)


class GoogleSettings(NetworkSettings):
    """An account with Google AI Studio."""

    api_key: ApiKey = setting(
        title="API key",
        description="From aistudio.google.com, API keys.",
        environment="GEMINI_API_KEY",
        placeholder="AIza... or $Google:ApiKey",
    )
    base_url: HttpUrl = setting(
        "https://generativelanguage.googleapis.com",
        title="Endpoint",
        description="Where the API lives, without its version.",
        address=True,
        environment="GOOGLE_GEMINI_BASE_URL",
    )
    api_version: Text = setting(
        "v1beta",
        title="API version",
        description="v1beta or v1.",
        group="Advanced",
        pattern=r"^v[0-9a-z]+$",
        max_length=20,
    )


@register
class Google(Provider[GoogleSettings]):
    """The Gemini API, by key. Not Vertex AI."""

    id, name = "google", "Google"
    mark = "googlegemini"
    description = "Gemini models and embeddings."
    docs_url = "https://ai.google.dev"
    keys_url = "https://aistudio.google.com/apikey"
    model_examples = ("gemini-2.5-flash", "gemini-embedding-001")
    price_list = "google"
    telemetry_name = "gcp.gen_ai"
    packages = ("google-genai",)
    sdk = "google.genai"

    @property
    def asks(self) -> str:
        return f"GET {self.settings.base_url.rstrip('/')}/{self.settings.api_version}/models"

    @cached_property
    def client(self) -> Any:
        return self._client(httpx_client=self.http_client())

    @cached_property
    def async_client(self) -> Any:
        return self._async_owner.aio

    @cached_property
    def _async_owner(self) -> Any:
        """Keeps the client: one that nobody holds is closed by the garbage collector."""
        return self._client(httpx_client=self.http_client(), httpx_async_client=self._async_http)

    @cached_property
    def _async_http(self) -> httpx2.AsyncClient:
        client = self.async_http_client()
        # first: the client's own hook reads answers that are no streams
        hooks = [drop_odd_counts, *client.event_hooks["response"], _note]
        client.event_hooks = {"response": hooks}
        return client

    def _client(self, **clients: Any) -> Any:
        from google.genai import Client
        from google.genai.types import HttpOptions, HttpRetryOptions

        options = HttpOptions(
            base_url=self.settings.base_url,
            api_version=self.settings.api_version,
            timeout=int(self.timeout * 1000),
            retry_options=HttpRetryOptions(attempts=self.max_retries + 1),
            **clients,
        )
        # vertexai: or GOOGLE_GENAI_USE_VERTEXAI sends everything to another service (google-genai
        # 3.4)
        return Client(
            vertexai=False, api_key=self.settings.api_key.get_secret_value(), http_options=options
        )

    async def aclose(self) -> None:
        await super().aclose()
        self.__dict__.pop("_async_owner", None)
        if http := self.__dict__.pop("_async_http", None):
            await http.aclose()

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            rows = list(
                islice(self.client.models.list(config={"page_size": PAGE_SIZE}), MOST_MODELS)
            )
            if (
                not rows
            ):  # every account sees models; the SDK reads any JSON object as an empty list
                raise bad_response(self.settings.base_url)
            return [_model(row) for row in rows]

    @property
    def host(self) -> str:
        """The service, for messages."""
        return urlsplit(self.settings.base_url).netloc

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        with self.translated(self.settings.base_url):
            await self.warm()
            request, names = for_vendor(request, GOOGLE)
            found = await self.async_client.models.generate_content(**self._arguments(request))
            return restored(answer_of(found, request.model, self.host), names)

    async def stream_chat(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        with self.translated(self.settings.base_url):
            answers: list[httpx2.Response] = []
            try:
                await self.warm()
                request, names = for_vendor(request, GOOGLE)
                stream = await self.async_client.models.generate_content_stream(
                    **self._arguments(request)
                )
                async for chunk in chunks_of(
                    _noting_answers(stream, answers), request.model, self.host
                ):
                    yield restored_piece(chunk, names)
            finally:
                for answer in answers:
                    await answer.aclose()

    def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        from google.genai.types import Content, GenerateContentConfig

        self.refuse_unless(request, *SUPPORTED)
        contents = [Content.model_validate(one) for one in contents_for(request)]
        return {
            "model": request.model,
            "contents": contents,
            "config": GenerateContentConfig.model_validate(config_for(request)),
        }

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        with self.translated(self.settings.base_url):
            from google.genai.types import Content, Part

            self.refuse_unless(request, "dimensions")
            # one Content each: of plain texts the SDK makes one for all of them, depending on the
            # model's name
            texts = [Content(parts=[Part(text=text)]) for text in request.texts()]
            config = {"output_dimensionality": request.dimensions} if request.dimensions else None
            await self.warm()
            ask = self.async_client.models.embed_content
            batches = [
                texts[start : start + MOST_TEXTS] for start in range(0, len(texts), MOST_TEXTS)
            ]
            pages = [
                await ask(model=request.model, contents=batch, config=config) for batch in batches
            ]
            return vectors_of(pages, len(texts), request.model, self.host)

    @classmethod
    def refused_parameters(cls, model: str, _effort: str | None = None) -> frozenset[str]:
        return refused_by(model)

    def translate(self, error: Exception, host: str) -> ProviderError:
        said = next(
            (cause for cause in chain(error) if isinstance(getattr(cause, "code", None), int)), None
        )
        if said is None:
            return super().translate(error, host)
        details = _details(getattr(said, "details", None))
        # Gemini answers a wrong key with 400; the reason is a code of google.rpc.ErrorInfo:
        # cloud.google.com/apis/design/errors. Proxies before it leave the details out.
        reasons = [one.get("reason") for one in details]
        if "API_KEY_INVALID" in reasons or WRONG_KEY in str(getattr(said, "message", "")):
            refused = from_status(401, host)
            refused.status = getattr(said, "code", None)
            return refused
        return _from_answer(said, details, host)


def _model(row: Any) -> Model:
    identifier = row.name.removeprefix("models/")
    actions = row.supported_actions or []
    return Model(
        identifier,
        row.display_name or identifier,
        frozenset(ACTIONS[one] for one in actions if one in ACTIONS),
        context=row.input_token_limit,
    )


async def _note(answer: httpx2.Response) -> None:
    if (answers := opened.get()) is not None:
        answers.append(answer)


async def _noting_answers(
    stream: AsyncIterator[Any], answers: list[httpx2.Response]
) -> AsyncIterator[Any]:
    """The same stream; the answers that it opens are noted in `answers`."""
    while True:
        token = opened.set(answers)
        try:
            found = await anext(stream)
        except StopAsyncIteration:
            return
        finally:
            opened.reset(token)
        yield found


def _from_answer(error: Any, details: list[dict[str, Any]], host: str) -> ProviderError:
    """The error for one of the SDK's APIErrors.

    The SDK turns an answer that is not JSON into JSON without `error`.
    """
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    told = _first(error.details)
    body = told if isinstance(told, dict) and "error" in told else None
    found = from_answer(error.code, host, headers, body)
    if found.retry_after is None:
        found.retry_after = next(
            (
                _duration_seconds(one.get("retryDelay"))
                for one in details
                if one.get("@type") == RETRY
            ),
            None,
        )
    return found


def _first(body: Any) -> Any:
    """The first object of an array: a stream that fails before it begins may be answered by one."""
    return body[0] if isinstance(body, list) and body else body


def _details(body: Any) -> list[dict[str, Any]]:
    told = _first(body)
    error = told.get("error") if isinstance(told, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _duration_seconds(text: Any) -> float | None:
    """A duration as JSON has it in Google's APIs, `32.5s`."""
    try:
        return float(str(text).removesuffix("s"))
    except ValueError:
        return None
