"""The comparison of a connection in a package with the row that is here. Writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.credentials import Undecryptable
from connections.kept import settings_alone
from connections.models import Connection
from connections.references import is_reference, place
from providers.core.base import Provider
from providers.core.schema import settings_fields

from ..format.documents import ConnectionDocument
from .secrets import IncomingConnection, addresses, stored_secret

OTHER_ALIAS = gettext_noop("Its alias here is %(alias)s, and stays.")
KEEPS_SECRETS = gettext_noop("What is stored here and not in the package stays: %(settings)s.")


@dataclass(frozen=True)
class Comparison:
    """A document and the row that it is compared with, both in the settings of today's provider.

    `may_compare`: the actor may change the row, and so may learn whether a sealed secret is the
    stored one.
    """

    document: ConnectionDocument
    provider: type[Provider[Any]]
    incoming: IncomingConnection
    row: Connection
    may_compare: bool

    @sensitive_variables()
    def differences(self) -> list[str]:
        """The labels of the columns, settings and secrets that differ here."""
        row, document, incoming = self.row, self.document, self.incoming
        # inactive here for want of a secret that this package does not bring either
        is_held_back = not row.is_active and bool(row.lacking) and bool(self.missing_secrets())
        found = [
            row.label(name)
            for name in row.editable_columns
            if getattr(row, name) != getattr(document, name)
            and not (name == "is_active" and is_held_back)
        ]
        secret = {name for name, one in settings_fields(self.provider).items() if one.secret}
        plain = settings_alone(row.settings)
        stored = {name: value for name, value in plain.items() if name not in secret}
        names = [*settings_fields(self.provider), *sorted(stored.keys() | incoming.settings.keys())]
        found += [
            incoming.label(name)
            for name in names
            if not _is_same(stored.get(name), incoming.settings.get(name))
        ]
        return list(
            dict.fromkeys(found + [incoming.label(where) for where in self._other_secrets()])
        )

    @sensitive_variables()
    def _other_secrets(self) -> Iterator[str]:
        for where, value in self.incoming.known().items():
            stored = stored_secret(self.row, where)
            is_readable = self.may_compare or is_reference(value)
            if not is_readable or isinstance(stored, Undecryptable) or stored != value:
                yield where
        yield from (where for where in self.unstored() if where not in self.row.lacking)

    def notes(self) -> list[str]:
        """Sentences about what stays as it is here, whatever is decided."""
        brought = {*self.incoming.known(), *self.incoming.missing}
        kept = [
            one
            for one in self._stored_places()
            if one not in brought and one.partition(".")[0] not in brought
        ]
        found = (
            [_(OTHER_ALIAS) % {"alias": self.row.alias}]
            if self.row.alias != self.document.alias
            else []
        )
        return found + (
            [_(KEEPS_SECRETS) % {"settings": ", ".join(map(self.incoming.label, kept))}]
            if kept
            else []
        )

    @sensitive_variables()
    def _stored_places(self) -> list[str]:
        fields, found = settings_fields(self.provider), []
        stored = self.row.credentials if isinstance(self.row.credentials, dict) else {}
        for source in (self.row.settings, stored):
            for name in (name for name in source if name in fields and fields[name].secret):
                keys = (
                    source[name] if fields[name].is_map and isinstance(source[name], dict) else [""]
                )
                found += [place(name, key) for key in keys]
        return sorted(found)

    def unstored(self) -> list[str]:
        """The places for which the package brings no secret and none is stored."""
        return [where for where in self.incoming.missing if stored_secret(self.row, where) is None]

    def missing_secrets(self) -> list[str]:
        """The places without a secret once the row is replaced, which keeps the stored secrets."""
        wanted = dict.fromkeys([*self.incoming.missing, *self.row.lacking])
        return [
            one
            for one in wanted
            if stored_secret(self.row, one) is None and one not in self.incoming.known()
        ]

    @sensitive_variables()
    def free_secrets(self) -> dict[str, Any]:
        """The secrets that the package brings for places where nothing is stored."""
        found: dict[str, Any] = {}
        for where, value in self.incoming.known().items():
            name, _, key = where.partition(".")
            if stored_secret(self.row, where) is None:
                found[name] = {**found.get(name, {}), key: value} if key else value
        return found

    @property
    def is_same_place(self) -> bool:
        """True if both send their secrets to the same addresses."""
        return addresses(self.provider, self.row.settings) == addresses(
            self.provider, self.incoming.settings
        )


def _is_same(one: Any, other: Any) -> bool:
    return (
        (one or None) == (other or None)
        if isinstance(one, dict) or isinstance(other, dict)
        else one == other
    )
