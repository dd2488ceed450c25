"""The base of every command of ours."""

from typing import Any

from django.core.management.base import BaseCommand

from .viewing import viewing


class OperatorCommand(BaseCommand):
    """A command acts as the operator of the machine, who sees all rows: whoever calls it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        with viewing(None):
            return super().execute(*args, **options)
