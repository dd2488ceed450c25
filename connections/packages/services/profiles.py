"""The judgement of a package's profiles, after its connections."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.courtesy import step_aside
from connections.models import Connection, Profile
from connections.profile_settings import profile_fields
from connections.services import (
    FieldError,
    Invalid,
    ProfileDraft,
    draft_profile,
    draft_profile_change,
    fallback_errors,
    new_alias,
)

from ..format.documents import ProfileDocument, RowName
from ..format.plan import PlanItem
from .run import (
    CONFLICT,
    NEW,
    SAME,
    UNDECIDED,
    UNUSABLE,
    Change,
    ItemResult,
    Run,
    attempt,
    columns_of,
    decided,
    empty_columns,
    find_row,
    plan_item,
)

OTHER_CAPABILITY = gettext_noop(
    "The profile %(alias)s is here for %(capability)s, and the capability of a profile is fixed. "
    "It can be kept, or imported as a copy."
)
NO_CONNECTION = gettext_noop(
    "Its connection %(alias)s is not here and is not imported. Import the connection too, or "
    "leave the profile out."
)
NO_FALLBACK = gettext_noop(
    "Its fallback %(alias)s is not here and is not in the package, so it is left out."
)


def take_profiles(run: Run) -> list[PlanItem]:
    """Compares every profile and makes what was decided about it, fallbacks before the profiles
    that name them.

    Returns their items of the plan, and notes the rows to save in the run. Raises
    PermissionDenied.
    """
    run.profiles.clear()
    found, later = {}, []
    for document in _in_order(run.package.profiles):
        step_aside()
        item_id = f"profile:{document.id}"
        run.forget(item_id)
        result = _take(run, document, item_id)
        if result.action in ("create", "copy") and any(
            one.id not in run.profiles for one in document.fallbacks
        ):
            later.append((document, result))
        found[document.id] = result
    for document, result in later:  # profiles that name each other
        if any(one.id in run.profiles for one in document.fallbacks):
            change, chain = run.changes[f"profile:{document.id}"], _chain(run, document)
            change.fallbacks = chain
            if wrong := fallback_errors(change.row, chain, {one.pk: one for one in chain}):
                result.action = "refuse"
                result.notes += [one.message for one in wrong]
    return [
        plan_item("profile", document, found[document.id], "", ())
        for document in run.package.profiles
    ]


def take_profile(run: Run, document: ProfileDocument) -> PlanItem:
    """As `take_profiles`, for one that somebody changed after it was judged with the others."""
    item_id = f"profile:{document.id}"
    run.forget(item_id)
    return plan_item("profile", document, _take(run, document, item_id), "", ())


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


def _take(run: Run, document: ProfileDocument, item_id: str) -> ItemResult:
    row = find_row(run, Profile, document, run.package.profile_ids)
    if row:
        run.profiles[document.id] = row
    result = _judged(run, document, row, item_id)
    target = _connection(run, document.connection)
    result.notes += [
        _(NO_FALLBACK) % {"alias": one.alias}
        for one in document.fallbacks
        if not _is_available(run, document, one)
    ]
    if result.action in ("create", "copy", "replace", "merge"):
        attempt(run, item_id, result, lambda: _made(run, document, result.action, target, row))
    if result.row and result.action != "refuse":
        run.profiles[document.id] = result.row
    return result


def _made(
    run: Run, document: ProfileDocument, action: str, target: Connection | None, row: Profile | None
) -> Change | None:
    if row and action == "merge":
        return _merge(run, document, row)
    if target is None:
        text = _(NO_CONNECTION) % {"alias": document.connection.alias}
        raise Invalid([FieldError("connection", "not_found", text)])
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
            [_(OTHER_CAPABILITY) % {"alias": row.alias, "capability": row.capability}],
        )
    differences = list(_differences(run, document, row))
    state = CONFLICT if differences else SAME
    result = ItemResult(state, decided(run, item_id, state), row, [], differences)
    if result.action == "refuse":
        result.notes.append(_(UNDECIDED))
    return result


def _differences(run: Run, document: ProfileDocument, row: Profile) -> Iterator[str]:
    target = _connection(run, document.connection)
    brought = columns_of(document, Profile)
    pairs = {row.label(name): (getattr(row, name), brought[name]) for name in brought} | {
        _("Connection"): (row.connection_id, target.pk if target else None),
        _("Fallbacks"): (
            _chain_of(row),
            _expected(run, document),
        ),
    }
    yield from (label for label, (mine, theirs) in pairs.items() if mine != theirs)
    fields = profile_fields(document.capability)
    for name in sorted(row.settings.keys() | document.settings.keys()):
        if row.settings.get(name) != document.settings.get(name):
            yield _(fields[name].label) if name in fields else name


def _connection(run: Run, name: RowName) -> Connection | None:
    """The row that the connection of the package has become, else the one that is here, else a new
    one of the package with this alias.
    """
    if name.id in run.connections:
        return run.connections[name.id]
    if name.id in run.package.connection_ids:
        return None
    found: Connection | None = run.here.rows[Connection].find(name.id, name.alias)
    return found or next((row for row in run.connections.values() if row.alias == name.alias), None)


def _fallback(run: Run, capability: str, name: RowName) -> Profile | None:
    if name.id in run.profiles:
        return run.profiles[name.id]
    rows = run.here.rows[Profile]
    found = [rows.ids.get(name.id), rows.of_alias(name.alias)]
    return next((row for row in found if row and row.capability == capability), None)


def _is_available(run: Run, document: ProfileDocument, name: RowName) -> bool:
    """True if a fallback is here or will be: profiles may name each other."""
    waits = name.id in run.package.profile_ids and decided(run, f"profile:{name.id}", NEW) != "skip"
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


def _chain_of(row: Profile) -> list[Any]:
    """The ids of the fallbacks that a row has."""
    return [step.fallback_id for step in row.fallback_steps.all()]


def _draft(
    run: Run, target: Connection | None, settings: Any, chain: list[Profile] | None
) -> ProfileDraft:
    provider = run.types.get(target.provider_id) if target else None
    held = {one.pk: one for one in chain or ()}
    return ProfileDraft(run.actor, target, settings, chain, held, provider, team=run.team)


def _create(run: Run, document: ProfileDocument, target: Connection, is_copy: bool) -> Change:
    here, chain = run.here.rows[Profile], _chain(run, document)
    columns: Any = columns_of(document, Profile)
    row = draft_profile(
        _draft(run, target, document.settings, chain),
        document.capability,
        alias=new_alias(Profile, document.alias, here.taken) if is_copy else document.alias,
        id=None if is_copy or document.id in here.unseen else document.id,
        taken=here.taken,
        **columns,
    ).row
    return Change(row, 0, chain)


def _replace(
    run: Run, document: ProfileDocument, target: Connection, row: Profile
) -> Change | None:
    columns: Any = columns_of(document, Profile)
    draft = _draft(run, target, document.settings, _chain(run, document))
    return _changed(row, draft, merge=False, columns=columns)


def _merge(run: Run, document: ProfileDocument, row: Profile) -> Change | None:
    """Fills what is empty."""
    settings = {
        name: value for name, value in document.settings.items() if name not in row.settings
    }
    columns: Any = empty_columns(document, row)
    draft = _draft(run, None, settings, None if _chain_of(row) else _chain(run, document))
    return _changed(row, draft, merge=True, columns=columns)


def _changed(row: Profile, draft: ProfileDraft, *, merge: bool, columns: Any) -> Change | None:
    chain = _chain_of(row)
    saved = draft_profile_change(draft, copy(row), chain, merge=merge, **columns)
    is_moved = draft.fallbacks is not None and [one.pk for one in draft.fallbacks] != chain
    fallbacks = draft.fallbacks if is_moved else None
    return Change(saved.row, row.version, fallbacks) if saved.changed else None
