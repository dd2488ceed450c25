"""What models read and cost, by the tables of genai-prices, where the service does not say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from .values import Model


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
