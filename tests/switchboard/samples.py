"""One of every type."""

from typing import Any

from switchboard import (
    AzureAIServicesConnection,
    AzureContentSafetyConnection,
    AzureOpenAIConnection,
    CognitiveSearchConnection,
    Connection,
    CustomConnection,
    FormRecognizerConnection,
    OpenAIConnection,
    QdrantConnection,
    SerpConnection,
    ServerlessConnection,
    WeaviateConnection,
)

KEY = "sk-sdk-a-key-that-nobody-may-see"
PLACE = "https://example.com"


def one_of_each(name: str) -> list[Connection]:
    """Connections as promptflow's snippets make them."""
    given: dict[str, Any] = {"name": name}
    return [
        AzureOpenAIConnection(PLACE, KEY, **given),
        OpenAIConnection(KEY, "org-1", **given),
        AzureAIServicesConnection(PLACE, KEY, **given),
        CognitiveSearchConnection(PLACE, KEY, **given),
        AzureContentSafetyConnection(KEY, PLACE, **given),
        FormRecognizerConnection(KEY, PLACE, **given),
        SerpConnection(KEY, **given),
        ServerlessConnection(KEY, PLACE, **given),
        QdrantConnection(KEY, PLACE, **given),
        WeaviateConnection(KEY, PLACE, **given),
        CustomConnection({"api-key": KEY}, {"region": "eu"}, **given),
    ]


EACH = [type(one).__name__ for one in one_of_each("x")]
