"""Connections that a person allows in a browser: OAuth2's authorization code."""

import secrets
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections import services as core
from connections.audit.services import act, record
from connections.locks import retried
from connections.models import Connection
from connections.runtime import get_configured_provider
from providers.core.errors import ProviderError
from providers.http.authorization_code import (
    Attempt,
    Authorization,
    authorization_address,
    code_in,
    grant_of_code,
)
from providers.manifests import ManifestProvider

NOT_FOR_LONG = gettext_noop(
    "The token service gave no refresh token, so the connection would end in an hour. Its type "
    "must ask for one: see the vendor's documents about offline access. A service that gave one "
    "before may want that withdrawn there first."
)


@dataclass(frozen=True)
class Asked:
    """A question to a person: the `address` to open, and what its answer is recognised by."""

    address: str = field(repr=False)
    attempt: Attempt


@sensitive_variables()
def is_allowed(connection: Connection) -> bool | None:
    """True if the connection has the refresh token of a person, False if somebody has to allow it
    yet, None if it wants no such thing.

    One whose settings cannot be read now has none.
    """
    provider = connection.provider
    if provider is None or not issubclass(provider, ManifestProvider):
        return None
    if not provider.may_want_authorization(connection.settings):
        return None
    try:
        configured, authorization = _wanted(connection)
    except core.Invalid:
        return None
    except (core.Unusable, ProviderError):
        return False
    return bool(getattr(configured.settings, authorization.setting))


def ask_authorization(connection: Connection, redirect_uri: str, *, actor: core.Actor) -> Asked:
    """Begins to have a connection allowed. `redirect_uri`: where the browser ends, as the service
    has it registered.

    Raises PermissionDenied, Unusable, ProviderError, and Invalid for a type that wants no such
    thing.
    """
    core.require(actor, "connections.change_connection")
    attempt = Attempt(redirect_uri, secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    authorization = _wanted(connection)[1]
    return Asked(authorization_address(authorization, attempt), attempt)


@act("connection.authorize", ProviderError)
@sensitive_variables()
def finish_authorization(
    connection: Connection,
    attempt: Attempt,
    answer: str,
    *,
    actor: core.Actor,
    expected_version: int | None = None,
) -> core.Saved:
    """Keeps the refresh token that the answer stands for. `answer`: the address at which the
    browser ended; `expected_version`: that of the connection when the person was asked.

    Raises as `ask_authorization`, Stale, and ProviderError for another answer, a refusal, and a
    token service that does not take the code.
    """
    core.require(actor, "connections.change_connection")
    if expected_version not in (None, connection.version):
        raise core.Stale(connection)  # the code could go where nobody was told that it goes
    provider, authorization = _wanted(connection)
    code = code_in(answer, attempt)
    token = provider.fetched(grant_of_code(authorization, attempt, code))
    if not token.refresh_token:
        raise ProviderError(_(NOT_FOR_LONG), "bad_response", True)
    kept = {authorization.setting: token.refresh_token}
    return _saved(connection, kept, actor, expected_version)


@retried
@sensitive_variables()
def _saved(
    connection: Connection, kept: dict[str, str], actor: core.Actor, version: int | None
) -> core.Saved:
    with transaction.atomic():
        saved = core.update_connection(
            connection, actor=actor, expected_version=version, settings=kept, merge=True
        )
        record(saved.row, actor=actor)
    return saved


def _wanted(connection: Connection) -> tuple[ManifestProvider, Authorization]:
    provider = get_configured_provider(connection, even_inactive=True)
    found = provider.authorization if isinstance(provider, ManifestProvider) else None
    if not isinstance(provider, ManifestProvider) or found is None:
        text = _("%(alias)s is not a connection that a person allows in a browser.")
        values = {"alias": connection.alias}
        raise core.Invalid([core.FieldError("document", "invalid", text % values)])
    return provider, found
