"""Tables of the services that leave events, and what each of them leaves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from inspect import isclass, isfunction
from types import ModuleType
from typing import Any

from django.db import transaction
from django.db.models import Model

from connections.audit.bounded import forget
from connections.models import AuditEvent, Outcome

Act = Callable[[Any], object]


@dataclass(frozen=True)
class Door:
    """A service that changes something: the action of its event, how it is called so that it does
    it, and so that it is refused; None where it never is.
    """

    action: str
    done: Act | None
    refused: Act | None


def events(**columns: Any) -> list[AuditEvent]:
    """The events, the oldest first."""
    return list(AuditEvent.objects.filter(**columns).order_by("id"))


def last(**columns: Any) -> AuditEvent:
    """The newest event."""
    return events(**columns)[-1]


def left_in(act: Act, world: Any) -> list[AuditEvent]:
    """The events that an act leaves. All that it does is undone."""
    forget()
    world = renewed(world)
    known = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with transaction.atomic():
        try:
            act(world)
        except Exception as refusal:  # noqa: BLE001 whatever it is, the event is judged
            assert events(id__gt=known), refusal
        found = events(id__gt=known)
        transaction.set_rollback(True)
    return found


def renewed(world: Any) -> Any:
    """The world with its rows as the database has them."""
    rows = {name: row for name, row in vars(world).items() if isinstance(row, Model)}
    return replace(
        world, **{name: type(row)._base_manager.get(pk=row.pk) for name, row in rows.items()}
    )


def judge(doors: Mapping[str, Door], world: Any) -> None:
    """Calls each door as done and as refused, and reads one event of each."""
    for name, door in doors.items():
        if door.done is not None:
            found = left_in(door.done, world)
            done = [(name, one.action, one.outcome) for one in found]
            assert done == [(name, door.action, Outcome.DONE)], done
        if door.refused is not None:
            found = left_in(door.refused, world)
            refused = [(name, one.action, one.outcome, bool(one.code)) for one in found]
            assert refused == [(name, door.action, Outcome.REFUSED, True)], refused


def doors_of(modules: Iterable[ModuleType]) -> set[str]:
    """The public functions of modules, `room.service`: what `__all__` names, else what is defined
    there.
    """
    found = set()
    for module in modules:
        name = module.__name__
        own = getattr(module, "__all__", None)
        for one, value in vars(module).items():
            is_own = value.__module__ == name if isfunction(value) and own is None else True
            is_public = one in own if own is not None else not one.startswith("_")
            if isfunction(value) and is_own and is_public and not isclass(value):
                found.add(f"{name.partition('.')[2]}.{one}")
    return found
