"""Connections as promptflow knows them: saved from a file, shown as `pf connection show` does."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connections.audit.services import record_refusal
from connections.display import public_settings
from connections.models import Connection
from connections.references import is_reference
from connections.services import (
    Actor,
    Draft,
    FieldError,
    Invalid,
    Saved,
    create_connection,
    draft_change,
    draft_connection,
    entries,
    merge_patch,
    plain_settings,
    update_connection,
)

from ..format.documents import Document
from ..format.errors import Path
from ..format.shapes import Shape, shape_of

ENTER = (
    "Its value is hidden or left out in the file. Put the value in, a reference such as "
    "${env:NAME}, or answer at a terminal."
)
SECRETS_REQUIRED = "Secrets is required for custom connection: give at least one entry."
OTHER_TYPE = (
    "{name} is of type {old}, and the type of a connection is fixed. Choose another name, or "
    "delete this one first."
)


def needed_answers(document: Document, onto: Connection | None) -> list[Path]:
    """The paths that somebody must type before the document can be saved: every `<user-input>`, and
    hidden secrets that nothing is stored for.

    Decrypts to learn which secrets there are.
    """
    stored = _stored_paths(document, onto)
    return [*document.asked, *(path for path in document.kept if path not in stored)]


def keeping_answers(document: Document, onto: Connection | None) -> Document:
    """The document with each `<user-input>` that was answered before, and is stored, as one to
    keep.
    """
    stored = _stored_paths(document, onto)
    answered = tuple(path for path in document.asked if path in stored and document.is_secret(path))
    return replace(
        document,
        asked=tuple(path for path in document.asked if path not in answered),
        kept=document.kept + answered,
    )


def _stored_paths(document: Document, row: Connection | None) -> set[Path]:
    public = public_settings(row) if row else {}
    named = {
        theirs: public[ours] for theirs, ours in document.shape.fields.items() if ours in public
    }
    return {
        path
        for name, value in named.items()
        for path in ([(name, key) for key in value] if isinstance(value, dict) else [(name,)])
    }


@sensitive_variables("document", "settings")
def save_promptflow(
    document: Document,
    *,
    actor: Actor,
    onto: Connection | None = None,
    merge: bool = False,
    tags: Sequence[str] = (),
) -> Saved:
    """Creates a connection from a file, or brings one to what the file says. With `merge`, only
    what the document names changes. Without, promptflow's fields become those of the file; secrets
    that it hides stay, and settings that only we have unless it names them. Raises Invalid by the
    names of the file, and as the services do.
    """
    shape = document.shape
    try:
        _refuse_unanswered(document, onto)
        if onto is not None:
            _refuse_other_type(document, onto)
    except Invalid as refused:
        record_refusal("promptflow.import", refused, onto, actor=actor)
        raise
    with _their_words(shape):
        if onto is None:
            saved = create_connection(
                shape.provider.id,
                actor=actor,
                name=document.name,
                tags=tags,
                settings=_settings(document),
                kept=_document_constants(document),
            )
        else:
            saved = update_connection(
                onto,
                actor=actor,
                expected_version=onto.version,
                settings=_changes(document, onto) if merge else _replacement(document, onto),
                kept=_kept(document, onto, merge),
            )
    return replace(saved, notices=[_in_their_words(shape, one) for one in saved.notices])


@sensitive_variables("document", "draft")
def draft_promptflow(
    document: Document, *, actor: Actor, onto: Connection | None, tags: Sequence[str], alias: str
) -> Saved:
    """What `save_promptflow` would save, not saved. `alias`: of a new connection, which is free."""
    _refuse_unanswered(document, onto)
    shape = document.shape
    with _their_words(shape):
        if onto is None:
            draft = Draft(actor, _settings(document), kept=_document_constants(document))
            columns: Any = {"name": document.name, "tags": tags}
            saved = draft_connection(draft, shape.provider, alias=alias, taken=(), **columns)
        else:
            _refuse_other_type(document, onto)
            draft = Draft(
                actor, _replacement(document, onto), kept=_kept(document, onto, merge=False)
            )
            saved = draft_change(draft, copy(onto), shape.provider)
    return replace(saved, notices=[_in_their_words(shape, one) for one in saved.notices])


def _kept(document: Document, onto: Connection, merge: bool) -> dict[str, str]:
    """The fields that no provider knows, as they are kept from now on."""
    kept = kept_constants(document.shape, onto.settings) if merge else {}
    kept |= _document_constants(document)
    return {name: text for name, text in kept.items() if text}


@contextmanager
def _their_words(shape: Shape) -> Iterator[None]:
    """A block whose refusals name the fields as the file does."""
    try:
        yield
    except Invalid as refused:
        raise Invalid([_in_their_words(shape, error) for error in refused.errors]) from None


def _settings(document: Document) -> dict[str, Any]:
    """The settings of the provider that the document names, by our names."""
    shape = document.shape
    return {
        shape.fields[name]: value
        for name, value in document.values.items()
        if name not in shape.constants
    }


def _document_constants(document: Document) -> dict[str, str]:
    """The document's fields that no provider knows, by the names they are kept under."""
    names, values = document.shape.constants, document.values
    return {kept: values[name] for name, kept in names.items() if name in values}


