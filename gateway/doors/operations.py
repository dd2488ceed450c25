"""The addresses that the gateway answers in front of Django."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connections.services import Caller

from ..core.errors import GatewayError
from ..routing.gateway import Gateway
from . import management_api, openai_api
from .endpoint import DoorRequest, DoorResponse

Handler = Callable[[Gateway, Caller, DoorRequest], Awaitable[DoorResponse]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One address: its method, its handler, the protocol of its refusals, its name in metrics."""

    method: str
    handler: Handler
    is_openai: bool
    name: str

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers, as the header `Allow` has them."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    def refuse(self, error: GatewayError, path: str) -> DoorResponse:
        """The error in the shape of this operation's protocol."""
        return openai_api.refusal(error) if self.is_openai else management_api.refusal(error, path)


OPENAI = {
    "/v1/chat/completions": Operation("POST", openai_api.chat, True, "v1/chat"),
    "/v1/embeddings": Operation("POST", openai_api.embeddings, True, "v1/embeddings"),
    "/v1/models": Operation("GET", openai_api.models, True, "v1/models"),
}
ONE_MODEL = "/v1/models/"
MANAGEMENT = {
    ("chat", "complete"): Operation("POST", management_api.chat, False, "api/chat"),
    ("chat", "stream"): Operation("POST", management_api.stream, False, "api/stream"),
    ("embeddings", "generate"): Operation(
        "POST", management_api.embeddings, False, "api/embeddings"
    ),
}
UNKNOWN = Operation("", openai_api.models, True, "unknown")
