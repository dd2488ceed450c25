"""The model's name in every answer and every chunk: some services leave it out, in some or in all
of them, or say null, an empty text or an object, which no SDK can read.
"""

import re
from typing import Any

from ..core import sse

# Inside of a text every quote is escaped.
NAMED = re.compile(rb'"model":\s*"[^"]')
CHUNK = b'"choices"'


def has_model(found: dict[str, Any]) -> bool:
    """True for an answer or a chunk that names its model."""
    return isinstance(found.get("model"), str) and bool(found["model"])


def with_model(block: bytes, model: str) -> bytes:
    """The events of a block, each chunk with a `model`: its own, else this one."""
    if block.count(CHUNK) <= len(NAMED.findall(block)):
        return block
    return b"".join(_named(one, model) for one in sse.events(block))


def _named(one: bytes, model: str) -> bytes:
    if CHUNK not in one or not one.startswith(b"data:"):
        return one
    try:
        found = sse.json_of(one)
    except ValueError:
        return one
    if found is None or "choices" not in found or has_model(found):
        return one
    return sse.event({**found, "model": model})
