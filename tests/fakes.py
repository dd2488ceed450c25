"""A provider that answers from memory, rows made with it, and a source that remembers what it was
asked.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import pytest

from connections import conf, services
from connections.models import Connection, Profile
from connections.sources import SourceError
from providers.core.base import Capability, Model, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.registry import registered
from providers.core.results import ChatAnswer, EmbeddingAnswer
from providers.core.settings import NetworkSettings, setting
from providers.core.types import ApiKey, HttpUrl, Text
from providers.core.values import METHODS

NEWEST_KEY = "newest-key-for-tests-only-0123456789abcdef"
OLDER_KEY = "older-key-for-tests-only-0123456789abcdef"
SECRET = "sk-secret-7f3a9c51d2"
OTHER_SECRET = "sk-another-e83b0477aa"


class FakeSettings(NetworkSettings):
    """Every kind of setting there is."""

    api_key: ApiKey = setting(title="API key", description="The key.", environment="FAKE_API_KEY")
    spare_key: ApiKey | None = setting(None, title="Spare key", description="A second key.")
    base_url: HttpUrl = setting(
        "https://fake.example.com/v1", title="Endpoint", description="Where it lives.", address=True
    )
    organization: Text | None = setting(None, title="Organization", description="Whose account.")
    region: Literal["eu", "us"] = setting(
        "eu", title="Region", description="Where.", labels={"eu": "Europe", "us": "America"}
    )
    fast: bool = setting(False, title="Fast", description="Whether to hurry.")
    samples: int = setting(1, title="Samples", description="How many.", ge=1, le=9)


class FakeProvider(Provider[FakeSettings]):
    """Answers with `answer`, or raises it. `asked` has the settings of every question."""

    id, name, section = "fake", "Fake", "Fake"
    description = "Answers from memory."
    asks = "GET https://fake.example.com/v1/models"
    answer: ClassVar[Any] = [
        Model("fake-chat", "Fake Chat", frozenset({Capability.CHAT})),
        Model("fake-any", "Fake Any"),
    ]
    asked: ClassVar[list[FakeSettings]]

    def list_models(self) -> list[Model]:
        self.asked.append(self.settings)
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(self.answer)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        return ChatAnswer(request.model, "Fine, thanks.")

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        return EmbeddingAnswer(request.model, ((0.5, -0.5),) * len(request.texts()))


@contextmanager
def available(provider: type[Provider[Any]]) -> Iterator[None]:
    """Registers a provider for a block; what references may name is read again."""
    conf.resolver.cache_clear()
    with registered(provider):
        yield
    conf.resolver.cache_clear()


@pytest.fixture
def fake() -> Iterator[type[FakeProvider]]:
    """The fake provider, registered for one test."""
    with fake_provider() as provider:
        yield provider


@contextmanager
def fake_provider(
    capabilities: Collection[str] = tuple(METHODS), **attributes: Any
) -> Iterator[type[FakeProvider]]:
    """Another fake provider for a block: `fake_provider(id="other", capabilities=())`."""
    given_back = {
        name: getattr(Provider, name) for one, name in METHODS.items() if one not in capabilities
    }
    own = {"section": "Fake", "asked": [], **given_back, **attributes}
    provider = type("Fake", (FakeProvider,), own)
    with available(provider):
        yield provider


REFUSED = ProviderError(
    "fake.example.com does not accept the credentials. Enter a valid key.", "unauthorized", True
)


def connect(provider_id: str = "fake", actor: Any = None, **changes: Any) -> Connection:
    """A saved connection, by default of the fake provider with a literal key."""
    values: dict[str, Any] = {"name": "Production", "settings": {"api_key": SECRET}, **changes}
    return services.create_connection(provider_id, actor=actor, **values).row


def profile_of(connection: Connection, actor: Any = None, **changes: Any) -> Profile:
    """A saved profile."""
    values: dict[str, Any] = {
        "capability": "Chat",
        "name": "Answers",
        "model": "fake-chat",
        **changes,
    }
    return services.create_profile(connection, actor=actor, **values).row


def reload(row: Any) -> Any:
    """The row as the database has it."""
    return type(row).objects.get(pk=row.pk)


class RecordingSource:
    """A source of references that remembers every look-up; `broken` ones raise."""

    def __init__(
        self, values: dict[str, str] | None = None, name: str = "recording", broken: bool = False
    ) -> None:
        self.values, self.name, self.broken = values or {}, name, broken
        self.lookups: list[str] = []

    def lookup(self, key: tuple[str, ...]) -> str | None:
        self.lookups.append(":".join(key))
        if self.broken:
            raise SourceError(f"{self.name} cannot be read. Mend it.")
        return self.values.get(":".join(key).lower())

    def holds(self, section: str) -> bool:
        return any(name.split(":")[0] == section for name in self.values)
