#!/usr/bin/env python
"""The commands of Switchboard and of Django, for people at a terminal."""

import os
import sys


def main() -> None:
    """Run an administrative command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django import get_version
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from backoffice.environment import stopping
    from providers.core.version import version

    if sys.argv[1:] in (["--version"], ["version"]):
        sys.stdout.write(f"Switchboard {version()}, Django {get_version()}\n")
        return
    with stopping():
        settings.DEBUG  # noqa: B018 the first look at a setting reads them all
    execute_from_command_line(sys.argv)
    if sys.argv[1:] in ([], ["help"], ["--help"], ["-h"]):  # behind Django's list of all
        from connections.operator_command import own_commands

        names = ", ".join(own_commands())
        sys.stdout.write(
            f"\nSwitchboard's own: {names}.\nSee docs/commands.md, or --help of each.\n"
        )


if __name__ == "__main__":
    main()
