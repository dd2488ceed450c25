"""Embeddings of Bedrock: one call for every model, one body for every family of them.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and
.../model-parameters-embed.html
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from providers.core.chat import EmbeddingRequest
from providers.core.messages import Unsupported
from providers.core.results import EmbeddingAnswer, Usage, token_count
from providers.core.texts import parse_json

MOST_TEXTS = 96  # in one call to Cohere
COUNTED = "x-amzn-bedrock-input-token-count"  # in the answer's headers, where its body does not say


@dataclass(frozen=True)
class Family:
    """Models that are called alike.

    `texts`: the most texts in one call; `dimensions`: the name of the vectors' size, "" if it is
    fixed.
    """

    texts: int
    dimensions: str = ""

    @property
    def extras(self) -> tuple[str, ...]:
        """Fields of a request beside its texts that these models know."""
        return ("dimensions", "input_type") if self.texts > 1 else ("dimensions",)


# Beginnings of models' ids.
FAMILIES = {
    "amazon.titan-embed-text-v2": Family(1, "dimensions"),
    "amazon.titan-embed-text-v1": Family(1),
    "amazon.titan-embed-g1-text": Family(1),
    "cohere.embed-v4": Family(MOST_TEXTS, "output_dimension"),
    "cohere.embed-english-v3": Family(MOST_TEXTS),
    "cohere.embed-multilingual-v3": Family(MOST_TEXTS),
}


@dataclass(frozen=True)
class Vectors:
    """The answer of one call. `tokens`: None when the service does not say."""

    vectors: list[list[float]]
    tokens: int | None


def family_of(model: str) -> Family:
    """The family of a model by its id, also one of a region (`eu.cohere...`) or in an ARN.

    Raises Unsupported.
    """
    name = re.sub(r"^[a-z-]+\.(?=(?:amazon|cohere)\.)", "", model.rpartition("/")[2])
    for beginning, family in FAMILIES.items():
        if name.startswith(beginning):
            return family
    raise Unsupported(
        "model",
        f"{model} is not an embedding model of Amazon Bedrock that is known here. Known are "
        f"{', '.join(FAMILIES)}.",
    )


def bodies(request: EmbeddingRequest) -> list[dict[str, Any]]:
    """The bodies of the calls that a request takes, in the order of its texts.

    Raises Unsupported.
    """
    family, texts = family_of(request.model), request.texts()
    if request.dimensions and not family.dimensions:
        raise Unsupported(
            "dimensions",
            f"The vectors of {request.model} have one size only. Leave dimensions out.",
        )
    size = {family.dimensions: request.dimensions} if request.dimensions else {}
    if family.texts == 1:
        return [{"inputText": text, **size} for text in texts]
    kind = (request.model_extra or {}).get("input_type") or "search_document"
    groups = [texts[start : start + family.texts] for start in range(0, len(texts), family.texts)]
    return [{"texts": group, "input_type": kind, **size} for group in groups]


def invoke(boto: Any, model: str, body: dict[str, Any]) -> Vectors:
    """Makes one call with boto3's client.

    Raises what that raises, and KeyError and its like for a response of another shape.
    """
    answer = boto.invoke_model(
        modelId=model,
        body=json.dumps(body),
        contentType="application/json",
        accept="application/json",
    )
    found = parse_json(answer["body"].read())
    vectors = [found["embedding"]] if "inputText" in body else found["embeddings"]
    if isinstance(vectors, dict):  # Cohere, by type of number
        vectors = vectors["float"]
    if len(vectors) != len(body.get("texts", "1")):
        raise ValueError("not one vector for each text")
    counted = found.get(
        "inputTextTokenCount", answer["ResponseMetadata"].get("HTTPHeaders", {}).get(COUNTED)
    )
    return Vectors(
        [[float(number) for number in vector] for vector in vectors],
        token_count(counted),
    )


def embedding_answer(model: str, found: list[Vectors]) -> EmbeddingAnswer:
    """All calls' answers as one."""
    tokens = [one.tokens for one in found if one.tokens is not None]
    vectors = tuple(tuple(vector) for one in found for vector in one.vectors)
    return EmbeddingAnswer(
        model, vectors, Usage(sum(tokens)) if len(tokens) == len(found) else None
    )
