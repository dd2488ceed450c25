"""What models read and cost, by the tables of genai-prices, where the service does not say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from .values import Model


@dataclass(frozen=True)
class TokenPrices:
    """Dollars for one token. A kind without a price of its own costs what the whole does."""

    input: float
    cached: float
    cache_write: float
    output: float


def load_prices() -> None:
    """Loads the tables, so that processes which are forked later share them."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


def token_prices(model: str, price_list: str, moment: datetime) -> TokenPrices | None:
    """The prices of a model at this moment, of the first tokens where more cost more; None where
    they are not known. `price_list`: the name of its service in genai-prices.
    """
    if not price_list:
        return None
    from genai_prices.data_snapshot import get_snapshot  # 30 MB, when first needed

    tables = get_snapshot()
    try:
        service = tables.find_provider(None, price_list, None)
    except LookupError:
        return None
    known = service.find_model(model, all_providers=tables.providers)
    if known is None:
        return None
    prices = known.get_prices(moment)
    whole, output = _base(prices.input_mtok), _base(prices.output_mtok)
    if whole is None and output is None:
        return None
    found = (whole, _base(prices.cache_read_mtok), _base(prices.cache_write_mtok), output)
    plain = float(whole or 0)
    each = [plain if one is None else float(one) for one in found[:3]]
    return TokenPrices(*(one / 1e6 for one in (*each, float(output or 0))))


def priced(models: Sequence[Model], price_list: str, address: str, moment: datetime) -> list[Model]:
    """The models with their context and their prices at this moment, as far as they are known.

    `price_list`: the name of their service in genai-prices; empty: it is found by `address`.
    """
    if not price_list and not address:
        return list(models)
    from genai_prices.data_snapshot import get_snapshot  # 30 MB, when first needed

    tables = get_snapshot()
    try:
        service = tables.find_provider(None, price_list or None, address or None)
    except LookupError:
        return list(models)
    return [
        _priced(one, service.find_model(one.id, all_providers=tables.providers), moment)
        for one in models
    ]


def _priced(model: Model, known: Any, moment: datetime) -> Model:
    if known is None:
        return model
    prices = known.get_prices(moment)
    return replace(
        model,
        context=model.context or known.context_window,
        input_price=_base(prices.input_mtok),
        output_price=_base(prices.output_mtok),
    )


def _base(price: Any) -> Decimal | None:
    """A price, or that of the first tokens where more cost more."""
    found = getattr(price, "base", price)
    return None if found is None else Decimal(found)
