"""`manage.py backup`: all rows as one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from backoffice.backup import services
from connections.texts import counted

from ..asking import EXIT, BackupCommand, RowCount, made_at, passphrase


class Command(BackupCommand):
    """Writes a backup, or checks one. See docs/backup.md."""

    help = (
        "Write all rows into one file, while the installation works on. docs/backup.md says more."
    )
    examples = """
backup /backups/monday.zip    # without the keys: they stay in .env
backup /backups/monday.zip --with-keys    # with the keys, sealed by a passphrase
backup /backups/monday.zip --check    # is it whole? It ends with 3 if the keys here do not open it
"""
    unchanged = "No file is left."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--check", action="store_true", help="write nothing: read FILE, and say what is damaged"
        )
        parser.add_argument(
            "--with-keys",
            action="store_true",
            help="put FERNET_KEYS, SECRET_KEY and AUDIT_SIGNING_KEYS in, sealed by a passphrase",
        )
        parser.add_argument("--overwrite", action="store_true", help="also where FILE is there")

    def act(self, options: dict[str, Any]) -> None:
        """Writes FILE, or with --check reads it."""
        if options["check"]:
            self._check(options["file"])
        else:
            self._make(options)

    @sensitive_variables("sealing")
    def _make(self, options: dict[str, Any]) -> None:
        sealing = passphrase(options, twice=True) if options["with_keys"] else ""
        line = RowCount(self.stderr, 2 * services.rows_to_write())
        made = services.make_backup(
            options["file"], passphrase=sealing, overwrite=options["overwrite"], told=line
        )
        line.end()
        self._tell(made.manifest)
        size = options["file"].stat().st_size
        self.stdout.write(f"{options['file']}: {size / 1e6:,.1f} MB, read again and whole.")
        if sealing and (number := services.kept_elsewhere()):
            self.stdout.write(
                f"{number} of the keys are references or wrapped: they open with their store or "
                "key service alone."
            )
        if not sealing:
            self.stdout.write(
                "The keys are not in it. Keep .env, or the keys alone, apart from it."
            )
        if not made.is_recorded:
            self.stderr.write("The audit has no event of this: its database cannot be written.")

    def _check(self, file: Path) -> None:
        manifest, problems = services.check_backup(file)
        self._tell(manifest)
        for one in problems:
            self.stdout.write(one)
        if problems:
            raise CommandError(f"{file} is damaged: {counted(len(problems), 'fault')}.")
        missing = services.missing_keys(manifest)
        if missing or not manifest.seal[0]:
            names = ", ".join(missing) or "none, it was made without"
            raise CommandError(
                f"{file} is whole. The keys that are here do not open it; it needs {names}.",
                returncode=EXIT["other_keys"],
            )
        self.stdout.write(f"{file} is whole, and the keys that are here open it.")

    def _tell(self, manifest: services.Manifest) -> None:
        keys = "with its keys, sealed" if manifest.sealed_keys else "without keys"
        facts = (f"version {manifest.switchboard}", manifest.database, keys)
        self.stdout.write(f"Backup of {made_at(manifest)}, {', '.join(facts)}.")
        labels = ("connections.Connection", "connections.Profile", "auth.User")
        counts = [counted(manifest.count(one), one.partition(".")[2].lower()) for one in labels]
        counts.append(counted(manifest.count("gateway.UsageRecord"), "usage record"))
        self.stdout.write(f"{', '.join(counts)}; {counted(manifest.rows, 'row')} in all.")
        secrets = sum(manifest.keys.values())
        if manifest.unopened:
            self.stdout.write(
                f"{secrets + manifest.unopened:,} encrypted secrets, of which "
                f"{manifest.unopened:,} were opened by no key when it was made."
            )
