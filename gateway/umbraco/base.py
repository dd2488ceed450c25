"""The base of the views: statuses of Umbraco.AI's contract, and the shape of what is answered."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView

# Capabilities of Umbraco.AI that no provider here offers, in lower case.
NOT_OFFERED = {
    one.lower(): one for one in ("SpeechToText", "ImageGeneration", "Media", "Moderation")
}


class UmbracoView(ApiView):
    """Base of the views. Before a view of the API, it gives what that answers another shape."""

    def shaped(self, data: Any) -> Any:
        """The body of a success as Umbraco.AI's client expects it."""
        return data

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """The contract knows no 409: what is taken or in use is a bad request there."""
        if response.status_code == 409:
            response.status_code = 400
            changed = {"title": "Bad Request", "status": 400}
            response.data = {**response.data, **changed}
        elif response.status_code < 300 and response.data is not None:
            response.data = self.shaped(response.data)
        found: Response = super().finalize_response(request, response, *args, **kwargs)
        return found


class UmbracoList(UmbracoView):
    """Base of the lists that can be asked for a capability."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page; an empty one for a capability that only Umbraco.AI knows."""
        if request.query_params.get("capability", "").lower() in NOT_OFFERED:
            return Response({"total": 0, "items": []})
        found: Response = super().get(request, *args, **kwargs)  # type: ignore[misc]
        return found


class UmbracoDetail(UmbracoView):
    """Base of the views of one row."""

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """200 without a body, which the contract has in the place of 204."""
        super().delete(request, *args, **kwargs)  # type: ignore[misc]
        return Response()
