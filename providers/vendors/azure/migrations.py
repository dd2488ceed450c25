"""Settings of Azure's services as older versions of their providers had them."""

from collections.abc import Mapping
from typing import Any


def without_api_type(values: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 had promptflow's `api_type` among the settings, which no request carries.

    It is kept beside them, for promptflow's files.
    """
    return {"promptflow.api_type" if name == "api_type" else name: values[name] for name in values}
