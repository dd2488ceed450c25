"""The refusals of services, and the notices they give.

Every text is for people and carries no secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class FieldError:
    """The reason why one field is refused.

    `field`: a column (`alias`) or a setting (`settings.api_key`); `code` is stable.
    """

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Notice:
    """Something to know about a save that succeeded. `field` as in FieldError."""

    field: str
    code: str
    message: str


class Invalid(Exception):
    """Input is refused; nothing was written."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class MissingRight(PermissionDenied):
    """Somebody lacks rights. `permissions`: those rights, e.g. "connections.test_connection"; `on`:
    the row that it was about, if it was about one.
    """

    def __init__(self, message: str, permissions: Sequence[str], on: Any = None) -> None:
        super().__init__(message)
        self.permissions, self.on = tuple(permissions), on


class Stale(Exception):
    """Somebody else saved the row first. `current` is the row as it is now."""

    def __init__(self, current: Any) -> None:
        text = _(
            "%(who)s changed this while you were editing; it is at version %(version)s now. "
            "Nothing was saved."
        )
        who = current.modified_by or _("Somebody")
        super().__init__(text % {"who": who, "version": current.version})
        self.current = current


class InUse(Exception):
    """The row cannot be deleted while `dependents` need it. `cure`: what to do about it. `others`:
    how many more need it that are not for whoever asks.
    """

    def __init__(self, dependents: Sequence[Any], cure: str | None = None, others: int = 0) -> None:
        names = ", ".join(str(one) for one in dependents[:5])
        if len(dependents) > 5:
            names = _("%(names)s and more") % {"names": names}
        if others:
            text = ngettext(
                "%(number)d profile of another team", "%(number)d profiles of other teams", others
            )
            names = ", ".join(filter(None, [names, text % {"number": others}]))
        if cure is None:
            cure = _("Move or delete what uses it, or switch it off instead.")
        text = _("Still used by %(names)s.") % {"names": names}
        super().__init__(f"{text} {cure}")
        self.dependents = tuple(dependents)


class Unusable(Exception):
    """A connection cannot be used as it is.

    `code`: connection_inactive, undecryptable, unknown_provider, unresolved_reference,
    invalid_settings or not_http.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Throttled(Exception):
    """Too many tests. `seconds`: when to try again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotUndone(Exception):
    """An act cannot be undone, or not any more; nothing was changed. Its text says why."""
