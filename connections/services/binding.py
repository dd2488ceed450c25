"""Binding of documents that do not say where they belong, as versions before stored them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ..audit.services import Subject, act, record
from ..bindings import binding_of_connection, binding_of_token, bound, grace_until
from ..credentials import Binding, SecretDict, Undecryptable, decrypt, key_ids
from ..locks import hold, long_change, retried
from ..models import GRACE, AccessToken, BindingNote, Connection, KeyReplacement, takes_unbound
from .rotation import BATCH, stored_tokens

GRACE_TIME = timedelta(hours=24)


def _of_row(row: Any) -> Binding:
    found: Binding = row.binding
    return found


def _of_replacement(row: Any) -> Binding:
    """Empty for one whose connection is gone, where nothing uses it."""
    columns = ("pk", "provider_id", "settings")
    found = Connection.every.filter(pk=row.connection_id).values_list(*columns).first()
    return binding_of_connection(*found) if found else []


def _of_token(row: Any) -> Binding:
    return binding_of_token(row.pk, row.key)


def _bound_tables() -> list[tuple[Any, Callable[[Any], Binding]]]:
    history: Any = Connection.history
    return [
        (Connection, _of_row),
        (history.model, _of_row),
        (KeyReplacement, _of_replacement),
        (AccessToken, _of_token),
    ]


@act("keys.update")
@sensitive_variables()
def bind_credentials() -> int:
    """Binds every document that does not say where it belongs to where it is, and says how many.

    Whoever calls it vouches for the database: what somebody put into another row before is bound to
    that. What says that it belongs elsewhere stays as it is.
    """
    number = 0
    for table, binding_of in _bound_tables():
        keys = [pk for pk, token in stored_tokens(table) if _is_unbound(decrypt(token))]
        for start in range(0, len(keys), BATCH):
            number += _bind_batch(table, keys[start : start + BATCH], binding_of)
    if number:
        record(Subject("keys"), actor=None, detail={"bound": number})
    return number


def bind_while_in_grace() -> int:
    """`bind_credentials` while documents without a binding are taken all the same: a worker of the
    version before may still store some.
    """
    return bind_credentials() if takes_unbound() else 0


def begin_grace() -> None:
    """Has documents without a binding taken for GRACE_TIME from now on."""
    note = {"text": grace_until(timezone.now() + GRACE_TIME)}
    BindingNote.objects.update_or_create(pk=GRACE, defaults=note)


def _is_unbound(credentials: Any) -> bool:
    return isinstance(credentials, SecretDict) and not credentials.bound


@retried
@sensitive_variables()
def _bind_batch(table: Any, keys: list[Any], binding_of: Callable[[Any], Binding]) -> int:
    changed = []
    with long_change():
        for row in hold(table._default_manager.all(), keys).values():
            found: Any = row.credentials
            found = decrypt(found.token) if isinstance(found, Undecryptable) else found
            if _is_unbound(found) and (binding := binding_of(row)):
                row.credentials = bound(found, binding)
                changed.append(row)
        columns = ["credentials"]
        if table is not AccessToken:
            columns.append("credentials_key")
            for row in changed:
                row.credentials_key = key_ids()[0]
        table._default_manager.bulk_update(changed, columns)
    return len(changed)
