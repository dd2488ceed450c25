"""Tags of the list of faults."""

from collections.abc import Sequence

from django import template
from django.template import RequestContext

from ..attention.cures import Cure
from ..attention.lines import Line

register = template.Library()


@register.simple_tag(takes_context=True)
def allowed_cures(context: RequestContext, line: Line) -> Sequence[Cure]:
    """The cures of a fault that the person may use."""
    user = context["request"].user
    return [one for one in line.cures if user.has_perm(one.permission)]
