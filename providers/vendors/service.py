"""The base of services without models: a connection to them is kept, tested and handed out; nobody
chats with them.
"""

import time
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, urlsplit

import httpx2

from ..core.base import CheckResult, Model, Provider
from ..core.errors import ProviderError
from ..core.settings import ProviderSettings

SettingsT = TypeVar("SettingsT", bound=ProviderSettings)


class Service(Provider[SettingsT]):
    """A search, a store, a reader of documents.

    A subclass says which unbilled question needs the credentials, and where they go. `sign`: the
    path in the answer to a value that only this service has. `on_forbidden`: the sentence for a 403
    that has another cause than the credential's rights; `{host}` names the service.
    """

    category = "Search and data"
    sign: ClassVar[tuple[str | int, ...]]
    on_forbidden: ClassVar[str] = ""

    @property
    def address(self) -> str:
        """The whole address of a check's request, without any credential."""
        raise NotImplementedError

    @property
    def access(self) -> dict[str, str]:
        """The headers that carry the credentials. Raises ProviderError."""
        return {}

    @property
    def asks(self) -> str:
        return f"GET {self.address}"

    @cached_property
    def client(self) -> httpx2.Client:
        """The guarded client; each request gets the credentials when it leaves, so that a token is
        never an old one.
        """
        client = self.http_client()
        client.event_hooks = {"request": [lambda request: request.headers.update(self.access)]}
        return client

    def list_models(self) -> list[Model]:
        """Returns an empty list and asks nothing: the service has no models."""
        return []

    def check(self) -> CheckResult:
        started = time.monotonic()
        with self.translated(self.address):
            found = self._asked()
            for step in self.sign:
                found = found[
                    step
                ]  # any other JSON raises, which `translated` calls a bad response
        return CheckResult(self.asks, time.monotonic() - started)

    def _asked(self) -> Any:
        try:
            return self.get_json(self.client, self.address)
        except ProviderError as error:
            if error.code == "forbidden" and self.on_forbidden:
                raise ProviderError(
                    self.on_forbidden.format(host=urlsplit(self.address).netloc), "forbidden", True
                ) from None
            raise


def versioned(endpoint: str, path: str, api_version: str) -> str:
    """The address of an Azure service: `https://a.example/path?api-version=2024-01-01`."""
    return f"{endpoint.rstrip('/')}{path}?api-version={quote(api_version, safe='')}"
