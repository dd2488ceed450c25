"""The last look before a row is saved: in whose name, and whether they may touch it at all."""

from ..models import VersionedModel
from .permissions import Actor, may, require

# who changes an alias, or installs a type for all who use it, may do just that
WITHOUT_A_RIGHT_TO_ROWS = ("connections.change_alias", "connections.add_connectiontype")


def sign(row: VersionedModel, actor: Actor) -> None:
    """Makes a row its next version, in the actor's name.

    The service has asked for the right to its act. Here, once more, whether the actor may do
    anything at all to a row of this team. Raises PermissionDenied.
    """
    kind = row._meta.model_name
    acts = [f"connections.{verb}_{kind}" for verb in ("add", "change", "toggle", "delete")]
    if not any(may(actor, one, row) for one in (*acts, *WITHOUT_A_RIGHT_TO_ROWS)):
        require(actor, acts[1], on=row)
    if row._state.adding:
        row.created_by = actor
    else:
        row.version += 1
    row.modified_by = actor
    row._history_user = actor  # type: ignore[attr-defined]  # django-simple-history reads it
