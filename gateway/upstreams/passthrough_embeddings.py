"""Embeddings of services that speak OpenAI's protocol."""

import base64
import struct
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any

from pydantic_core import from_json, to_json

from providers.core.error_bodies import error_in
from providers.core.errors import bad_response
from providers.core.openai_usage import read_usage
from providers.core.results import Usage
from providers.core.texts import parse_json

from ..core import sse
from .model_names import NAMED, has_model
from .passthrough_responses import failed

LONGEST_USAGE = 2000  # bytes
EDGE = 2000  # bytes before and behind the vectors in which the model is named


@dataclass(slots=True)
class PassthroughEmbeddings:
    """Vectors. They are large, so they are not parsed unless somebody wants the numbers.

    `model`: the one that was asked, for an answer that names none. Raises ProviderError when it is
    made of bytes that hold no vectors.
    """

    raw: bytes
    host: str
    model: str

    def __post_init__(self) -> None:
        head, tail = self.raw[:EDGE], self.raw[-EDGE:]
        is_object = head.lstrip().startswith(b"{") and tail.rstrip().endswith(b"}")
        if not is_object or b'"embedding"' not in self.raw:
            error = error_in(_json_or_none(self.raw))
            raise bad_response(self.host) if error is None else failed(error, self.host)
        if not (NAMED.search(head) or NAMED.search(tail)):
            self._name_model()

    def _name_model(self) -> None:
        found = _json_or_none(self.raw)
        if not isinstance(found, dict):
            raise bad_response(self.host)
        if not has_model(found):
            self.raw = to_json({**found, "model": self.model})

    counted = 0  # an embedding has no output

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them, which it tells before or after the vectors."""
        for found in list(sse.USAGE.finditer(self.raw))[-1:]:
            text = self.raw[found.end() - 1 : found.end() + LONGEST_USAGE].decode(errors="replace")
            try:
                return read_usage(JSONDecoder().raw_decode(text)[0])
            except ValueError:
                return None
        return None

    def to_openai(self) -> bytes:
        """The answer as it came."""
        return self.raw

    def vectors(self) -> list[list[float]]:
        """The numbers, in the order of the input. Raises ProviderError for malformed ones."""
        found = []
        try:
            rows = sorted(from_json(self.raw)["data"], key=lambda row: row["index"])
            for row in rows:
                numbers = row["embedding"]
                if isinstance(numbers, str):  # base64 of little-endian 32-bit floats
                    packed = base64.b64decode(numbers)
                    numbers = struct.unpack(f"<{len(packed) // 4}f", packed)
                found.append([float(one) for one in numbers])
        except (ValueError, LookupError, TypeError, struct.error):
            raise bad_response(self.host) from None
        return found


def _json_or_none(raw: bytes) -> Any:
    try:
        return parse_json(raw)
    except ValueError:
        return None
