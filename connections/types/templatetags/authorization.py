"""Whether a person has allowed a connection as a tag, for templates of the core, which must not
import this room.
"""

from typing import Any

from django import template
from django.template.context import RequestContext

from connections.models import Connection

from .. import services
from ..views.authorization import redirect_uri_of

register = template.Library()


@register.inclusion_tag("connections/types/_allow.html", takes_context=True)
def authorization(context: RequestContext, connection: Connection) -> dict[str, Any]:
    """The state, and the button with which it is asked for; nothing for a connection that wants no
    such thing, or that cannot be decrypted.
    """
    is_allowed = services.is_allowed(connection) if connection.is_decryptable else None
    if is_allowed is None:
        return {}
    return {
        "connection": connection,
        "is_allowed": is_allowed,
        "may_ask": context["request"].user.has_perm("connections.change_connection"),
        "redirect_uri": redirect_uri_of(context["request"]),
    }
