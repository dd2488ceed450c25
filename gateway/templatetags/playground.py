"""The playground's section as a tag, for templates of connections/, which must not import the
gateway.
"""

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.context import RequestContext

from connections import services
from connections.models import Profile

from ..playground.views import new_form, section

register = template.Library()


@register.inclusion_tag("gateway/playground/_playground.html", takes_context=True)
def playground(
    context: RequestContext, profile: Profile, chain: Sequence[Profile]
) -> dict[str, Any]:
    """The section; nothing for a person who may not use the profile.

    `chain`: the profile's fallbacks.
    """
    if not services.may(context["request"].user, services.USE_PROFILE, profile):
        return {}
    return section(context["request"], profile, new_form(profile, chain))
