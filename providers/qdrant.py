"""Qdrant: https://api.qdrant.tech/api-reference"""

from .core.registry import register
from .core.settings import AddressedSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.service import Service


class QdrantSettings(AddressedSettings):
    """A cluster, or a server of your own.

    Names are those of qdrant-client; `url` is promptflow's `api_base`.
    """

    url: HttpUrl = setting(
        title="URL",
        description="Where the REST API listens, with its port.",
        address=True,
        environment="QDRANT_URL",
        placeholder="https://my-cluster.cloud.qdrant.io:6333",
    )
    api_key: ApiKey = setting(
        title="API key",
        description="A database key, from Qdrant Cloud or the server's configuration.",
        environment="QDRANT_API_KEY",
        placeholder="$Qdrant:ApiKey",
    )


@register
class Qdrant(Service[QdrantSettings]):
    """A store of vectors."""

    id, name = "qdrant", "Qdrant"
    description = "Vector database, in Qdrant's cloud or your own."
    docs_url = "https://qdrant.tech/documentation/"
    sign = ("result", "collections")
    # Servers before 1.9 answer a wrong key so: github.com/qdrant/qdrant, src/actix/auth.rs
    on_forbidden = (
        "{host} does not accept this key, or does not allow it to list collections. Enter a valid "
        "key with read access."
    )

    @property
    def address(self) -> str:
        return f"{self.settings.url.rstrip('/')}/collections"

    @property
    def access(self) -> dict[str, str]:
        return {"api-key": self.settings.api_key.get_secret_value()}
