"""Weaviate: https://docs.weaviate.io/weaviate/api/rest"""

from .core.registry import register
from .core.settings import AddressedSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.service import Service


class WeaviateSettings(AddressedSettings):
    """A cluster, or a server of your own. `url` is promptflow's `api_base`."""

    url: HttpUrl = setting(
        title="URL",
        description="Where the REST API listens, without /v1.",
        address=True,
        environment="WEAVIATE_URL",
        placeholder="https://my-cluster.weaviate.cloud",
    )
    api_key: ApiKey = setting(
        title="API key",
        description="From Weaviate Cloud, or the server's configuration.",
        environment="WEAVIATE_API_KEY",
        placeholder="$Weaviate:ApiKey",
    )


@register
class Weaviate(Service[WeaviateSettings]):
    """A store of objects and their vectors."""

    id, name = "weaviate", "Weaviate"
    description = "Vector database, in Weaviate's cloud or your own."
    docs_url = "https://docs.weaviate.io/weaviate"
    sign = ("version",)

    @property
    def address(self) -> str:
        return f"{self.settings.url.rstrip('/').removesuffix('/v1')}/v1/meta"

    @property
    def access(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"}
