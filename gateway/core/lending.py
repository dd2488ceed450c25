"""What teams let each other see and use of the rows that a worker remembers."""

from uuid import UUID

from django.db.models import QuerySet

from connections import runtime
from connections.models import ConnectionShare, Level, ProfileShare

Shares = QuerySet[ProfileShare] | QuerySet[ConnectionShare]
NOT_SHARED = (
    "The team of this profile may not use its connection any more. Tell whoever runs Switchboard."
)


def is_lent(row: runtime.StoredProfile | runtime.StoredConnection, team_id: UUID | None) -> bool:
    """True if what belongs to this team may use a row: the row is of the same team, of none, or
    shared for use. One query at most.
    """
    if row.team_id is None or row.team_id == team_id:
        return True
    lent = _shares_of(row).filter(level=Level.USE)
    return team_id is not None and lent.filter(team=team_id).exists()


def owners_of(row: runtime.StoredProfile | runtime.StoredConnection) -> frozenset[UUID]:
    """The teams that see a row, none where all do. One query at most."""
    if row.team_id is None:
        return frozenset()
    return frozenset([row.team_id, *_shares_of(row).values_list("team", flat=True)])


def _shares_of(row: runtime.StoredProfile | runtime.StoredConnection) -> Shares:
    if isinstance(row, runtime.StoredProfile):
        return ProfileShare.objects.filter(profile=row.id).order_by()
    return ConnectionShare.objects.filter(connection=row.id).order_by()
