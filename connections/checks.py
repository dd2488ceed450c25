"""System checks: `manage.py check` for the keys, `manage.py check --tag connections --database
default` for the rows too.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError

from providers.core.registry import all_providers

from . import selectors, services
from .credentials import key_ids
from .models import Connection
from .references import State

SHORTEST_KEY = 32
EXAMPLES = 5


@register("connections")
def check_fernet_keys(**kwargs: Any) -> list[CheckMessage]:
    """Keys are set, and are keys: HKDF is no password hash and its salt is public, so a word could
    be guessed.
    """
    keys = settings.FERNET_KEYS or []
    hint = (
        'Make one with: python -c "from cryptography.fernet import Fernet; '
        'print(Fernet.generate_key().decode())"'
    )
    if not keys:
        return [
            Error(
                "FERNET_KEYS is not set, so no credential can be stored or read.",
                hint=hint,
                id="connections.E001",
            )
        ]
    if any(len(key) < SHORTEST_KEY for key in keys):
        return [
            Error(
                f"FERNET_KEYS holds a key of less than {SHORTEST_KEY} characters, which can be "
                "guessed.",
                hint=hint,
                id="connections.E002",
            )
        ]
    if settings.SECRET_KEY in keys:
        return [
            Error(
                "FERNET_KEYS holds the SECRET_KEY. Use a key of its own.",
                hint=hint,
                id="connections.E003",
            )
        ]
    return []


def _rows_can_be_read(app_configs: Any, databases: Sequence[str] | None) -> bool:
    """Rows are looked at only when a command asks for the database, as `check --tag connections` of
    ours and `migrate` do.
    """
    try:
        return Connection.objects.exists()
    except DatabaseError:
        return False  # before the first migrate


@register("connections")
def check_providers(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every row's provider is installed."""
    if not _rows_can_be_read(app_configs, databases):
        return []
    services.confirm_types()
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
def check_references(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every reference resolves."""
    if not _rows_can_be_read(app_configs, databases):
        return []
    broken = [use for use in selectors.reference_uses() if use.resolution.state != State.RESOLVED]
    return [
        Warning(
            f"{use.resolution.reference} is {use.resolution.state}, used by {len(use.uses)} "
            "connection(s): "
            f"{', '.join(alias for _, _, alias, _ in use.uses[:EXAMPLES])}.",
            hint=use.resolution.message,
            id="connections.W002",
        )
        for use in broken
    ]


@register("connections")
def check_decryptable(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every row's credentials were encrypted by a key that is still there."""
    if not _rows_can_be_read(app_configs, databases):
        return []
    lost = (
        Connection.objects.filter(credentials_key__isnull=False)
        .exclude(credentials_key__in=key_ids())
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


@register("connections")
def check_type_files(**kwargs: Any) -> list[CheckMessage]:
    """Every file of CONNECTIONS_TYPES_DIR can be read."""
    hint = (
        "`manage.py connectiontype check FILE` says what is wrong with it. Types are read once: "
        "start again when it is mended."
    )
    problems = services.type_problems().items()
    return [
        Warning(
            f"{name} in CONNECTIONS_TYPES_DIR is left out. {why}", hint=hint, id="connections.W004"
        )
        for name, why in problems
    ]


@register("connections")
def check_types(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """No connection is behind its type, and no key of a type is there twice."""
    if not _rows_can_be_read(app_configs, databases):
        return []
    services.confirm_types()
    found: list[CheckMessage] = [
        Warning(
            f"{count} connection(s) of {key} are at an older version than their type.",
            hint=(
                "Bring them up with: manage.py connectiontype sync. Those that cannot be decrypted "
                "follow when their key is back."
            ),
            id="connections.W005",
        )
        for key, count in services.rows_behind().items()
    ]
    return found + [
        Warning(
            f"The connection type {one.key} is installed, but it belongs to a file, which comes "
            "first.",
            hint=(
                f"Remove what is installed with: manage.py connectiontype remove {one.key}. Or "
                "remove the file."
            ),
            id="connections.W006",
        )
        for one in services.connection_types()
        if one.row and one.source != "installed"
    ]
