"""What is stored, or kept for others, is in English, whatever the page is served in."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.translation import override, trans_real

from connections import services
from connections.errors import Unusable
from connections.replacement.services import begin_replacement
from connections.runtime import get_configured_provider
from connections.sources import KeptStore, SourceError
from connections.sources.address import away
from gateway.core.config_cache import ConfigCache
from providers.core.base import Capability
from tests.fakes import connect, profile_of

UNSET = {"api_key": "$Fake:Unset"}


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page in German, in which every translated text stands between signs."""
    monkeypatch.setattr(trans_real.translation("de"), "gettext", lambda text: f"<{text}>")
    with override("de"):
        yield


@pytest.mark.django_db
def test_the_outcome_of_a_check_is_stored_in_english(fake: Any, german: None):
    row = connect(settings=UNSET)
    with pytest.raises(Unusable) as shown:
        get_configured_provider(row)
    stored = services.test_connection(row, actor=None).message
    assert "<$Fake:Unset is not set.>" in shown.value.message
    assert "$Fake:Unset is not set." in stored and "<" not in stored


@pytest.mark.django_db
def test_the_tests_of_a_replacement_are_stored_in_english(fake: Any, german: None):
    tests = begin_replacement(connect(), UNSET, actor=None).tests
    stored = tests["next"]["message"]
    assert "$Fake:Unset is not set." in stored and "<" not in stored


@pytest.mark.django_db
def test_a_refusal_that_the_gateway_keeps_is_in_english(fake: Any, german: None):
    profile = profile_of(connect(is_active=False))
    route = ConfigCache()._read_route(profile.alias, Capability.CHAT)
    kept = route.targets[0].refusal
    assert kept and "is switched off." in kept.message and "<" not in kept.message


class Away:
    """A store that does not answer."""

    name, depth, cure = "the store", 1, "it in the store"

    def read(self, place: tuple[str, ...]) -> Any:
        raise away(self.name, "no answer")

    def reach(self) -> None:
        raise away(self.name, "no answer")


def test_the_error_of_a_store_is_told_to_each_reader_in_their_language(german: None):
    store = KeptStore(Away(), 600)
    with pytest.raises(SourceError) as first:
        store.lookup(("Fake", "ApiKey"))
    with override("en"), pytest.raises(SourceError) as second:
        store.lookup(("Fake", "ApiKey"))
    assert str(first.value).startswith("<")
    with override("en"):
        assert str(second.value).startswith("the store does not answer (no answer).")
