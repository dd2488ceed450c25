"""Fixtures for the rooms of providers/."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache

import pytest
from botocore.loaders import create_loader

from providers.core.base import Model, Provider
from providers.core.errors import ProviderError
from providers.core.settings import NetworkSettings, setting
from providers.core.types import ApiKey, HttpUrl
from tests.upstreams import Upstream

from .samples import NETWORK, sample


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """Every client of boto3 reads the descriptions of AWS anew, a quarter of a second each; here
    all share what was read.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session")
def warm() -> None:
    """Every SDK imported and used once, so that a test which looks at the clock sees the network
    only.
    """
    with Upstream(mode="404") as upstream:
        for provider in NETWORK.values():
            with suppress(ProviderError):
                sample(provider, upstream.url).check()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service that answers as it should, to the good key."""
    with Upstream() as running:
        yield running


@pytest.fixture
def foreign_provider() -> type[Provider]:
    """A provider as somebody else would write it: other field names, no SDK."""

    class StrangerSettings(NetworkSettings):
        where: HttpUrl = setting(title="Where", description="Its address.", address=True)
        passphrase: ApiKey = setting(title="Passphrase", description="Its secret.")
        tenant: str = setting(title="Tenant", description="Its tenant.")

    class Stranger(Provider[StrangerSettings]):
        id, name, docs_url = "stranger", "Stranger", "https://example.com"

        def list_models(self) -> list[Model]:
            client = self.http_client(
                {"Authorization": f"Bearer {self.settings.passphrase.get_secret_value()}"}
            )
            with self.translated(self.settings.where):
                return [
                    Model(row["id"], row["id"])
                    for row in self.get_json(client, f"{self.settings.where}/catalogue")["data"]
                ]

    return Stranger
