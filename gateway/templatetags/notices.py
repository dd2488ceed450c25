"""The bell of the navigation."""

from typing import Any

from django import template

from ..notices import services

register = template.Library()


@register.inclusion_tag("elements/bell.html")
def bell(user: Any, section: str) -> dict[str, Any]:
    """A link to the notices, with the number of those that are new; nothing for whoever may not
    see any. One query.
    """
    may_see = user.has_perm("connections.view_connection")
    number = services.unread(user) if may_see else 0
    shown = f"{services.MOST_COUNTED - 1}+" if number >= services.MOST_COUNTED else str(number)
    return {"may_see": may_see, "number": number, "shown": shown, "section": section}
