"""The OpenAPI document, and a page to read it on."""

from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from ..catalog import confirm_types

# Swagger UI has icons in data: addresses and sets styles on elements. Its scripts are served here.
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'; object-src 'none'"
)


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """The document, for everybody. The types that were installed here are in it for those who may
    see connections.
    """

    permission_classes = []
    renderer_classes = [OpenApiJsonRenderer, OpenApiYamlRenderer]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        confirm_types()
        response: Response = super().get(request, *args, **kwargs)
        return response


@extend_schema(exclude=True)
class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from a package, under a policy of its own."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        return response
