"""The system check of the schedule: `manage.py check --deploy` for what is overdue."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register
from django.db import DatabaseError

from . import services


@register("connections", deploy=True)
def check_overdue(**_kwargs: Any) -> list[CheckMessage]:
    """Nothing that should run by itself is overdue or failed."""
    try:
        found = services.overdue()
    except DatabaseError:  # also before the first migrate
        return []
    hint = "The page What runs by itself shows what ran and what is due."
    return [Warning(one, hint=hint, id="connections.W007") for one in found]
