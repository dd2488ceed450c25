#!/usr/bin/env python
"""The commands of Switchboard and of Django, for people at a terminal."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand


def main() -> None:
    """Run an administrative command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django import get_version
    from django.conf import settings
    from django.core.management import ManagementUtility

    from backoffice.environment import stopping
    from providers.core.version import version

    class Commands(ManagementUtility):
        """Django's, with our words for a command that there is not."""

        def fetch_command(self, subcommand: str) -> "BaseCommand":
            """The command of this name."""
            from connections.operator_command import refuse_unknown  # all apps are loaded by now

            refuse_unknown(subcommand)
            return super().fetch_command(subcommand)

    if sys.argv[1:] in (["--version"], ["version"]):
        sys.stdout.write(f"Switchboard {version()}, Django {get_version()}\n")
        return
    with stopping():
        settings.DEBUG  # noqa: B018 the first look at a setting reads them all
    Commands(sys.argv).execute()
    if sys.argv[1:] in ([], ["help"], ["--help"], ["-h"]):  # behind Django's list of all
        from connections.operator_command import own_commands

        names = ", ".join(own_commands())
        sys.stdout.write(
            f"\nSwitchboard's own: {names}.\nSee docs/commands.md, or --help of each.\n"
        )


if __name__ == "__main__":
    main()
