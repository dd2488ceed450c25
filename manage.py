#!/usr/bin/env python
"""Django's door for people at a terminal."""

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


if __name__ == "__main__":
    main()