def kept_constants(shape: Shape, settings: Mapping[str, Any]) -> dict[str, str]:
    """A row's values of the fields that no provider knows, by the names they are kept under.

    One that an older version stored as a setting is found too; a reference stands for nothing here.
    """
    stored = {
        kept: settings.get(kept, settings.get(name)) for name, kept in shape.constants.items()
    }
    return {name: value for name, value in stored.items() if value and not is_reference(value)}


def public_and_kept(shape: Shape, connection: Any) -> dict[str, Any]:
    """The values of a row that may be shown, with those that are kept for promptflow."""
    return public_settings(connection) | kept_constants(shape, connection.settings)


def _refuse_unanswered(document: Document, onto: Connection | None) -> None:
    open_ = needed_answers(document, onto)
    errors = [FieldError(".".join(path), "required", ENTER) for path in open_]
    if (
        onto is None
        and "secrets" in document.shape.theirs
        and not document.values.get("secrets")
        and not open_
    ):
        errors.append(FieldError("secrets", "required", SECRETS_REQUIRED))
    if errors:
        raise Invalid(errors)


def _refuse_other_type(document: Document, row: Connection) -> None:
    if row.provider is not document.shape.provider:
        old = shape_of(row.provider).type if row.provider else row.provider_id
        raise Invalid([FieldError("type", "immutable", OTHER_TYPE.format(name=row.name, old=old))])


def _changes(document: Document, row: Connection) -> dict[str, Any]:
    """The plain settings as they are, with the named ones over them; secrets that are not named are
    kept by the write rule.
    """
    provider = document.shape.provider
    plain = plain_settings(provider, row.settings)
    return merge_patch(provider, plain, _settings(document)) | _cleared(document)


def _replacement(document: Document, row: Connection) -> dict[str, Any]:
    """The settings that the file names, our own settings that it is silent about, and None for
    stored entries of `secrets` that it no longer has.
    """
    shape = document.shape
    theirs = set(shape.theirs.values())
    kept = {
        name: value
        for name, value in plain_settings(shape.provider, row.settings).items()
        if name not in theirs
    }
    settings = kept | _settings(document) | _cleared(document)
    public = public_settings(row)
    for name, ours in shape.theirs.items():
        if shape.is_map(name) and shape.setting(name).secret:
            stays = {path[1] for path in document.kept if path[0] == name}
            gone = dict.fromkeys(key for key in entries(public.get(ours)) if key not in stays)
            empty = dict.fromkeys(stays, "")
            settings[ours] = {**gone, **empty, **document.values.get(name, {})}
    return settings


def _cleared(document: Document) -> dict[str, None]:
    return dict.fromkeys(document.shape.fields[name] for name in document.dropped)


def _in_their_words(shape: Shape, said: Any) -> Any:
    """An error or a notice at the field's name in the file."""
    name, _, rest = said.field.removeprefix("settings.").partition(".")
    where = shape.names.get(name, name) + (f".{rest}" if rest else "")
    missing = (
        said.code == "required"
        and isinstance(said, FieldError)
        and not rest
        and said.field.startswith("settings.")
    )
    return type(said)(
        where,
        said.code,
        f"Missing data for required field. {said.message}" if missing else said.message,
    )
