"""System checks: `manage.py check` for the keys, `manage.py check --tag connections --database
default` for the rows too.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction

from providers.core.registry import all_providers

from . import catalog, selectors, services
from .audit.services import stream_targets
from .credentials import key_ids
from .models import Connection
from .references import State
from .secret_texts import is_guessable

SHORTEST_KEY = 32
EXAMPLES = 5


@register("connections")
def check_audit_stream(**_kwargs: Any) -> list[CheckMessage]:
    """The targets of AUDIT_STREAM can be asked."""
    try:
        stream_targets()
    except ValueError as error:
        return [Error(str(error), id="connections.E010")]
    return []


@register("connections")
def check_fernet_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Keys are set, and are keys.

    A word could be guessed: HKDF is not a password hash, and its salt is public.
    """
    try:
        keys = list(settings.FERNET_KEYS or [])
    except ImproperlyConfigured as error:
        return [Error(str(error), id="connections.E006")]
    if not keys:
        return _wrong("E001", "FERNET_KEYS is not set, so no credential can be stored or read.")
    if any(len(key) < SHORTEST_KEY for key in keys):
        text = f"FERNET_KEYS holds a key of less than {SHORTEST_KEY} characters, which can be"
        return _wrong("E002", f"{text} guessed.")
    if any(is_guessable(key) for key in keys):
        text = "FERNET_KEYS holds a key that can be guessed: it repeats itself, or counts."
        how = ". Put it in front, and run rotate_credentials: see SECURITY.md."
        return _wrong("E004", text, how)
    if settings.SECRET_KEY in keys:
        return _wrong("E003", "FERNET_KEYS holds the SECRET_KEY. Use a key of its own.")
    return []


def _wrong(code: str, text: str, how: str = "") -> list[CheckMessage]:
    """What is wrong with the keys, and how to make another."""
    make = (
        'Make one with: python -c "from cryptography.fernet import Fernet; '
        'print(Fernet.generate_key().decode())"'
    )
    return [Error(text, hint=f"{make}{how}", id=f"connections.{code}")]


@register("connections")
def check_secret_key(**_kwargs: Any) -> list[CheckMessage]:
    """SECRET_KEY signs sessions, and nothing that is stored needs it for longer."""
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # without one nothing is served, and not everything needs it
        return []
    if settings.DEBUG or (len(key) >= SHORTEST_KEY and not is_guessable(key)):
        return []
    return [
        Error(
            f"SECRET_KEY has less than {SHORTEST_KEY} characters, or can be guessed.",
            hint="Make another; everybody signs in again, nothing else is lost. For example: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="connections.E005",
        )
    ]


def rows_can_be_read() -> bool:
    """True if there are connections to check; False also before a migrate that their table needs:
    that command checks first.
    """
    try:
        with transaction.atomic():  # PostgreSQL ends the transaction in which a query failed
            return bool(Connection.objects.listed().order_by()[:1])
    except DatabaseError:
        return False


@register("connections")
def check_providers(**_kwargs: Any) -> list[CheckMessage]:
    """Checks that the provider of every row is installed."""
    if not rows_can_be_read():
        return []
    catalog.confirm_types()
    known = [provider.id for provider in all_providers()]
    rows = Connection.objects.exclude(provider_id__in=known)
    gone = sorted(set(rows.values_list("provider_id", flat=True)))
    return [
        Warning(
            f"{rows.filter(provider_id=one).count()} connection(s) have the provider {one!r}, "
            "which is not installed.",
            hint=(
                "Install the connection type or the Python package that brings it, or delete these "
                "connections."
            ),
            id="connections.W001",
        )
        for one in gone
    ]


@register("connections")
def check_references(**_kwargs: Any) -> list[CheckMessage]:
    """Checks that every reference resolves, and not to what is left of an example."""
    if not rows_can_be_read():
        return []
    uses = selectors.reference_uses()
    broken: list[CheckMessage] = [
        Warning(
            f"{use.resolution.reference} is {use.resolution.state}, {_used_by(use)}",
            hint=use.resolution.message,
            id="connections.W002",
        )
        for use in uses
        if use.resolution.state != State.RESOLVED
    ]
    return broken + [
        Warning(
            f"{use.resolution.reference} holds a placeholder, {_used_by(use)}",
            hint="Write the real key in its place.",
            id="connections.W009",
        )
        for use in uses
        if use.is_placeholder
    ]


def _used_by(use: selectors.ReferenceUse) -> str:
    aliases = ", ".join(alias for _, _, alias, _ in use.uses[:EXAMPLES])
    return f"used by {len(use.uses)} connection(s): {aliases}."


@register("connections", deploy=True)
def check_sources(**_kwargs: Any) -> list[CheckMessage]:
    """Checks that every source of references is reached, signed in to and allowed to be read."""
    return [
        Warning(
            f"{one.name} cannot be used: {one.state} after {one.milliseconds} ms.",
            hint=one.message,
            id="connections.W004",
        )
        for one in services.test_sources(None)
        if one.message
    ]


@register("connections")
def check_decryptable(**_kwargs: Any) -> list[CheckMessage]:
    """Checks that the key that encrypted the credentials of every row is still there."""
    if not rows_can_be_read():
        return []
    try:
        known = key_ids()
    except ImproperlyConfigured:  # check_fernet_keys says it
        return []
    lost = (
        Connection.objects.filter(credentials_key__isnull=False)
        .exclude(credentials_key__in=known)
        .count()
    )
    hint = "Add the lost key to FERNET_KEYS again, or enter these credentials again."
    return (
        [
            Warning(
                f"The credentials of {lost} connection(s) cannot be decrypted.",
                hint=hint,
                id="connections.W003",
            )
        ]
        if lost
        else []
    )
