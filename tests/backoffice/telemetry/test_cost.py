"""The price of tokens that were counted."""

from datetime import UTC, datetime

import pytest

from backoffice.telemetry.cost import costs
from connections.telemetry.declared import MODEL_TOKENS
from providers.core.prices import token_prices

MILLION = 1e6


def of(provider: str, model: str, **kinds: float) -> float | None:
    """The dollars of these tokens, None where nothing is known."""
    totals = {(MODEL_TOKENS.name, (provider, model, kind)): [used] for kind, used in kinds.items()}
    return next((dollars for _, (dollars,) in costs(totals)), None)


def test_input_and_output_have_prices_of_their_own():
    assert of("openai", "gpt-4o", input=MILLION) == pytest.approx(2.5)
    assert of("openai", "gpt-4o", output=MILLION) == pytest.approx(10)


def test_cached_tokens_are_a_part_of_the_input_and_cost_less():
    assert of("openai", "gpt-4o", input=MILLION, cached=MILLION) == pytest.approx(1.25)


def test_what_has_no_known_price_is_left_out():
    assert of("openai", "nobody-knows-this", input=5.0) is None
    assert of("openai-compatible", "gpt-4o", input=5.0) is None
    assert of("none", "none", input=5.0) is None


def test_it_grows_with_the_tokens():
    few, more = (of("openai", "gpt-4o", input=number, output=1) for number in (10, 11))
    assert few and more and few < more


def test_a_model_without_a_list_has_no_price():
    assert token_prices("gpt-4o", "", datetime.now(UTC)) is None
