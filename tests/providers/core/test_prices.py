"""What models read and cost, where a table knows it and the service does not say."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from providers.core.base import Model
from providers.core.prices import priced
from providers.core.registry import all_providers

NOW = datetime(2026, 11, 30, tzinfo=UTC)
GPT = Model("gpt-4o-mini", "GPT-4o mini")


def test_a_known_model_has_context_and_prices():
    (found,) = priced([GPT], "openai", "", NOW)
    assert (found.context, found.input_price, found.output_price) == (
        128_000,
        Decimal("0.15"),
        Decimal("0.6"),
    )
    assert (found.id, found.name) == (GPT.id, GPT.name)


def test_what_the_service_says_counts_more():
    (found,) = priced([Model("gpt-4o-mini", "GPT", context=64_000)], "openai", "", NOW)
    assert found.context == 64_000


def test_more_expensive_tiers_are_told_by_their_first():
    (found,) = priced([Model("gemini-2.5-pro", "Gemini")], "google", "", NOW)
    assert found.input_price == Decimal("1.25")


def test_a_service_known_by_its_address():
    (found,) = priced(
        [Model("llama-3.1-8b-instant", "")], "", "https://api.groq.com/openai/v1", NOW
    )
    assert found.input_price is not None


@pytest.mark.parametrize(
    ("name", "address"), [("", ""), ("", "http://127.0.0.1:8000/v1"), ("no-such-list", "")]
)
def test_what_no_table_knows_stays_as_it_is(name: str, address: str):
    assert priced([GPT], name, address, NOW) == [GPT]
    assert priced([Model("my-own", "")], "openai", "", NOW) == [Model("my-own", "")]


def test_every_price_list_that_a_provider_names_is_there():
    from genai_prices.data_snapshot import get_snapshot

    known = {one.id for one in get_snapshot().providers}
    named = {one.price_list for one in all_providers() if one.price_list}
    assert named and named <= known
