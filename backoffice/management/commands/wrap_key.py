"""`manage.py wrap_key`: has data keys of FERNET_KEYS wrapped by a key service."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import Error
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Subject, record
from connections.operator_command import OperatorCommand
from connections.references import is_reference
from connections.sources import SourceError
from connections.wrapped_keys import (
    FORMS,
    is_wrapped,
    parse_wrapped_key,
    parse_wrapping_key,
    rewrap,
    wrap,
)

from ...encryption_keys import StoredKeys


class Command(OperatorCommand):
    """Prints entries of FERNET_KEYS that a key service has wrapped, never a key."""

    help = (
        "Make a data key, have Vault's Transit or AWS KMS wrap it, and print the entry for "
        "FERNET_KEYS; with --key an existing one, so that nothing is encrypted again. --again "
        "wraps the wrapped ones by the newest version of their wrapping keys."
    )
    examples = """
wrap_key --with vault-transit:transit/switchboard    # makes a new key
wrap_key --with vault-transit:transit/switchboard --key 1    # wraps the first of FERNET_KEYS
wrap_key --again
"""

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_mutually_exclusive_group(required=True)
        ways.add_argument("--with", dest="by", metavar="KEY", help=FORMS)
        ways.add_argument("--again", action="store_true", help="wrap again what is wrapped")
        parser.add_argument(
            "--key",
            type=int,
            metavar="N",
            help="wrap the key at this position of FERNET_KEYS, from 1, instead of a new one",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["again"]:
                if options["key"] is not None:
                    raise CommandError(
                        "--key goes with --with. --again wraps all that are wrapped."
                    )
                self._again()
            else:
                self._wrap(options["by"], options["key"])
        except SourceError as error:
            raise CommandError(str(error)) from None

    @sensitive_variables()
    def _wrap(self, by: str, position: int | None) -> None:
        try:
            wrapping = parse_wrapping_key(by)
        except ValueError as error:
            raise CommandError(f"What --with names {error}") from None
        keys = list(settings.FERNET_KEYS or ()) if position is not None else []
        if position is not None and not 1 <= position <= len(keys):
            raise CommandError(f"FERNET_KEYS has no key {position}. It has {len(keys)}.")
        key = keys[position - 1] if position is not None else Fernet.generate_key().decode()
        self.stdout.write(wrap(key, wrapping).text)
        self.stderr.write(
            "A new data key. Put this in front of the others in FERNET_KEYS, and restart."
            if position is None
            else f"Put this in place of key {position} in FERNET_KEYS, and restart. Nothing has to "
            "be encrypted again."
        )
        self._record({"wrapped_by": str(wrapping), "key": position or "new"})

    @sensitive_variables()
    def _again(self) -> None:
        keys = settings.FERNET_KEYS
        given = keys.given if isinstance(keys, StoredKeys) else ()
        found = [rewrap(parse_wrapped_key(one)).text if is_wrapped(one) else one for one in given]
        number = sum(map(is_wrapped, found))
        if not number:
            raise CommandError("No entry of FERNET_KEYS is wrapped. Wrap one: --with, --key.")
        if all(is_wrapped(one) or is_reference(one) for one in found):
            self.stdout.write(",".join(found))
            self.stderr.write("This is the new value of FERNET_KEYS. Put it there, and restart.")
        else:  # a key in clear is not printed
            for position, one in enumerate(found, 1):
                if is_wrapped(one):
                    self.stdout.write(f"{position}: {one}")
            self.stderr.write("Put each in place of the entry at its position in FERNET_KEYS.")
        self._record({"wrapped_again": number})

    def _record(self, detail: dict[str, Any]) -> None:
        """Leaves an event, where a database is there: the keys come before it."""
        try:
            record(Subject("keys"), actor=None, action="keys.update", detail=detail)
        except (Error, ImproperlyConfigured):
            self.stderr.write("The audit has no event of this: its database cannot be written.")
