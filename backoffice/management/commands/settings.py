"""`manage.py settings`: what each setting is, and where it comes from."""

from typing import Any

from django.core.management.base import CommandParser

from connections.management.output import add_output, print_json
from connections.operator_command import OperatorCommand

from ...settings import ENVIRONMENT


class Command(OperatorCommand):
    """Lists every setting of the environment, secrets masked."""

    help = (
        "List the settings that come from the environment or from .env, with their values and "
        "where each comes from. Secrets and passwords are masked."
    )
    examples = """
settings
settings --output json    # for programs
"""

    def add_arguments(self, parser: CommandParser) -> None:
        add_output(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        found = ENVIRONMENT.variables
        if options["output"] == "json":
            rows = [
                {"name": one.name, "source": one.source, "value": one.text}
                for one in found.values()
            ]
            print_json(self, rows)
            return
        width = max(map(len, found))
        for one in found.values():
            self.stdout.write(f"{one.name:<{width}}  {one.source:<11}  {one.text}".rstrip())
