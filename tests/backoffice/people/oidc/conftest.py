"""A provider for each test, set up here as `acme`."""

from collections.abc import Iterator

import pytest

from backoffice.people.oidc import discovery
from tests.identity import SignedProvider


@pytest.fixture
def acme(settings, roles) -> Iterator[SignedProvider]:
    """The provider, by which everybody may make an account."""
    discovery.forget()
    with SignedProvider() as provider:
        settings.IDENTITY_PROVIDERS = {"acme": provider.ours()}
        yield provider
