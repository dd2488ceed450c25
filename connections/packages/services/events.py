"""Packages in events of the audit: known by the digest of their bytes, so that whoever has a file
can look for it.
"""

from connections.audit.services import Outcome, Subject, record
from connections.models import Connection
from connections.services import Actor

from ..format.errors import PackageConflict, PackageError
from ..format.files import digest_of
from .planning import Judged

MEANWHILE = ("changed", "interrupted", "stopped")  # codes of what ends an import that had begun


def record_import(judged: Judged) -> None:
    """Records the import of all that was judged, in the transaction that saves the first of it: no
    row comes without an event, also where the process ends between two parts.
    """
    run = judged.run
    changes = [*run.changes.values()]
    rows = [Subject(_kind(one.row), str(one.row.pk), one.row.alias) for one in changes]
    detail = {
        "connections": sum(isinstance(one.row, Connection) for one in changes),
        "profiles": sum(not isinstance(one.row, Connection) for one in changes),
        "new": sum(not one.version for one in changes),
        "with_secrets": bool(run.sealed),
        "mapped_secrets": len(run.decisions.secrets),
    }
    on = Subject("package", run.package.digest, team=run.team)
    record(on, actor=run.actor, others=rows, detail=detail)


def record_types(judged: Judged) -> None:
    """Records the types that a large package brings, which are there before its first part."""
    package = judged.run.package
    record(Subject("package", package.digest), actor=judged.run.actor, action="type.install")


def _kind(row: object) -> str:
    return "connection" if isinstance(row, Connection) else "profile"


def record_refused_import(
    content: bytes, error: PackageConflict | PackageError, actor: Actor
) -> None:
    """Records an import that did not begin, or that ended before all was saved."""
    code = error.code if isinstance(error, PackageError) else "conflict"
    outcome = Outcome.FAILED if code in MEANWHILE else Outcome.REFUSED
    record(Subject("package", digest_of(content)), actor=actor, outcome=outcome, code=code)
