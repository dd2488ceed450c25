"""System checks of connection types: files that cannot be read, connections behind their type."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from connections import catalog
from connections.checks import rows_can_be_read

from . import services


@register("connections")
def check_type_files(**_kwargs: Any) -> list[CheckMessage]:
    """Every file of CONNECTIONS_TYPES_DIR can be read."""
    hint = (
        "`manage.py connectiontype check FILE` says what is wrong with it. Types are read once: "
        "start again when it is mended."
    )
    problems = catalog.type_problems().items()
    return [
        Warning(
            f"{name} in CONNECTIONS_TYPES_DIR is left out. {why}", hint=hint, id="connections.W004"
        )
        for name, why in problems
    ]


@register("connections")
def check_types(**_kwargs: Any) -> list[CheckMessage]:
    """No connection is behind its type, and no key of a type is there twice."""
    if not rows_can_be_read():
        return []
    catalog.confirm_types()
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
