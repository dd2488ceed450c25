"""The import of a package's profiles, after its connections."""

from collections.abc import Iterator, Sequence
from typing import Any

from connections.models import Connection, Profile
from connections.profile_settings import profile_fields
from connections.services import FieldError, Invalid, create_profile, new_alias, update_profile

from ..format.documents import ProfileDocument, RowName
from ..format.plan import PlanItem
from .run import (
    CONFLICT,
    NEW,
    SAME,
    UNDECIDED,
    UNUSABLE,
    ItemResult,
    Run,
    attempt,
    columns_of,
    decided,
    empty_columns,
    find_row,
    plan_item,
)

OTHER_CAPABILITY = (
    "The profile {} is here for {}, and the capability of a profile is fixed. It can be kept, or "
    "imported as a copy."
)
NO_CONNECTION = (
    "Its connection {} is not here and is not imported. Import the connection too, or leave the "
    "profile out."
)
NO_FALLBACK = "Its fallback {} is not here and is not in the package, so it is left out."


def take_profiles(run: Run) -> list[PlanItem]:
    """Compares every profile and carries out what was decided about it, fallbacks before the
    profiles that name them. Returns their items of the plan. Raises PermissionDenied.
    """
    found, later = {}, []
    for document in _in_order(run.package.profiles):
        result = _take(run, document)
        found[document.id] = plan_item("profile", document, result, "", ())
        if result.action in ("create", "copy") and any(
            one.id not in run.profiles for one in document.fallbacks
        ):
            later.append((document, result.row))
    for document, row in later:  # profiles that name each other
        if any(one.id in run.profiles for one in document.fallbacks):
            run.profiles[document.id] = update_profile(
                row, actor=run.actor, fallbacks=_chain(run, document)
            ).row
    return [found[document.id] for document in run.package.profiles]


def _in_order(documents: Sequence[ProfileDocument]) -> Iterator[ProfileDocument]:
    waiting = {one.id: one for one in documents}
    while waiting:
        ready = [
            one
            for one in waiting.values()
            if not any(name.id in waiting and name.id != one.id for name in one.fallbacks)
        ]
        for one in ready or list(waiting.values())[:1]:
            yield waiting.pop(one.id)


def _take(run: Run, document: ProfileDocument) -> ItemResult:
    row, item_id = find_row(Profile, document, run.package.profiles), f"profile:{document.id}"
    if row:
        run.profiles[document.id] = row
    result = _judged(run, document, row, item_id)
    target = _connection(run, document.connection)
    result.notes += [
        NO_FALLBACK.format(one.alias)
        for one in document.fallbacks
        if not _is_available(run, document, one)
    ]
    if result.action in ("create", "copy", "replace", "merge"):
        attempt(run, result, lambda: _carried_out(run, document, result.action, target, row))
    if result.row and result.action != "refuse":
        run.profiles[document.id] = result.row
    return result


def _carried_out(
    run: Run, document: ProfileDocument, action: str, target: Connection | None, row: Profile | None
) -> Profile:
    if row and action == "merge":
        return _merge(run, document, row)
    if target is None:
        raise Invalid(
            [FieldError("connection", "not_found", NO_CONNECTION.format(document.connection.alias))]
        )
    if row and action == "replace":
        return _replace(run, document, target, row)
    return _create(run, document, target, is_copy=action == "copy")


def _judged(run: Run, document: ProfileDocument, row: Profile | None, item_id: str) -> ItemResult:
    if row is None:
        return ItemResult(NEW, decided(run, item_id, NEW))
    if row.capability != document.capability:
        return ItemResult(
            UNUSABLE,
            decided(run, item_id, UNUSABLE),
            row,
            [OTHER_CAPABILITY.format(row.alias, row.capability)],
        )
    differences = list(_differences(run, document, row))
    state = CONFLICT if differences else SAME
    result = ItemResult(state, decided(run, item_id, state), row, [], differences)
    if result.action == "refuse":
        result.notes.append(UNDECIDED)
    return result


def _differences(run: Run, document: ProfileDocument, row: Profile) -> Iterator[str]:
    target = _connection(run, document.connection)
    brought = columns_of(document, Profile)
    pairs = {row.label(name): (getattr(row, name), brought[name]) for name in brought} | {
        "Connection": (row.connection_id, target.pk if target else None),
        "Fallbacks": (
            list(row.fallback_steps.values_list("fallback_id", flat=True)),
            _expected(run, document),
        ),
    }
    yield from (label for label, (mine, theirs) in pairs.items() if mine != theirs)
    fields = profile_fields(document.capability)
    for name in sorted(row.settings.keys() | document.settings.keys()):
        if row.settings.get(name) != document.settings.get(name):
            yield fields[name].label if name in fields else name


def _connection(run: Run, name: RowName) -> Connection | None:
    """The row that the connection of the package has become, else the one that is here."""
    if name.id in run.connections:
        return run.connections[name.id]
    if any(one.id == name.id for one in run.package.connections):
        return None
    rows = Connection.objects.listed()
    return rows.filter(pk=name.id).first() or rows.filter(alias=name.alias).first()


def _fallback(run: Run, capability: str, name: RowName) -> Profile | None:
    if name.id in run.profiles:
        return run.profiles[name.id]
    rows = Profile.objects.filter(capability=capability)
    return rows.filter(pk=name.id).first() or rows.filter(alias=name.alias).first()


def _is_available(run: Run, document: ProfileDocument, name: RowName) -> bool:
    """True if a fallback is here or will be: profiles may name each other."""
    waits = (
        any(one.id == name.id for one in run.package.profiles)
        and decided(run, f"profile:{name.id}", NEW) != "skip"
    )
    return waits or _fallback(run, document.capability, name) is not None


def _chain(run: Run, document: ProfileDocument) -> list[Profile]:
    found = [_fallback(run, document.capability, name) for name in document.fallbacks]
    return list({one.pk: one for one in found if one}.values())


def _expected(run: Run, document: ProfileDocument) -> list[Any]:
    """The ids of its fallbacks, also of one that is not imported yet."""
    ids = [
        (_fallback(run, document.capability, name), name)
        for name in document.fallbacks
        if _is_available(run, document, name)
    ]
    return [row.pk if row else name.id for row, name in ids]


def _create(run: Run, document: ProfileDocument, target: Connection, is_copy: bool) -> Profile:
    columns: Any = columns_of(document, Profile)
    created: Profile = create_profile(
        target,
        actor=run.actor,
        capability=document.capability,
        alias=new_alias(Profile, document.alias) if is_copy else document.alias,
        settings=document.settings,
        fallbacks=_chain(run, document),
        id=None if is_copy else document.id,
        **columns,
    ).row
    return created


def _replace(run: Run, document: ProfileDocument, target: Connection, row: Profile) -> Profile:
    columns: Any = columns_of(document, Profile)
    changed: Profile = update_profile(
        row,
        actor=run.actor,
        connection=target,
        settings=document.settings,
        fallbacks=_chain(run, document),
        **columns,
    ).row
    return changed


def _merge(run: Run, document: ProfileDocument, row: Profile) -> Profile:
    """Fills what is empty."""
    settings = {
        name: value for name, value in document.settings.items() if name not in row.settings
    }
    columns: Any = empty_columns(document, row)
    fallbacks = None if row.fallback_steps.exists() else _chain(run, document)
    changed: Profile = update_profile(
        row, actor=run.actor, settings=settings, merge=True, fallbacks=fallbacks, **columns
    ).row
    return changed
