"""The mark of a service: its brand's, the icon of its type, or two letters, on one kind of tile."""

from contextlib import suppress
from functools import lru_cache
from typing import Any
from zlib import crc32

from django import template
from django.template.loader import render_to_string
from heroicons import IconDoesNotExist
from heroicons.templatetags.heroicons import heroicon_outline

from providers.core.base import Provider
from providers.core.marks import find_mark, mark_of_id, marks_version
from providers.core.registry import UnknownProvider, get_provider

register = template.Library()
HUES = 8  # --hue-0 to --hue-7 in the stylesheet


@register.simple_tag
def provider_mark(provider: type[Provider[Any]] | str) -> str:
    """The mark of a provider, which the page names beside it.

    `provider`: its class, or its id, which need not be installed any more.
    """
    if isinstance(provider, str):
        with suppress(UnknownProvider):
            provider = get_provider(provider)
    return _drawn(provider)  # type: ignore[arg-type]  # a class is hashable


@lru_cache(maxsize=512)  # a type that is installed anew is another class
def _drawn(provider: type[Provider[Any]] | str) -> str:
    known = _monogram(provider, provider) if isinstance(provider, str) else _mark_of(provider)
    return render_to_string("elements/provider_mark.html", known)


def _mark_of(provider: type[Provider[Any]]) -> dict[str, Any]:
    """The brand that it names comes first, then its icon, then the brand of its id."""
    if provider.mark and find_mark(provider.mark):
        return {"mark": provider.mark, "version": marks_version()}
    try:
        icon = heroicon_outline(provider.icon, size=20, x=8, y=8) if provider.icon else ""
    except IconDoesNotExist:
        icon = ""
    if not icon and (brand := mark_of_id(provider.id)):
        return {"mark": brand, "version": marks_version()}
    return {**_monogram(provider.id, provider.name), "icon": icon}


def _monogram(provider_id: str, name: str) -> dict[str, Any]:
    """Two letters: of two words the first ones, else the first two of the word. The colour is the
    same wherever the id is shown.
    """
    words = "".join(one if one.isalnum() else " " for one in name).split()
    letters = f"{words[0][0]}{words[1][0]}".upper() if len(words) > 1 else "".join(words)[:2]
    return {"letters": letters or "?", "hue": crc32(provider_id.encode()) % HUES}
