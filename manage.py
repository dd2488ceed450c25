#!/usr/bin/env python
"""Django's door for people at a terminal."""

import os
import sys


def main() -> None:
    """Run an administrative command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from backoffice.environment import stopping

    with stopping():
        settings.DEBUG  # noqa: B018 the first look at a setting reads them all
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
