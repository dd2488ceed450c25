"""`manage.py connection ...`: what `pf connection` does, and plans, tests and dumps."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from connections import services as core
from connections.catalog import confirm_types
from connections.management.output import print_json
from connections.models import Connection
from connections.operator_command import Exit, OperatorCommand, not_there
from connections.promptflow import services
from connections.promptflow.format.documents import (
    Document,
    read_changes,
    read_document,
    read_shape,
)
from connections.promptflow.format.environment import from_environment
from connections.promptflow.format.errors import Refused
from connections.promptflow.format.files import (
    connection_files,
    env_name,
    is_env,
    read_file,
    with_overrides,
    without_empty,
)
from connections.promptflow.format.shapes import shape_of, type_names
from connections.promptflow.services import Action, AppliedChange, apply_documents
from connections.texts import nearest

from ..arguments import EXAMPLES, add_actions
from ..completion import script
from ..prompts import answered, confirmed

Overrides = list[tuple[list[str], str]]
TAKEN = (
    "There is a connection {!r} already. Change it with `connection update -n`, or give --force to "
    "overwrite it."
)
NOT_INSTALLED = (
    "The provider {} is not installed. Install the connection type or the Python package that "
    "brings it."
)


class Command(OperatorCommand):
    """Creates, changes, shows and deletes connections under promptflow's names.

    Results are JSON or YAML on stdout, everything else is said on stderr.
    """

    help = (
        "Create, change, show, list, delete and test connections; files and habits of `pf "
        "connection` work."
    )
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        self.parser = parser
        add_actions(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            with suppress(DatabaseError):  # told by whatever needs the database next
                confirm_types()
            getattr(self, f"_{options['action'].replace('-', '_')}")(options)
        except (Refused, core.Invalid) as error:
            raise CommandError(_sentence(error)) from error
        except (KeyboardInterrupt, EOFError):
            raise CommandError("It was cancelled. Nothing was written.") from None

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _tell_lost(self, rows: list[Connection] | None) -> None:
        for name in services.behind_lost_keys(rows):
            self._say(
                f"{name}: its secrets cannot be decrypted. Add the lost key to FERNET_KEYS again, "
                "or enter them again."
            )

    def _print(self, found: Any) -> None:
        self.stdout.write(json.dumps(found, indent=4))

    # Saving

    def _create(self, options: dict[str, Any]) -> None:
        content, warnings = self._content(options)
        document = read_document(content, name=(options["name"] or "").strip())
        self._warn([*warnings, *document.warnings])
        self._store(document, force=options["force"])

    def _content(self, options: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        content, warnings = read_file(options["file"])
        content = with_overrides(content, options["overrides"])
        return without_empty(content) if options["skip_empty"] else content, warnings

    def _store(self, document: Document, *, force: bool) -> None:
        onto = services.find_to_write(document.name)
        if onto and not force:
            raise Refused([((), TAKEN.format(document.name))])
        document = answered(document, services.needed_answers(document, onto), self._say)
        self._saved(services.save_promptflow(document, actor=None, onto=onto))

    def _update(self, options: dict[str, Any]) -> None:
        row = self._found(options["name"], services.find_to_change(options["name"].strip()))
        if options["file"]:
            content, warnings = self._content(options)
            document = read_document(content, name=row.name)
        elif row.provider is None:
            raise Refused([((), NOT_INSTALLED.format(row.provider_id))])
        else:
            warnings = []
            document = read_changes(
                shape_of(row.provider), with_overrides({}, options["overrides"])
            )
        self._warn([*warnings, *document.warnings])
        document = answered(document, services.needed_answers(document, row), self._say)
        self._saved(
            services.save_promptflow(document, actor=None, onto=row, merge=not options["file"])
        )

    def _from_env(self, options: dict[str, Any]) -> None:
        given = with_overrides({}, options["overrides"])
        shape = read_shape({"type": options["type"]})
        content = from_environment(shape, os.environ, reference=options["reference"], given=given)
        document = read_document({**content, **given}, name=(options["name"] or "").strip() or "-")
        self._warn(document.warnings)
        if options["name"]:
            self._store(document, force=False)
        else:
            self._print(services.document_view(document))

    def _saved(self, saved: core.Saved) -> None:
        self._warn(f"{notice.field}: {notice.message}" for notice in saved.notices)
        self._print(services.promptflow_view(saved.row))

    def _warn(self, warnings: Any) -> None:
        for warning in warnings:
            self._say(f"warning: {warning}")

    # Reading

    def _find(self, name: str) -> Connection:
        return self._found(name, services.find_promptflow(name.strip()))

    def _found(self, name: str, row: Connection | None) -> Connection:
        if row is None:
            names = Connection.objects.values_list("name", "alias")
            known = {one for pair in names for one in pair}
            raise not_there("connection", name, known, "connection list")
        return row

    def _show(self, options: dict[str, Any]) -> None:
        row = self._find(options["name"])
        self._print(services.promptflow_view(row))
        self._tell_lost([row])

    def _list(self, options: dict[str, Any]) -> None:
        limit = (
            None if options["all_results"] or options["max_results"] < 0 else options["max_results"]
        )
        self._print(services.promptflow_views(limit))
        self._tell_lost(None)

    def _delete(self, options: dict[str, Any]) -> None:
        row = self._found(options["name"], services.find_to_change(options["name"].strip()))
        if not options["yes"] and not confirmed(f"Delete the connection {options['name']}?"):
            self._say("The delete operation was canceled.")
        else:
            core.delete_connection(row, actor=None)

    def _test(self, options: dict[str, Any]) -> None:
        row = self._find(options["name"])
        check = core.test_connection(row, actor=None)
        names = ("success", "code", "message", "asked", "latency_ms", "model_count")
        found = {"name": row.name, **{name: getattr(check, name) for name in names}}
        self._print({name: value for name, value in found.items() if value not in (None, "")})
        if not check.success:
            raise CommandError(check.message)

    # Folders

    def _apply(self, options: dict[str, Any]) -> None:
        documents = self._documents(options["file"], options["overrides"])
        label = options["label"] or Path(options["file"]).resolve().name
        changes = apply_documents(
            documents, actor=None, label=label, prune=options["prune"], dry_run=options["dry_run"]
        )
        self._tell(changes, options)
        if count := sum(one.action is Action.CONFLICT for one in changes):
            text = f"{count} conflict{'' if count == 1 else 's'}. Nothing was written."
            raise Refused([((), text)])
        self._say("Nothing was written: this is a dry run." if options["dry_run"] else "Done.")
        would_change = any(one.action is not Action.UNCHANGED for one in changes)
        if options["exit_code"] and options["dry_run"] and would_change:
            sys.exit(Exit.FOUND)

    def _tell(self, changes: Sequence[AppliedChange], options: dict[str, Any]) -> None:
        if options["output"] == "json":
            print_json(self, [asdict(one) for one in changes])
            return
        for one in changes:  # `update     my-azure  (azure.yaml): api_base, api_version`
            source = f"  ({one.source})" if one.source else ""
            more = one.message or ", ".join(one.fields)
            self.stdout.write(f"{one.action:<10} {one.name}{source}{f': {more}' if more else ''}")
            self._warn(f"{one.source}: {note}" for note in one.notes)

    def _documents(self, folder: str, overrides: Overrides) -> list[tuple[str, Document]]:
        """Reads every file of the folder. Raises Refused with the problems of all of them."""
        documents, problems, left = [], [], list(overrides)
        for path in connection_files(folder):
            try:
                documents.append((path.name, self._document(path, left)))
            except (Refused, core.Invalid) as refused:
                problems.append(f"{path.name}: {_sentence(refused)}")
        if problems:
            raise Refused([((), f"{' '.join(problems)} Nothing was written.")])
        if left:
            name = ".".join(left[0][0])
            known = [document.name for _, document in documents]
            text = f"--set {name}: no file is about such a connection. Write --set NAME.KEY=VALUE."
            near = nearest(".".join(left[0][0][:-1]), known)
            raise CommandError(f"{text}{near} Nothing was written.", returncode=Exit.MISSING)
        return documents

    def _document(self, path: Path, overrides: Overrides) -> Document:
        """Reads one file, and takes those of `overrides` that are about its connection."""
        content, warnings = read_file(str(path))
        name = env_name(path) if is_env(path.name) else str(content.get("name") or "")
        mine = _taken(overrides, name)
        content = with_overrides(content, mine)
        document = read_document(content, name=env_name(path) if is_env(path.name) else "")
        self._warn(f"{path.name}: {warning}" for warning in [*warnings, *document.warnings])
        onto = services.find_promptflow(document.name)
        document = services.keeping_answers(document, onto)
        return answered(document, services.needed_answers(document, onto), self._say, f"{name}.")

    def _dump(self, options: dict[str, Any]) -> None:
        rows = [self._find(name) for name in options["names"]] or services.promptflow_rows(None)
        texts = services.promptflow_files(rows, actor=None)
        self._tell_lost(rows)
        if not options["output"]:
            self.stdout.write("---\n".join(texts.values()), ending="")
            return
        for alias, text in texts.items():
            self._write(Path(options["output"]), f"{alias}.yaml", text)

    def _write(self, folder: Path, name: str, text: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise Refused(
                [((), f"{folder / name} cannot be written ({error.strerror}).")]
            ) from None
        self._say(f"{folder / name}")

    def _completion(self, options: dict[str, Any]) -> None:
        if options["shell"] == "names":
            self.stdout.write("\n".join(row.name for row in services.promptflow_rows(None)))
        else:
            self.stdout.write(script(self.parser, options["shell"], type_names()), ending="")


def _taken(overrides: Overrides, name: str) -> Overrides:
    """Takes from `overrides` those that begin with the name of a connection, and returns what is
    behind it. A name may have dots.
    """
    depth, leading = len(name.split(".")), f"{name}."
    mine = [one for one in overrides if name and ".".join(one[0]).startswith(leading)]
    overrides[:] = [one for one in overrides if one not in mine]
    return [(path[depth:], value) for path, value in mine]


def _sentence(error: BaseException) -> str:
    if isinstance(error, core.Invalid):
        return " ".join(f"{one.field}: {one.message}" for one in error.errors)
    return str(error)
