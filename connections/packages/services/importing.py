"""The import of a package: all of it, or nothing."""

from django.views.decorators.debug import sensitive_variables

from connections.services import Actor

from ..format.plan import Decisions, Plan
from .planning import run_import


@sensitive_variables("content", "passphrase", "decisions")
def import_package(
    content: bytes, *, actor: Actor, passphrase: str = "", decisions: Decisions = Decisions()
) -> Plan:
    """Imports a package in one transaction. Returns the plan that was carried out.

    Raises PackageConflict with the plan while something stands in the way, PackageError,
    PermissionDenied; then nothing was written.
    """
    return run_import(content, actor, passphrase, decisions, is_dry=False)
