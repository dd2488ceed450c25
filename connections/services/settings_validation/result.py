"""The result of validating settings, and what is stored before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections.credentials import Undecryptable, merged
from providers.core.settings import ProviderSettings

from ...errors import FieldError, Notice

Credentials = dict[str, Any] | Undecryptable | None


@dataclass(frozen=True)
class Stored:
    """The settings and credentials of a row before a change."""

    settings: Mapping[str, Any]
    credentials: Credentials = field(repr=False)

    @property
    def lost(self) -> Undecryptable | None:
        """The credentials when no key opens them, else None."""
        return self.credentials if isinstance(self.credentials, Undecryptable) else None

    @property
    def values(self) -> dict[str, Any]:
        """Settings and decrypted credentials as one."""
        literals = self.credentials if isinstance(self.credentials, dict) else {}
        return merged(self.settings, literals)


@dataclass
class SettingsResult:
    """The settings and credentials to store, the errors and the notices.

    `validated`: the provider's settings with every reference resolved, None when something is wrong
    or unresolved. `missing_secrets`: secrets that are known to be missing, a setting or
    `setting.key` each. `unresolved`: why references do not resolve, a sentence each.
    """

    settings: dict[str, Any]
    credentials: Credentials = field(repr=False)
    errors: list[FieldError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    validated: ProviderSettings | None = None
    missing_secrets: Sequence[str] = ()
    unresolved: list[str] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        """Settings and credentials as one, without those that cannot be decrypted."""
        return Stored(self.settings, self.credentials).values

    def refuse(self, name: str, code: str, message: str) -> None:
        """Adds an error for one setting; the first one stands."""
        if not any(error.field == f"settings.{name}" for error in self.errors):
            self.errors.append(FieldError(f"settings.{name}", code, message))

    def notify(self, name: str, code: str, message: str) -> None:
        """Adds a notice for one setting."""
        self.notices.append(Notice(f"settings.{name}", code, message))
