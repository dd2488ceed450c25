"""SerpApi: https://serpapi.com/account-api"""

from functools import cached_property

import httpx2

from ._service import Service
from ._transport import GuardedTransport, guarded_client
from .promptflow import PromptflowType
from .registry import register
from .settings import ProviderSettings, setting
from .types import ApiKey, HttpUrl

PARAMETER = "api_key"


class SerpApiSettings(ProviderSettings):
    """An account."""

    api_key: ApiKey = setting(
        title="API key",
        description="From serpapi.com, Your account.",
        environment="SERPAPI_API_KEY",
        placeholder="$SerpApi:ApiKey",
    )
    base_url: HttpUrl = setting("https://serpapi.com", title="Endpoint", description="Where the API lives.", address=True, group="Advanced")


class KeyInQuery(httpx2.BaseTransport):
    """Puts the key into the address below the client, and takes it out of where the service sends it on to.

    SerpApi takes its key in no other place, and the client writes every address that it knows into its log.
    """

    def __init__(self, transport: httpx2.BaseTransport, key: str) -> None:
        self._transport, self._key = transport, key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url.copy_set_param(PARAMETER, self._key)
        sent = httpx2.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        response = self._transport.handle_request(sent)
        if response.has_redirect_location:
            response.headers["location"] = str(request.url.join(response.headers["location"]).copy_remove_param(PARAMETER))
        return response

    def close(self) -> None:
        self._transport.close()


@register
class SerpApi(Service[SerpApiSettings]):
    """Results of search engines. The account is told for free, and counts as no search."""

    id, name = "serpapi", "SerpApi"
    description = "Results of Google, Bing and other search engines."
    docs_url = "https://serpapi.com/search-api"
    promptflow = PromptflowType("serp", "SerpConnection", {"api_key": "api_key"}, other_names=("serp_api",))
    sign = ("account_id",)

    @property
    def address(self) -> str:
        return f"{self.settings.base_url.rstrip('/')}/account"

    @cached_property
    def client(self) -> httpx2.Client:
        guarded = GuardedTransport(self.egress, self.allowance)
        return guarded_client(self.egress, self.timeout, transport=KeyInQuery(guarded, self.settings.api_key.get_secret_value()))
