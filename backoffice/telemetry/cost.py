"""The price of tokens that were counted, by the lists of genai-prices as they were when the server
started: so it never becomes less.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from connections.telemetry.declared import MODEL_TOKENS
from connections.telemetry.shared import Labels
from providers.core.prices import TokenPrices, token_prices
from providers.core.registry import UnknownProvider, get_provider

MOMENT = datetime.now(UTC)  # loaded by the server, and the same for all its workers


def costs(totals: Mapping[tuple[str, Labels], list[float]]) -> Iterable[tuple[Labels, list[float]]]:
    """The dollars by provider and model. What has no known price is left out."""
    used: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for (name, labels), (number, *_) in totals.items():
        if name == MODEL_TOKENS.name:
            provider, model, kind = labels
            used[provider, model][kind] = number
    for (provider, model), kinds in used.items():
        prices = _prices(provider, model)
        if prices is not None:
            yield (provider, model), [_cost(prices, kinds)]


def _cost(prices: TokenPrices, kinds: Mapping[str, float]) -> float:
    """Cached tokens and those written to a cache are parts of the input."""
    cached, written = kinds.get("cached", 0.0), kinds.get("cache_write", 0.0)
    plain = max(0.0, kinds.get("input", 0.0) - cached - written)
    return (
        plain * prices.input
        + cached * prices.cached
        + written * prices.cache_write
        + kinds.get("output", 0.0) * prices.output
    )


@lru_cache(maxsize=4096)
def _prices(provider_id: str, model: str) -> TokenPrices | None:
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return None
    return token_prices(model, provider.price_list, MOMENT)
