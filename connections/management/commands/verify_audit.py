"""`manage.py verify_audit`: is the audit as it was written?"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections.audit.services import verify
from connections.models import AuditCheckpoint
from connections.operator_command import OperatorCommand
from connections.texts import counted

from ..progress import ProgressLine


class Command(OperatorCommand):
    """Reads every event, chain and checkpoint. Fails if something was changed, taken out, put in or
    moved, and says which.
    """

    help = (
        "Check that no event of the audit was changed, taken out or put in. --write keeps the "
        "signed checkpoints in a file elsewhere, --against compares with such a file."
    )

    examples = """
verify_audit
verify_audit --write checkpoints.jsonl    # keep this file on another machine
verify_audit --against checkpoints.jsonl
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", metavar="FILE", help="write the checkpoints to this file")
        parser.add_argument(
            "--against", metavar="FILE", help="compare with checkpoints that --write wrote before"
        )
        parser.add_argument(
            "--public-key",
            action="append",
            default=[],
            metavar="HEX",
            help="believe this key's signatures alone; can be given again",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        elsewhere = _read(options["against"]) if options["against"] else []
        line = ProgressLine(self.stderr, "chains")
        report = verify(line, elsewhere=elsewhere, public_keys=options["public_key"])
        line.end()
        for one in report.problems:
            self.stdout.write(f"{one.code}: {one.text}")
        signed = f"{counted(report.checkpoints, 'signed day')}, "
        signed += f"{report.pruned} of them deleted for their age"
        self.stdout.write(f"{counted(report.events, 'event')}; {signed}.")
        if report.unsealed:
            text = "chains were sealed with a key that is not here: only their digests were read."
            self.stdout.write(f"{report.unsealed} {text}")
        if report.problems:
            raise CommandError(
                f"The audit is not as it was written: {counted(len(report.problems), 'fault')}."
            )
        if options["write"]:
            _write(options["write"])
        self.stdout.write("The audit is as it was written.")


def _read(name: str) -> list[dict[str, str]]:
    try:
        lines = Path(name).read_text().splitlines()
        return [{"day": one["day"], "digest": one["digest"]} for one in map(json.loads, lines)]
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError) as error:
        raise CommandError(f"{name} is not a file that --write wrote: {error}.") from None


def _write(name: str) -> None:
    columns = ("day", "digest", "public_key", "signature", "body")
    rows = AuditCheckpoint.objects.values(*columns)
    text = "".join(f"{json.dumps(row | {'day': str(row['day'])})}\n" for row in rows)
    try:
        Path(name).write_text(text)
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from None
