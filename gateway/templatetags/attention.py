"""Tags of the list of faults."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.template import RequestContext

from connections.dependent_profiles import DependentProfile
from connections.display import FieldReference
from connections.health.services import health
from connections.models import Connection

from ..attention.cures import Cure, cures_of
from ..attention.lines import Line, allowed

register = template.Library()


@register.simple_tag(takes_context=True)
def allowed_cures(context: RequestContext, line: Line) -> Sequence[Cure]:
    """The cures of a fault that the person may use."""
    return allowed(line.cures, context["request"].user)


@register.inclusion_tag("gateway/attention/_cures.html", takes_context=True)
def connection_cures(
    context: RequestContext,
    connection: Connection,
    references: Sequence[FieldReference],
    profiles: Sequence[DependentProfile],
) -> dict[str, Any]:
    """The buttons that may mend the state of a connection, those that the person may use."""
    request, active = context["request"], [one for one in profiles if one.profile.is_active]
    is_stood_in_for = bool(active) and all(one.stand_in for one in active)
    found = cures_of(connection, health(connection), bool(references), is_stood_in_for)
    return {"cures": allowed(found, request.user), "name": connection.name}
