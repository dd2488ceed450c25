"""A service that takes some keys and refuses all others."""

from collections.abc import Iterator

import pytest

from providers.core.errors import ProviderError
from tests.fakes import REFUSED, SECRET, FakeProvider

NEXT = "sk-next-51c07be2a9"
TIMEOUT = ProviderError("fake.example.com did not answer in time.", "timeout")


@pytest.fixture
def taken(fake: type[FakeProvider], monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The keys that the fake service takes."""
    keys = {SECRET, NEXT}

    def list_models(self: FakeProvider) -> list[object]:
        if "away" in keys:
            raise TIMEOUT
        if self.settings.api_key.get_secret_value() not in keys:
            raise REFUSED
        return []

    monkeypatch.setattr(fake, "list_models", list_models)
    yield keys
