"""Bearer tokens, and the permission of tokens and people to call a view."""

from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .. import services
from ..audit.services import Subject
from ..client_ip import address_of
from ..models import ApiToken
from ..standing import viewer_of
from ..viewing import begin_viewing
from .problem_bodies import MALFORMED


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer sb_...`; `request.auth` is the token's row."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed(MALFORMED)
        token = services.authenticate_token(words[1].decode("latin-1"))
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked. Make another on the page Tokens.",
                "invalid_token",
            )
        if refusal := services.refused_address(token, address_of(request.META)):
            subject, why = Subject.of(token), "address_not_allowed"
            if times := services.refusals_due(subject, why):
                services.note_refused_token(subject, why, times)
            raise PermissionDenied(refusal, "address_not_allowed")
        token.user.token = token  # type: ignore[attr-defined]  # may_approve asks
        begin_viewing(viewer_of(token.user, token))  # ends with the request: ViewerMiddleware
        return token.user, token

    def authenticate_header(self, _request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):
    """The name of this authentication in the OpenAPI document."""

    target_class, name = "connections.api.authentication.TokenAuthentication", "bearer"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def may_see_connections(request: Request) -> bool:
    """True if the token and the person of a request may see connections."""
    token = cast("ApiToken | None", request.auth)
    is_allowed = token is None or services.allows(token, services.Scope.CONNECTIONS_READ.value)
    return is_allowed and request.user.has_perm("connections.view_connection")


class AccessPermission(BasePermission):
    """Lets in a token with the scopes (with blanks between them), and a user with the permission,
    that a view's `access` names for the method.

    The services check again. This check comes before the look-up, so that a refusal does not tell
    what exists.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        scope, permission = view.access.get(
            "GET" if request.method == "HEAD" else request.method, ("", "")
        )
        token = cast("ApiToken | None", request.auth)
        for one in scope.split():
            if not services.allows(token, one):
                self.message, self.code = f"This token lacks the scope {one}.", "missing_scope"
                return False
        if permission:
            services.require(request.user, permission)
        return True
