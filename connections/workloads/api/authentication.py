"""Access tokens of trusted issuers in `Authorization: Bearer`."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from connections.models import IssuerRule
from connections.standing import viewer_of
from connections.viewing import begin_viewing
from connections.workloads import services


class IssuerUnavailable(APIException):
    """503: the keys of a token's issuer are not known now. `seconds`: until another try."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class WorkloadAuthentication(BaseAuthentication):
    """`request.auth` is the rule by which the token is taken. Other tokens are left to others."""

    def authenticate(self, request: Request) -> tuple[Any, IssuerRule] | None:
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() != b"bearer":
            return None
        text = words[1].decode("latin-1")
        if not services.is_signed_token(text):
            return None
        try:
            rule, _ends_at = services.find_rule(text)
        except services.TokenRefused as refused:
            if refused.retry_after is None:
                raise AuthenticationFailed(refused.message, "invalid_token") from None
            raise IssuerUnavailable(refused.message, refused.retry_after) from None
        rule.user.token = rule  # as TokenAuthentication does
        begin_viewing(viewer_of(rule.user, rule))  # ends with the request: ViewerMiddleware
        return rule.user, rule

    def authenticate_header(self, _request: Request) -> str:
        return "Bearer"


class WorkloadScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """In the OpenAPI document these tokens are bearer tokens as ours are, described once."""

    target_class = "connections.workloads.api.authentication.WorkloadAuthentication"
    name: list[str] = []

    def get_security_definition(self, _auto_schema: Any) -> list[Any]:
        return []

    def get_security_requirement(self, _auto_schema: Any) -> Any:
        return None
