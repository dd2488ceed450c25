"""The base of every command of ours."""

import getpass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from providers.core.version import version

from .audit.services import Origin, coming_from
from .viewing import viewing


class OperatorCommand(BaseCommand):
    """A command acts as the operator of the machine, who sees all rows: whoever calls it.

    Keys that cannot be had from their store or key service end it with a sentence.
    """

    def get_version(self) -> str:
        """Ours, where Django would tell its own."""
        return f"Switchboard {version()}, Django {super().get_version()}"

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        with viewing(None), coming_from(Origin("command", program=f"{_login()}: {name}")):
            try:
                return super().execute(*args, **options)
            except ImproperlyConfigured as error:
                raise CommandError(str(error)) from None


def _login() -> str:
    """The name of whoever is signed in on the machine, empty where it does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
