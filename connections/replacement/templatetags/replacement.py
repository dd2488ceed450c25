"""What the page of a connection says about the replacement of its key."""

from typing import Any

from django import template

from connections.models import Connection
from connections.replacement.services import news_of

register = template.Library()


@register.inclusion_tag("connections/replacement/_news.html")
def replacement(connection: Connection) -> dict[str, Any]:
    """The replacement that is under way, or that went back by itself; nothing for any other."""
    return {"connection": connection, "replacement": news_of(connection)}
