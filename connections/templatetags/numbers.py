"""How numbers are written for people. Every template has this, without loading it."""

from django import template

register = template.Library()


@register.filter
def whole(number: int | str | None) -> int | str | None:
    """`12345` -> `12,345`; what is no number as it is. Alike in all languages, as in files."""
    return f"{number:,}" if isinstance(number, int) else number
