"""`manage.py settings`: what each setting is, and where it comes from."""

from typing import Any

from connections.operator_command import OperatorCommand

from ...settings import ENVIRONMENT


class Command(OperatorCommand):
    """Lists every setting of the environment, secrets masked."""

    help = (
        "Lists the settings that come from the environment or from .env, with their values and "
        "where each comes from. Secrets and passwords are masked."
    )
    requires_system_checks: list[str] = []  # it helps where they fail

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        found = ENVIRONMENT.variables
        width = max(map(len, found))
        for one in found.values():
            self.stdout.write(f"{one.name:<{width}}  {one.source:<11}  {one.text}".rstrip())
