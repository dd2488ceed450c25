"""Microsoft Foundry: https://learn.microsoft.com/azure/ai-foundry/"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from typing import Any

import httpx2

from .core.base import Capability, Model, WireTarget
from .core.chat import ChatRequest
from .core.errors import bad_response
from .core.registry import register
from .core.results import ChatAnswer, ChatChunk
from .core.settings import setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.azure.openai import AzureProvider, AzureSettings
from .vendors.openai.request import NO_KEY
from .vendors.openai.responses_api import answer_of, chunks_of, request_of
from .vendors.tool_names import restored, restored_piece

# of the deployments list: learn.microsoft.com/rest/api/aifoundry/aiprojects/deployments/list
PROJECT_API_VERSION = "v1"
MOST_PAGES = 20


class MicrosoftFoundrySettings(AzureSettings):
    """A Foundry resource, or one project of it. Names are those of Umbraco.AI."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The resource's address, without a path.",
        address=True,
        environment="AZURE_INFERENCE_ENDPOINT",
        placeholder="https://my-resource.services.ai.azure.com",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="From the Foundry portal: the project's overview.",
        environment="AZURE_INFERENCE_CREDENTIAL",
        shown_when=("auth_mode", "key"),
        required_when_shown=True,
        group="Authentication",
    )
    project_name: Text | None = setting(
        None,
        title="Project",
        description=(
            "Only this project's deployments are listed. Leave empty for all models of the "
            "resource."
        ),
        shown_when=("auth_mode", "meid_token"),
        group="Authentication",
        pattern=r"^[A-Za-z0-9._-]*$",
        max_length=100,
    )
    api_version: Text = setting(
        "2024-10-21", title="API version", description="Version of Azure's API, a date."
    )
    use_responses_api: bool = setting(
        False,
        title="Use the Responses API",
        description="Chat through /responses instead of /chat/completions.",
        group="Advanced",
    )


@register
class MicrosoftFoundry(AzureProvider[MicrosoftFoundrySettings]):
    """The models of a Foundry resource: by its key, or the deployments of a project with Microsoft
    Entra ID.
    """

    id, name = "microsoft-foundry", "Microsoft Foundry"
    telemetry_name = "azure.ai.inference"
    mark = "microsoft"
    description = "Models deployed in Microsoft Foundry, by key or Microsoft Entra ID."
    docs_url = "https://learn.microsoft.com/azure/ai-foundry/"
    model_examples = ("gpt-4o", "text-embedding-3-small")

    @property
    def project_url(self) -> str:
        """The address of the project's own API; empty when the models of the whole resource are
        meant.
        """
        project = self.settings.project_name if self.settings.auth_mode == "meid_token" else ""
        return f"{self.endpoint}/api/projects/{project}" if project else ""

    @property
    def scope(self) -> str:  # type: ignore[override]
        """The project's API wants tokens of its own."""
        return (
            "https://ai.azure.com/.default"
            if self.project_url
            else "https://cognitiveservices.azure.com/.default"
        )

    @property
    def answers_url(self) -> str:
        """The v1 API: all models of the resource, whoever made them, and no api-version
        (learn.microsoft.com, API lifecycle).
        """
        return f"{self.endpoint}/openai/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"api-key": self.api_key} if self.by_key else {}

    @cached_property
    def async_client(self) -> Any:
        from openai import AsyncOpenAI

        key = NO_KEY if self.by_key else self.held_token
        http_client = self.async_http_client()
        return self.sealed(
            AsyncOpenAI(
                api_key=key, base_url=self.answers_url, http_client=http_client, **self.arguments
            )
        )

    async def wire_target(self, capability: Capability, model: str) -> WireTarget | None:
        by_responses = capability is Capability.CHAT and self.settings.use_responses_api
        return None if by_responses else await super().wire_target(capability, model)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        if not self.settings.use_responses_api:
            return await super().chat(request)
        with self.translated(self.answers_url):
            body = request_of(self.asked(request))
            found = await (await self._responses()).create(model=body["model"], extra_body=body)
            names = self.tool_names(request.body())
            return restored(answer_of(found, self.answers_url), names)

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        pieces = (
            self._stream_responses(request)
            if self.settings.use_responses_api
            else super().stream_chat(request)
        )
        async with aclosing(pieces) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _responses(self) -> Any:
        client = await self._made()
        return await asyncio.to_thread(
            lambda: client.responses
        )  # imports more of the SDK when it is first used

    async def _stream_responses(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        with self.translated(self.answers_url):
            body = request_of(self.asked(request))
            stream = await (await self._responses()).create(
                model=body["model"], extra_body=body, stream=True
            )
            names = self.tool_names(request.body())
            async with stream, aclosing(chunks_of(stream, self.answers_url)) as chunks:
                async for chunk in chunks:
                    yield restored_piece(chunk, names)

    @property
    def asks(self) -> str:
        return f"GET {self.project_url}/deployments" if self.project_url else super().asks

    @cached_property
    def project_client(self) -> httpx2.Client:
        """For the project's API, which the openai SDK does not know."""
        return self.http_client({"Authorization": f"Bearer {self.token()}"})

    def list_models(self) -> list[Model]:
        if not self.project_url:
            return super().list_models()
        with self.translated(self.endpoint):
            return [self._deployment(row) for row in self._deployments()]

    def _deployments(self) -> list[Any]:
        """All pages of the list.

        A next page is asked of this very endpoint only, or the token would go where an answer says.
        """
        rows: list[Any] = []
        address = f"{self.project_url}/deployments?api-version={PROJECT_API_VERSION}"
        for _ in range(MOST_PAGES):
            page = self.get_json(self.project_client, address)
            rows += page["value"]
            if not page.get("nextLink"):
                return rows
            address = str(page["nextLink"])
            if not address.startswith(f"{self.endpoint}/"):
                raise bad_response(self.endpoint)
        return rows

    def _deployment(self, row: dict[str, Any]) -> Model:
        flags = row.get("capabilities") or {}
        names = {"chat_completion": Capability.CHAT, "embeddings": Capability.EMBEDDING}
        found = frozenset(
            capability
            for name, capability in names.items()
            if str(flags.get(name)).lower() == "true"
        )
        return Model(
            _checked_text(row["name"]), _checked_text(row.get("modelName") or row["name"]), found
        )


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
