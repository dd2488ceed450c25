"""SerpApi: https://serpapi.com/account-api"""

from functools import cached_property

import httpx2

from .core.registry import register
from .core.settings import AddressedSettings, setting
from .core.types import ApiKey, HttpUrl
from .http.auth import AccessTransport
from .http.credentials import Query
from .http.egress import GuardedTransport, guarded_client
from .http.hosts import Hosts, origin_host
from .vendors.service import Service


class SerpApiSettings(AddressedSettings):
    """An account."""

    api_key: ApiKey = setting(
        title="API key",
        description="From serpapi.com, Your account.",
        environment="SERPAPI_API_KEY",
        placeholder="$SerpApi:ApiKey",
    )
    base_url: HttpUrl = setting(
        "https://serpapi.com",
        title="Endpoint",
        description="Where the API lives.",
        address=True,
        group="Advanced",
    )


@register
class SerpApi(Service[SerpApiSettings]):
    """Results of search engines. The account is told for free, and counts as no search."""

    id, name = "serpapi", "SerpApi"
    description = "Results of Google, Bing and other search engines."
    docs_url = "https://serpapi.com/search-api"
    keys_url = "https://serpapi.com/manage-api-key"
    sign = ("account_id",)

    @property
    def address(self) -> str:
        return f"{self.settings.base_url.rstrip('/')}/account"

    @cached_property
    def client(self) -> httpx2.Client:
        """SerpApi takes its key in no other place than the address, so it is added where no log
        sees it.
        """
        key, base = self.settings.api_key.get_secret_value(), self.settings.base_url
        access = AccessTransport(
            GuardedTransport(self.egress, self.allowance, self.tls),
            (Query("api_key", key),),
            Hosts(base, (origin_host(base),)),
        )
        return guarded_client(self.egress, self.timeout, transport=access)
