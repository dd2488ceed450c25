"""The OpenAPI document, and a page to read it on."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
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


@method_decorator(login_not_required, name="dispatch")
class DocsView(TemplateView):
    """Swagger UI from a package, in our own page, under a policy of its own. For everybody."""

    template_name = "connections/api/docs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        schema = f"{request.path.removesuffix('docs')}schema"
        context = {"title": _("The API"), "section": "documents", "schema": schema}
        headers = {"Content-Security-Policy": POLICY}
        return self.render_to_response(self.get_context_data(**context), headers=headers)
