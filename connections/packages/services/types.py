"""The import of the connection types in a package, for connections whose type is missing or older
here.
"""

from connections.types.services import install_type, read_types
from providers.core.registry import UnknownProvider, get_provider

from ..format.plan import PlanItem
from .run import CHOICES, CONFLICT, NEW, SAME, ItemResult, Run, attempt

NOT_ASKED = "It is installed only when that is asked for, by somebody who may install types."
OTHER_KEY = "The document in the package is of another type than its name says."


def take_types(run: Run) -> list[PlanItem]:
    """Installs the types that are missing or older here, if that was decided.

    Returns their items of the plan. Raises PermissionDenied.
    """
    return [_take(run, key, text) for key, text in sorted(run.package.types.items())]


def _take(run: Run, key: str, text: str) -> PlanItem:
    version = run.package.manifest.types.get(key, 1)
    try:
        here = get_provider(key).version
    except UnknownProvider:
        here = 0
    result = ItemResult(NEW if not here else CONFLICT if here < version else SAME, "nothing")
    if result.state != SAME:
        result.action = (
            "create"
            if run.decisions.install_types and run.decisions.items.get(f"type:{key}") != "skip"
            else "skip"
        )
        result.notes += [] if result.action == "create" else [NOT_ASKED]
        result.differences += [f"Version {here} is here, {version} in the package"] if here else []
    if result.action == "create":
        _install(run, result, key, text)
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


def _install(run: Run, result: ItemResult, key: str, text: str) -> None:
    def act() -> None:
        if [one.key for one in read_types(text)] == [key]:
            install_type(text, actor=run.actor)
        else:
            result.action, result.notes = "refuse", [OTHER_KEY]

    attempt(run, result, act)
