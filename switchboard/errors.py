"""The errors that a caller can get. Every message names the cause and the cure; none holds a token
or a secret.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldProblem:
    """The refusal of one field: a JSON pointer to it (`/settings/apiKey`), a stable code, a
    sentence. Never the value.
    """

    pointer: str
    code: str
    detail: str


class SwitchboardError(Exception):
    """Base of all errors here.

    `problem`: the server's problem document (RFC 9457), empty when the server was not asked or gave
    none; `code` is read from it, `errors` are its complaints about single fields. `status`: the
    HTTP status of the answer, else the one that the error stands for; None where there is neither.
    """

    cure = ""
    stands_for: ClassVar[int | None] = None

    def __init__(
        self,
        message: str,
        problem: Mapping[str, Any] | None = None,
        errors: Iterable[FieldProblem] = (),
        *,
        status: int | None = None,
    ) -> None:
        self.problem: dict[str, Any] = dict(problem or {})
        self.status: int | None = status or self.problem.get("status") or self.stands_for
        self.code: str = str(self.problem.get("code") or "")
        self.errors: tuple[FieldProblem, ...] = (*_fields(self.problem), *errors)
        super().__init__(f"{message} {self.cure}" if self.cure else message)

    def is_about(self, pointer: str, codes: Iterable[str]) -> bool:
        """True if this one field, and no other, is refused for one of these reasons."""
        return bool(self.errors) and all(
            one.pointer == pointer and one.code in codes for one in self.errors
        )


def _fields(problem: Mapping[str, Any]) -> Iterable[FieldProblem]:
    found = problem.get("errors")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield FieldProblem(
                str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("detail", ""))
            )


class Unauthorized(SwitchboardError):
    """401: the token is unknown, expired or revoked."""

    stands_for = 401
    cure = "Make one on the Tokens page, or with `manage.py token create`."


class PermissionDenied(SwitchboardError):
    """403: the token lacks a scope, or its user a permission."""

    stands_for = 403
    cure = "Take a token with this scope, of a user who may do it."


class NotFoundError(SwitchboardError):
    """404: there is nothing of this name."""

    stands_for = 404


class ConnectionNotFoundError(NotFoundError):
    """There is no connection of this name, alias or id."""


class ProfileNotFoundError(NotFoundError):
    """There is no profile of this alias or id."""


class InvalidError(SwitchboardError):
    """400: what was sent is refused.

    `errors` point to the fields; found out here, before anything was sent, they point alike.
    """

    stands_for = 400


class ConflictError(SwitchboardError):
    """409: the name is taken or stands for several connections, or profiles still need the
    connection (`dependents`).
    """

    stands_for = 409

    @property
    def dependents(self) -> list[dict[str, str]]:
        """The profiles that need the connection that was to be deleted: id, type, alias, name."""
        return list(self.problem.get("dependents") or ())


class StaleError(SwitchboardError):
    """412: somebody else changed the connection since this object was got."""

    stands_for = 412


class RateLimited(SwitchboardError):
    """429: too many requests, also after the retries. `retry_after`: seconds to wait."""

    stands_for = 429

    def __init__(
        self, message: str, problem: Mapping[str, Any] | None = None, retry_after: int = 1
    ) -> None:
        self.retry_after = retry_after
        super().__init__(f"{message} Try again in {retry_after} seconds.", problem)


class ServerError(SwitchboardError):
    """5xx, or an answer that Switchboard never gives."""


class ServerUnreachable(SwitchboardError):
    """Nobody answered: wrong address, server down, no trusted certificate, or too slow."""


class ClientClosedError(SwitchboardError, RuntimeError):
    """The client was closed, by `close()` or at the end of its `with`."""

    def __init__(self, message: str = "This client is closed. Make a new one.") -> None:
        super().__init__(message)


class ConnectionNameNotSetError(SwitchboardError):
    """A connection without a name cannot be saved."""


class RequiredEnvironmentVariablesNotSetError(SwitchboardError):
    """`from_env` misses variables.

    `missing`: those that are not set; `required`: all that the type needs.
    """

    def __init__(self, class_name: str, missing: Iterable[str], required: Iterable[str]) -> None:
        self.missing, self.required = list(missing), list(required)
        said = f"{class_name}.from_env: not set or empty: {', '.join(self.missing)}."
        super().__init__(
            f"{said} Set the environment variables that it needs: {', '.join(self.required)}."
        )
