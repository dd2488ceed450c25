"""What a list writes in every row, so that a page of rows does not make it anew for each."""

import re
from typing import Any
from uuid import UUID

from django import template
from django.template.context import RequestContext
from django.template.loader import get_template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

register = template.Library()
PLACE = re.compile("\ue000([a-z]+)\ue001")  # characters of the private use area: nobody types them


@register.simple_tag(takes_context=True)
def alike(context: RequestContext, template_name: str, **given: Any) -> SafeString:
    """A template that differs from row to row by texts and ids alone: it is made once in an answer
    for all rows whose other values are the same, and their texts are put in.

    The template knows the given values and nothing else. It writes a text as it is: no filter but
    `named`, no condition.
    """
    texts = {key: escape(one) for key, one in given.items() if isinstance(one, (str, UUID))}
    others = {key: one for key, one in given.items() if key not in texts}
    made: dict[Any, list[str]] = context["request"].__dict__.setdefault("_alike", {})
    key = (template_name, *others.values())
    if key not in made:
        places = {key: f"\ue000{key}\ue001" for key in texts}
        made[key] = PLACE.split(get_template(template_name).render({**others, **places}))
    parts = made[key].copy()
    parts[1::2] = [texts[one] for one in parts[1::2]]
    return mark_safe("".join(parts))  # noqa: S308 a template wrote it, and the texts are escaped


@register.filter
def profiles_of(number: int, name: str) -> str:
    """`3 profiles of OpenAI EU`."""
    words = ngettext("%(number)s profile of %(name)s", "%(number)s profiles of %(name)s", number)
    return words % {"number": f"{number:,}", "name": name}


@register.filter
def requests_to(number: int, name: str) -> str:
    """`1,234 requests to OpenAI EU in 7 days`."""
    words = ngettext(
        "%(number)s request to %(name)s in 7 days",
        "%(number)s requests to %(name)s in 7 days",
        number,
    )
    return words % {"number": f"{number:,}", "name": name}
