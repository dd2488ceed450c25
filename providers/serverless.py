"""A model behind a serverless endpoint of Azure:
https://learn.microsoft.com/azure/ai-foundry/how-to/deploy-models-serverless
"""

from typing import Any

from .core.base import Capability, Model, Provider
from .core.errors import ProviderError
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.openai.compatible import OpenAICompatible
from .vendors.service import versioned

INFO_API_VERSION = (
    "2024-05-01-preview"  # learn.microsoft.com/rest/api/aifoundry/model-inference/get-model-info
)


class ServerlessSettings(NetworkSettings):
    """An endpoint with one model. `endpoint` is promptflow's `api_base`."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The target URI of the deployment. /v1 is appended unless it ends so.",
        address=True,
        environment="AZURE_AI_CHAT_ENDPOINT",
        placeholder="https://my-model.eastus2.models.ai.azure.com",
    )
    api_key: ApiKey = setting(
        title="API key",
        description="From the Foundry portal: the deployment, Key.",
        environment="AZURE_AI_CHAT_KEY",
        placeholder="$Serverless:ApiKey",
    )


@register
class Serverless(OpenAICompatible[ServerlessSettings]):
    """A deployed model that speaks OpenAI's protocol under /v1.

    Some endpoints list no models there, but tell theirs at /info.
    """

    id, name = "serverless", "Azure serverless endpoint"
    telemetry_name = "azure.ai.inference"
    mark = "microsoft"
    description = "A single model behind an endpoint of Azure's model catalog."
    docs_url = "https://learn.microsoft.com/azure/ai-foundry/how-to/deploy-models-serverless"
    model_examples = ("Llama-3.3-70B-Instruct", "Mistral-Large-2411")

    embed = Provider.embed  # every endpoint is one model that chats
    # They know max_tokens only:
    # learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions
    refuses = ("max_completion_tokens", "echoes", "cache_control")

    @property
    def base_url(self) -> str:
        endpoint = self.settings.endpoint.rstrip("/")
        return endpoint if endpoint.endswith("/v1") else f"{endpoint}/v1"

    @property
    def answers_url(self) -> str:
        return self.base_url

    @property
    def info_url(self) -> str:
        """The address at which the endpoint tells its model."""
        return versioned(self.base_url.removesuffix("/v1"), "/info", INFO_API_VERSION)

    @property
    def asks(self) -> str:
        return f"{super().asks}, or {self.info_url} where there is none"

    def list_models(self) -> list[Model]:
        try:
            return super().list_models()
        except ProviderError as error:
            if error.code != "not_found":
                raise
        return [self._deployed()]

    def _deployed(self) -> Model:
        """The one model, as the endpoint itself tells.

        Raises ProviderError.
        """
        with self.translated(self.info_url, same_act=True):
            name = self.get_json(
                self.http_client({"Authorization": f"Bearer {self.api_key}"}), self.info_url
            )["model_name"]
            if not isinstance(name, str):
                raise TypeError
            return Model(name, name, frozenset({Capability.CHAT}))

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        return super().capabilities_of(row) & frozenset(self.capabilities)
