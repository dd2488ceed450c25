"""What Umbraco.AI has beside connections, profiles and usage, and Switchboard has not: contexts,
guardrails, tests, tools, speech to text. Their lists are empty, nothing can be put into them.
"""

from typing import Any

from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.connections import READ
from connections.services import Scope

from .base import UmbracoView


class NotOffered(APIException):
    """400: a capability that no provider here offers."""

    status_code = 400
    default_code = "not_offered"
    default_detail = (
        "No provider here offers SpeechToText, so that no profile can transcribe. There are Chat "
        "and Embedding."
    )


class Empty(UmbracoView):
    """A list of what is not there. `answer`: as long as the contract says how it is empty."""

    access = {"GET": READ, "POST": READ}
    answer: Any = None

    def get(self, _request: Request) -> Response:
        """Nothing."""
        return Response(self.answer)

    def post(self, _request: Request) -> Response:
        """Raises NotFound: nothing can be made."""
        raise NotFound("Switchboard does not have these, so that none can be made.")


class AliasExists(UmbracoView):
    """Tell if an alias is taken: of what is not there, none is."""

    access = {"GET": READ}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """False."""
        return Response(False)


class Transcribe(UmbracoView):
    """Speech to text."""

    access = {"POST": (Scope.GATEWAY_USE.value, "connections.use_profile")}

    def post(self, _request: Request) -> Response:
        """Raises NotOffered, whatever is sent."""
        raise NotOffered
