"""HTTP: any service that is asked over HTTP, whatever its authentication."""

import ssl
from functools import cached_property

from pydantic import SecretStr

from .core.errors import ProviderError, chain
from .core.registry import register
from .core.types import is_empty
from .http.checks import TestRequest
from .http.credentials import Basic, Credential, Grant, Header, OAuth2, Query
from .http.service import HttpService
from .http.settings import HttpSettings
from .http.tls import tls_context

UNTRUSTED = (
    "The certificate of {host} cannot be trusted. Renew it, or enter the authority that signed it "
    "under TLS, Authority."
)


@register
class Http(HttpService[HttpSettings]):
    """Any service that is asked over HTTP."""

    id, name = "http", "HTTP"
    description = (
        "Any service that is asked over HTTP: Basic, OAuth2, API key, token, header or query "
        "parameter."
    )
    docs_url = "https://www.rfc-editor.org/rfc/rfc9110.html#name-http-authentication"
    icon = "globe-alt"

    @property
    def base_url(self) -> str:
        return self.settings.base_url

    @property
    def access(self) -> tuple[Credential, ...]:
        made = getattr(self, f"_by_{self.settings.auth_type}", None)
        return (made(),) if made else ()

    @property
    def extra_headers(self) -> dict[str, str]:
        return self.settings.headers.get_secret_value() if self.settings.headers else {}

    @property
    def test_request(self) -> TestRequest | None:
        asked = self.settings
        if asked.test_path is None and asked.expected_status is None:
            return None
        ok = frozenset({asked.expected_status} if asked.expected_status else ())
        return TestRequest(method=asked.test_method, path=asked.test_path or "", ok=ok)

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        return tls_context(self.settings.verify_tls, self.settings.ca_certificate or "")

    def translate(self, error: Exception, host: str) -> ProviderError:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain(error)):
            return ProviderError(UNTRUSTED.format(host=host), "tls", True)
        return super().translate(error, host)

    def _by_basic(self) -> Credential:
        return Basic(self.settings.username or "", _in_clear(self.settings.password))

    def _by_oauth2(self) -> Credential:
        own = self.settings
        parameters = {"grant_type": "client_credentials", "scope": own.scope or ""}
        return OAuth2(
            Grant(
                own.token_url or "",
                parameters,
                own.client_id or "",
                _in_clear(own.client_secret),
                own.client_in,
            )
        )

    def _by_api_key_authorization(self) -> Credential:
        return Header("Authorization", f"ApiKey {_in_clear(self.settings.api_key)}")

    def _by_x_api_key(self) -> Credential:
        return Header("X-API-Key", _in_clear(self.settings.api_key))

    def _by_bearer(self) -> Credential:
        return Header("Authorization", f"Bearer {_in_clear(self.settings.token)}")

    def _by_header(self) -> Credential:
        return Header(self.settings.header_name or "", _in_clear(self.settings.api_key))

    def _by_query(self) -> Credential:
        return Query(self.settings.parameter or "", _in_clear(self.settings.api_key))


def _in_clear(secret: SecretStr | None) -> str:
    return "" if is_empty(secret) or secret is None else secret.get_secret_value()
