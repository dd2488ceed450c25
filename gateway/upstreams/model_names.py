"""The model's name in every chunk: some services leave it out, or say null, in some or in all."""

import re

from ..core import sse

# Inside of a text every quote is escaped.
NAMED = re.compile(rb'"model":\s*"')
CHUNK = b'"choices"'


def with_model(block: bytes, model: str) -> bytes:
    """The events of a block, each chunk with a `model`: its own, else this one."""
    if block.count(CHUNK) <= len(NAMED.findall(block)):
        return block
    return b"".join(_named(one, model) for one in sse.events(block))


def _named(one: bytes, model: str) -> bytes:
    if CHUNK not in one or NAMED.search(one) or not one.startswith(b"data:"):
        return one
    try:
        found = sse.json_of(one)
    except ValueError:
        return one
    return one if found is None or "choices" not in found else sse.event({**found, "model": model})
