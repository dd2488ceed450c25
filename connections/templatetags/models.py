"""What people choose a model by."""

from collections.abc import Iterable
from decimal import Decimal

from django import template
from django.utils.translation import gettext as _

from providers.core.base import Model

register = template.Library()


@register.filter
def worth(model: Model) -> str:
    """`128,000 tokens, $0.15 in, $0.60 out`: what it reads and costs, as far as that is known."""
    parts = []
    if model.context:
        parts.append(_("%(number)s tokens") % {"number": f"{model.context:,}"})
    if model.input_price is not None:
        parts.append(_("$%(price)s in") % {"price": _dollars(model.input_price)})
    if model.output_price is not None:
        parts.append(_("$%(price)s out") % {"price": _dollars(model.output_price)})
    return ", ".join(parts)


@register.filter
def is_priced(models: Iterable[Model]) -> bool:
    """True if the price of any of them is known."""
    return any(one.input_price is not None for one in models)


def _dollars(price: Decimal) -> str:
    """At least cents, and no zeros behind them."""
    text = f"{price:.6f}".rstrip("0")
    whole, _point, part = text.partition(".")
    return f"{whole}.{part:0<2}" if part else whole
