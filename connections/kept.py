"""Values that a room keeps among the settings of a connection, and no provider knows.

Its names have a dot, as in `promptflow.api_type`, which no setting's name has. It is not a setting:
no form shows it, no request carries it, and an edit of the settings leaves it as it is.
"""

from collections.abc import Mapping
from typing import Any


def kept_beside(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the stored settings that a room keeps."""
    return {name: value for name, value in settings.items() if "." in name}


def settings_alone(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings without what a room keeps."""
    return {name: value for name, value in settings.items() if "." not in name}
