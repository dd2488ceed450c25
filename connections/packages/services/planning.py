"""The plan of an import: the import is carried out as a whole, and rolled back."""

from collections.abc import Iterator

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.catalog import confirm_types
from connections.models import ChangeStamp
from connections.services import Actor, require

from ..format.errors import PackageConflict, PackageError
from ..format.files import Package, read_package
from ..format.plan import ACTIONS, ON_CONFLICT, Decisions, Plan
from .connections import take_connection
from .profiles import take_profiles
from .run import Run
from .secrets import refuse_bad_mapping
from .types import take_types

LEFT_OUT = (
    "The package has sealed secrets. Without its passphrase they are left out, and connections "
    "that need them will be inactive."
)
NOT_SEALED = "The package has no sealed secrets, so the passphrase is not needed."
UNKNOWN_ITEM = "{} is not in this package. Its plan lists its items."
UNKNOWN_ACTION = "Choose one of: {}."


@sensitive_variables("content")
def brings_profiles(content: bytes) -> bool:
    """True if there are profiles in a package: importing them takes more rights.

    Raises PackageError.
    """
    return bool(read_package(content).profiles)


@sensitive_variables("content", "passphrase", "decisions")
def plan_import(
    content: bytes, *, actor: Actor, passphrase: str = "", decisions: Decisions = Decisions()
) -> Plan:
    """The plan of what an import of this package would do.

    Writes nothing. Raises PackageError, PermissionDenied.
    """
    return run_import(content, actor, passphrase, decisions, is_dry=True)


@sensitive_variables()
def run_import(
    content: bytes, actor: Actor, passphrase: str, decisions: Decisions, is_dry: bool
) -> Plan:
    """Imports a package, and rolls it back if `is_dry`: so the plan is what an import does.

    Raises PackageError, PermissionDenied, and PackageConflict unless it is dry.
    """
    require(actor, "connections.view_connection", "connections.add_connection")
    package = read_package(content)
    if package.profiles:
        require(actor, "connections.view_profile", "connections.add_profile")
    _refuse_unknown(package, decisions)
    confirm_types()
    run = Run(package, decisions, actor, is_dry, package.secrets(passphrase))
    is_written = False
    try:
        with transaction.atomic():
            plan = _carried_out(run, tuple(_notes(package, passphrase)))
            if not is_dry and plan.conflicts:
                raise PackageConflict(plan)
            if is_dry:
                transaction.set_rollback(True)
        is_written = not is_dry
    finally:
        if not is_written and decisions.install_types:
            confirm_types()  # what was installed is gone again
    return plan


def _carried_out(run: Run, notes: tuple[str, ...]) -> Plan:
    """Carries out every item and returns the plan.

    It holds the lock that every save takes, so that the second of two imports at once sees the rows
    that the first has made.
    """
    ChangeStamp.objects.get_or_create(pk=1)
    ChangeStamp.objects.select_for_update().get(pk=1)
    types = take_types(run)
    connections = [take_connection(run, one) for one in run.package.connections]
    profiles = take_profiles(run)
    return Plan(
        items=(*types, *connections, *profiles),
        placeholders=tuple(run.placeholders.values()),
        is_sealed=run.package.is_sealed,
        made_at=run.package.manifest.created,
        notes=notes,
    )


def _notes(package: Package, passphrase: str) -> Iterator[str]:
    yield from package.manifest.notes
    if package.is_sealed and not passphrase:
        yield LEFT_OUT
    if passphrase and not package.is_sealed:
        yield NOT_SEALED


def _refuse_unknown(package: Package, decisions: Decisions) -> None:
    """Raises PackageError for a decision about an item or a placeholder that is not in the package,
    and for a decision that does not exist.
    """
    ids = {f"connection:{one.id}" for one in package.connections} | {
        f"profile:{one.id}" for one in package.profiles
    }
    ids |= {f"type:{key}" for key in package.types}
    if unknown := sorted(decisions.items.keys() - ids):
        raise PackageError("bad_decision", UNKNOWN_ITEM.format(unknown[0][:100]))
    if decisions.on_conflict not in ON_CONFLICT:
        raise PackageError("bad_decision", UNKNOWN_ACTION.format(", ".join(ON_CONFLICT)))
    if not set(decisions.items.values()) <= {*ACTIONS}:
        raise PackageError("bad_decision", UNKNOWN_ACTION.format(", ".join(ACTIONS)))
    if unknown := sorted(decisions.secrets.keys() - package.placeholders):
        raise PackageError(
            "bad_decision", UNKNOWN_ITEM.format(f"The placeholder {unknown[0][:100]!r}")
        )
    refuse_bad_mapping(decisions.secrets)
