"""Another alias for a connection or a profile; the old one goes on answering until it is taken
away.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from ..audit.services import Subject, act, record
from ..errors import Invalid
from ..former_aliases import end_former_aliases
from ..locks import hold, retried
from ..models import Connection, FormerAlias, Profile
from .base import alias_errors, alias_race, new_alias, refuse_stale, save_version
from .drafts import Saved
from .permissions import Actor, require

CHANGE_ALIAS = "connections.change_alias"


@dataclass(frozen=True)
class AliasOffer:
    """The alias that a new row would get, and why it cannot; empty if it can."""

    alias: str
    refusal: str = ""


def offered_alias(model: type[Connection | Profile], name: str, alias: str = "") -> AliasOffer:
    """The alias of a new row with this name: the one that was typed, else one made from the
    name.
    """
    offered = alias.strip() or new_alias(model, name)
    wrong = alias_errors(model(alias=offered))
    return AliasOffer(offered, wrong[0].message if wrong else "")


@retried
@act(lambda row, *_others, **_named: f"{row._meta.model_name}.update")
def change_alias(
    row: Connection | Profile, alias: str, *, actor: Actor, expected_version: int | None = None
) -> Saved:
    """Gives a row another alias. The one that it had becomes a former alias, unless it has that
    alias already; a former alias that it gets back is none any more.

    Raises Invalid, Stale, PermissionDenied.
    """
    require(actor, CHANGE_ALIAS)
    with transaction.atomic():
        held = _held(row, actor)
        refuse_stale(held, expected_version)
        old, held.alias = held.alias, alias.strip()
        if held.alias == old:
            return Saved(held, changed=False)
        if wrong := alias_errors(held):
            raise Invalid(wrong)
        kind: Any = {row._meta.model_name: held}
        end_former_aliases(FormerAlias.objects.filter(**kind, alias=held.alias))
        # the version before does not know that another row had it, and may have given it to this
        end_former_aliases(FormerAlias.objects.with_orphans_of(type(row)).filter(alias=old))
        FormerAlias.objects.create(**kind, alias=old, changed_by=actor)
        with alias_race(held):
            save_version(held, actor, ["alias"])
        record(held, actor=actor, changes=[("alias", old, held.alias)])
    return Saved(held)


@retried
@act("alias.delete")
def remove_former_alias(former: FormerAlias, *, actor: Actor) -> Saved:
    """Takes a former alias away: nothing is found by it any more, and others may get it. The
    history of its row says so.

    Returns the row, unchanged when somebody took it away before. Raises PermissionDenied.
    """
    require(actor, CHANGE_ALIAS)
    with transaction.atomic():
        held = _held(former.row, actor)
        gone = end_former_aliases(FormerAlias.objects.filter(pk=former.pk))
        if gone:
            # the history sees columns only
            held._change_reason = f"no longer found by the former alias {former.alias}"[:100]
            save_version(held, actor, ["alias"])
            record(Subject("alias", name=former.alias), actor=actor, others=[held])
    return Saved(held, changed=gone)


def _held(row: Connection | Profile, actor: Actor) -> Any:
    """The row as it is now, locked. Raises DoesNotExist, PermissionDenied."""
    model: Any = type(row)
    found = hold(model._default_manager.all(), [row.pk])
    if row.pk not in found:
        raise model.DoesNotExist
    require(actor, CHANGE_ALIAS, on=found[row.pk])
    return found[row.pk]
