"""The facts of the request that is answered now, for its log lines and its span.

Whoever learns one tells it once, wherever that is: the server, which writes the line, has made the
dictionary, and tasks and threads of the request share it.
"""

from contextvars import ContextVar
from typing import Any

# None outside of a request.
ABOUT: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)


def tell(**facts: Any) -> None:
    """Adds facts by the names that log lines give them, such as `person` or `outcome`. Nothing
    outside of a request.
    """
    about = ABOUT.get()
    if about is not None:
        about.update(facts)
