"""The connection types in a package, for connections whose type is missing or older here."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.offers import offered_provider
from connections.services import Invalid
from connections.types.services import install_type, preview_type, read_types
from providers.core.registry import UnknownProvider

from ..format.plan import PlanItem
from .run import CHOICES, CONFLICT, NEW, SAME, ItemResult, Run, attempt

NOT_ASKED = gettext_noop(
    "It is installed only when that is asked for, by somebody who may install types."
)
OTHER_KEY = gettext_noop("The document in the package is of another type than its name says.")


def take_types(run: Run) -> list[PlanItem]:
    """Judges the types that are missing or older here.

    Returns their items of the plan, and notes in the run the providers of those that would be
    installed. Raises PermissionDenied.
    """
    return [_take(run, key, text) for key, text in sorted(run.package.types.items())]


def install_taken(run: Run) -> None:
    """Installs what `take_types` noted. Raises Invalid, PermissionDenied."""
    for key in run.types:
        install_type(run.package.types[key], actor=run.actor)


def _take(run: Run, key: str, text: str) -> PlanItem:
    version = run.package.manifest.types.get(key, 1)
    try:
        here = offered_provider(key).version
    except UnknownProvider:
        here = 0
    result = ItemResult(NEW if not here else CONFLICT if here < version else SAME, "nothing")
    if result.state != SAME:
        result.action = (
            "create"
            if run.decisions.install_types and run.decisions.items.get(f"type:{key}") != "skip"
            else "skip"
        )
        result.notes += [] if result.action == "create" else [_(NOT_ASKED)]
        if here:
            text = _("Version %(here)s is here, %(version)s in the package")
            result.differences.append(text % {"here": here, "version": version})
    if result.action == "create":
        _preview(run, result, key, text)
    return PlanItem(
        id=f"type:{key}",
        kind="type",
        name=key,
        alias=key,
        provider_id=key,
        state=result.state,
        action=result.action,
        differences=tuple(result.differences),
        choices=("create", "skip") if result.state != SAME else CHOICES[SAME][:1],
        notes=tuple(result.notes),
    )


def _preview(run: Run, result: ItemResult, key: str, text: str) -> None:
    def act() -> None:
        if [one.key for one in read_types(text)] != [key]:
            result.action, result.notes = "refuse", [_(OTHER_KEY)]
            return
        preview = preview_type(text, actor=run.actor)
        if preview.refusals:
            raise Invalid(preview.refusals)
        run.types[key] = preview.provider

    attempt(run, f"type:{key}", result, act)
