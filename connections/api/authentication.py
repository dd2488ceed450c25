"""Who asks: a bearer token, or a signed-in browser with its CSRF token.

And what the token's scopes allow.
"""

from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .. import services
from ..models import ApiToken


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer sb_...`; `request.auth` is the token's row."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        token = services.authenticate_token(words[1].decode("latin-1")) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked.", "invalid_token"
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document names it."""

    target_class, name = "connections.api.authentication.TokenAuthentication", "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class AccessPermission(BasePermission):
    """A view's `access` says for each method which scope a token needs and which permission its
    user needs to come in.

    The services judge again. Here it comes before the look-up, so that a refusal tells nothing
    about what exists.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        scope, permission = view.access.get(
            "GET" if request.method == "HEAD" else request.method, ("", "")
        )
        if scope and not services.allows(cast("ApiToken | None", request.auth), scope):
            self.message = f"This token lacks the scope {scope}."
            return False
        if permission:
            services.require(request.user, permission)
        return True
