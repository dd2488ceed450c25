"""Options of passkeys, for an attribute that a script reads."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """The value as JSON; the template escapes it."""
    return json.dumps(value)
