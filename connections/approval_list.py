"""The hosts that were asked for, as far as they are for whoever looks."""

from django.db.models import Q, QuerySet

from .destinations import host_approvals
from .models import HostApproval, seen
from .standing import teams_of_viewer
from .viewing import current_viewer


def approvals_seen(state: str = "") -> QuerySet[HostApproval]:
    """`host_approvals` for whoever looks: those that connections asked for which they may see, and
    those that they asked for themselves; of answers for a team, those for their own.
    """
    rows, viewer, condition = (
        host_approvals(state),
        current_viewer(),
        seen("connection", "connection__"),
    )
    if viewer is None or not condition:
        return rows
    is_there = Q(connection__alias__isnull=False)  # else no team would be that of no connection
    own = Q(team=None) | Q(team__in=teams_of_viewer(viewer))
    return rows.filter(own, (condition & is_there) | Q(requested_by=viewer.standing().user_id))
