"""The mark of a service: its brand's, the icon of its type, or two letters, on one kind of tile."""

from typing import Any
from zlib import crc32

from django import template
from heroicons import IconDoesNotExist
from heroicons.templatetags.heroicons import heroicon_outline

from providers.core.base import Provider
from providers.core.marks import find_mark, mark_of_id, marks_version
from providers.core.registry import UnknownProvider, get_provider

register = template.Library()
HUES = 8  # --hue-0 to --hue-7 in the stylesheet


@register.inclusion_tag("elements/provider_mark.html")
def provider_mark(provider: type[Provider[Any]] | str) -> dict[str, Any]:
    """The mark of a provider, which the page names beside it.

    `provider`: its class, or its id, which need not be installed any more. The brand that it names
    comes first, then its icon, then the brand of its id.
    """
    if isinstance(provider, str):
        provider_id = provider
        try:
            provider = get_provider(provider_id)
        except UnknownProvider:
            return _monogram(provider_id, provider_id)
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
