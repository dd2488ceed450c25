"""Microsoft Foundry: https://learn.microsoft.com/azure/ai-foundry/"""

from functools import cached_property
from typing import Any

import httpx2

from ._azure import AzureProvider, AzureSettings
from .base import Capability, Model, setting
from .errors import bad_response
from .registry import register
from .types import ApiKey, HttpUrl, Text

PROJECT_API_VERSION = "v1"  # of the deployments list: learn.microsoft.com/rest/api/aifoundry/aiprojects/deployments/list
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
        description="Only this project's deployments are listed. Leave empty for all models of the resource.",
        shown_when=("auth_mode", "meid_token"),
        group="Authentication",
        pattern=r"^[A-Za-z0-9._-]*$",
        max_length=100,
    )
    api_version: Text = setting("2024-10-21", title="API version", description="Version of Azure's API, a date.")
    use_responses_api: bool = setting(
        False, title="Use the Responses API", description="Chat through /responses instead of /chat/completions.", group="Advanced"
    )


@register
class MicrosoftFoundry(AzureProvider[MicrosoftFoundrySettings]):
    """The models of a Foundry resource: by its key, or the deployments of a project with Microsoft Entra ID."""

    id, name = "microsoft-foundry", "Microsoft Foundry"
    description = "Models deployed in Microsoft Foundry, by key or Microsoft Entra ID."
    docs_url = "https://learn.microsoft.com/azure/ai-foundry/"
    model_examples = ("gpt-4o", "text-embedding-3-small")

    @property
    def project_url(self) -> str:
        """Where the project's own API lives; empty when the models of the whole resource are meant."""
        project = self.settings.project_name if self.settings.auth_mode == "meid_token" else ""
        return f"{self.endpoint}/api/projects/{project}" if project else ""

    @property
    def scope(self) -> str:  # type: ignore[override]
        """The project's API wants tokens of its own."""
        return "https://ai.azure.com/.default" if self.project_url else "https://cognitiveservices.azure.com/.default"

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
        """All pages of the list. A next page is asked of this very endpoint only, or the token would go where an answer says."""
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
        found = frozenset(capability for name, capability in names.items() if str(flags.get(name)).lower() == "true")
        return Model(_text(row["name"]), _text(row.get("modelName") or row["name"]), found)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
