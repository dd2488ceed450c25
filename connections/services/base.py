"""The steps that saving a connection and saving a profile share: alias, name, tags, versions, the
race for an alias.
"""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid, Stale
from ..fingerprints import keep_fingerprints
from ..former_aliases import former_alias, take_aliases
from ..models import RESERVED_ALIASES, FormerAlias, VersionedModel
from ..texts import invisible, without_doubles
from ..wording import REQUIRED
from .permissions import Actor, require
from .signing import sign

TAG = re.compile(r"[^\s,\"\\\x00-\x1f\x7f]+( [^\s,\"\\\x00-\x1f\x7f]+)*")
MOST_TAGS, LONGEST_TAG = 50, 50
AT_ONCE = 200  # rows that one statement saves
NEVER = gettext_noop("This cannot be changed after creation.")
ALIAS_FIXED = gettext_noop(
    "This cannot be changed here. An administrator changes an alias by itself."
)
UNCHANGED = ("id", "alias", "date_created", "created_by", "last_check")  # by a save of a saved row


def new_alias(model: type[VersionedModel], name: str, given: Collection[str] = ()) -> str:
    """An alias made from a name that no row has or had, and that is none of those just `given`."""
    stem = slugify(name)[:90].replace("_", "-").strip("-") or model.__name__.lower()
    stem = re.sub(r"-+", "-", stem)
    alias, number = stem, 1
    while (
        alias in given
        or alias_error(alias)
        or model.every.filter(alias=alias).exists()
        or former_alias(model, alias)
    ):
        number += 1
        alias = f"{stem}-{number}"
    return alias


def alias_error(alias: str) -> str:
    """The reason why a text that fits the pattern cannot be an alias, empty if it can."""
    if alias in RESERVED_ALIASES:
        return _("%(alias)s is a reserved word. Choose another alias.") % {"alias": alias}
    try:
        uuid.UUID(alias)
    except ValueError:
        return ""
    return _("An alias must not look like an id. Choose another.")


def clean_tags(tags: Any, stored: Collection[str] = ()) -> list[str]:
    """Tags without blanks around them and without doubles, in order; of those that differ in case
    or Unicode form only, the first. Raises Invalid.

    `stored`: tags that may stay, even if nobody sees all of their characters.
    """
    if (
        not isinstance(tags, Sequence)
        or isinstance(tags, str)
        or not all(isinstance(tag, str) for tag in tags)
    ):
        raise Invalid([FieldError("tags", "invalid", _("Tags are a list of words."))])
    clean = without_doubles(tag.strip() for tag in tags if tag.strip())
    if len(clean) > MOST_TAGS or any(
        len(tag) > LONGEST_TAG or not TAG.fullmatch(tag) for tag in clean
    ):
        text = _(
            "At most %(tags)d tags of at most %(longest)d characters, without commas, quotes and "
            "backslashes."
        ) % {"tags": MOST_TAGS, "longest": LONGEST_TAG}
        raise Invalid([FieldError("tags", "invalid", text)])
    for tag in clean:
        if tag not in stored and (unseen := invisible(tag)):
            raise Invalid([FieldError("tags", "invisible", _unseen(_("A tag"), unseen))])
    return clean


def _unseen(what: str, character: str) -> str:
    text = _("%(what)s has the invisible character %(character)s. Leave it out.")
    return text % {"what": what, "character": character}


def _name_errors(row: VersionedModel, name: str) -> list[FieldError]:
    """The errors of a name that is about to be put into a row. The one it has may stay."""
    unseen = invisible(name.strip()) if name != row.name else ""
    # the column's own rule refuses the null character
    if not unseen or "\x00" in name:
        return []
    return [FieldError("name", "invisible", _unseen(_("The name"), unseen))]


def set_columns(row: VersionedModel, columns: Mapping[str, Any], actor: Actor) -> list[FieldError]:
    """Puts edited columns into a row, texts without blanks around them; None keeps what is there.

    Returns the errors of the name and the tags. Raises PermissionDenied when a saved row would be
    switched by somebody who may not.
    """
    errors: list[FieldError] = []
    for name, value in columns.items():
        if value is None:
            continue
        if name == "is_active" and value != row.is_active and not row._state.adding:
            require(actor, f"connections.toggle_{row._meta.model_name}")
        if name == "tags":
            try:
                value = clean_tags(value, row.tags)
            except Invalid as refused:
                errors += refused.errors
                continue
        if name == "name":
            errors += _name_errors(row, value)
        if name == "expires_at":
            value = value or None  # an empty text takes the date away
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    return errors


def content(row: VersionedModel, *others: str) -> dict[str, Any]:
    """The edited columns of a row and these `others`, to tell whether a change changes anything."""
    return {name: getattr(row, name) for name in (*row.editable_columns, *others)}


def column_errors(
    row: VersionedModel, is_new: bool, taken: Collection[str] | None = None
) -> list[FieldError]:
    """The errors of a row's own columns.

    `taken`: the aliases that other rows have, as far as they matter; None looks it up.
    """
    # Other rows are there: who names one has read or locked it, and the database looks too.
    others = [one.name for one in row._meta.concrete_fields if one.is_relation]
    errors = _field_errors(row, others if is_new else [*others, "alias", "provider_id"])
    return [*errors, *_new_alias_errors(row, errors, taken)] if is_new else errors


def alias_errors(row: VersionedModel) -> list[FieldError]:
    """The errors of the alias that a saved row is about to get."""
    others = [one.name for one in row._meta.concrete_fields if one.name != "alias"]
    errors = _field_errors(row, others)
    return [*errors, *_new_alias_errors(row, errors, None)]


def _field_errors(row: VersionedModel, exclude: Collection[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as error:
        for field, (found, *_others) in error.error_dict.items():
            if found.code == "blank":
                errors.append(FieldError(field, "required", str(REQUIRED)))
            else:
                text = "; ".join(found.messages)
                errors.append(FieldError(field, found.code or "invalid", text))
    return errors


def _new_alias_errors(
    row: VersionedModel, errors: Collection[FieldError], taken: Collection[str] | None
) -> list[FieldError]:
    """The errors of an alias that fits the pattern unless `errors` say otherwise."""
    if any(error.field == "alias" for error in errors):
        return []
    if wrong := alias_error(row.alias):
        return [FieldError("alias", "reserved", wrong)]
    if taken is not None:
        return [_taken(row)] if row.alias in taken else []
    # In this order: an alias that is just becoming a former one is seen as the one or the other.
    if _has_another(row):
        return [_taken(row)]
    return _former_errors(row)


def _has_another(row: VersionedModel) -> bool:
    return bool(type(row).every.filter(alias=row.alias).exclude(pk=row.pk).exists())


def _former_errors(row: VersionedModel) -> list[FieldError]:
    """The error of an alias that still finds another row, which had it before."""
    former = former_alias(type(row), row.alias)
    return _still_finds(row, former) if former else []


def _still_finds(row: VersionedModel, former: FormerAlias) -> list[FieldError]:
    if former.row_id == row.pk:
        return []
    text = _(
        "The alias %(alias)s still finds %(other)s, which had it before. Choose another, or have "
        "it taken away there."
    )
    if not type(row)._default_manager.filter(pk=former.row_id).exists():
        return [_taken(row)]  # by a row that is not for whoever looks
    values = {"alias": row.alias, "other": former.row.alias}
    return [FieldError("alias", "unique", text % values)]


def _taken(row: VersionedModel) -> FieldError:
    text = _("The alias %(alias)s is taken. Choose another.") % {"alias": row.alias}
    return FieldError("alias", "unique", text)


@contextmanager
def alias_race(row: VersionedModel) -> Iterator[None]:
    """Two saves of one alias: one wins, the other gets the field error. So does one of an alias
    that became a former one meanwhile.
    """
    try:
        with transaction.atomic():
            yield
            for former in take_aliases(type(row), [row.alias]):
                if wrong := _still_finds(row, former):
                    raise Invalid(wrong)
    except IntegrityError:
        if _has_another(row):
            raise Invalid([_taken(row)]) from None
        raise


def refuse_fixed(row: VersionedModel, given: dict[str, Any]) -> None:
    """Raises Invalid when a field that no save changes is given another value.

    A former alias is none: whoever still uses it may go on.
    """
    wrong = [
        name for name, value in given.items() if value is not None and value != getattr(row, name)
    ]
    if "alias" in wrong:
        former = former_alias(type(row), given["alias"])
        if former and former.row_id == row.pk:
            wrong.remove("alias")
    if wrong:
        texts = {name: _(ALIAS_FIXED if name == "alias" else NEVER) for name in wrong}
        raise Invalid([FieldError(name, "immutable", text) for name, text in texts.items()])


def refuse_stale(row: VersionedModel, expected_version: int | None) -> None:
    """Raises Stale unless the row is at the version that the editor saw; None stands for any."""
    if expected_version is not None and expected_version != row.version:
        raise Stale(row)


def save_version(row: VersionedModel, actor: Actor, update_fields: list[str] | None = None) -> None:
    """Saves the row as its next version, in the actor's name."""
    sign(row, actor)
    keep_fingerprints([row])
    extra = ["version", "modified_by", "date_modified"]
    row.save(update_fields=[*update_fields, *extra] if update_fields else None)


def save_versions(rows: Sequence[Any], actor: Actor) -> None:
    """Saves rows of one kind as `save_version` does, in few statements: new ones by alias, after
    the others by id (locks.py).

    The rows that are not new are locked. Raises IntegrityError for an id or alias that is taken.
    """
    if not rows:
        return
    model: Any = type(rows[0])
    new = sorted((row for row in rows if row._state.adding), key=lambda row: row.alias)
    old = sorted((row for row in rows if not row._state.adding), key=lambda row: row.pk)
    for row in rows:
        sign(row, actor)
        row.prepare()
    created = {row.pk: row.date_created for row in old}
    columns = [one.name for one in model._meta.concrete_fields if one.name not in UNCHANGED]
    with transaction.atomic():
        keep_fingerprints(rows)
        # ON CONFLICT takes a tenth of the time of Django's bulk_update
        model.every.bulk_create(
            old, AT_ONCE, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
        for row in old:
            row.date_created = created[row.pk]  # bulk_create takes every row as a new one
        model.history.bulk_history_create(old, batch_size=AT_ONCE, update=True)
        model.every.bulk_create(new, AT_ONCE)
        if take_aliases(model, [row.alias for row in new]):
            raise IntegrityError("an alias still finds the row that had it before")
        model.history.bulk_history_create(new, batch_size=AT_ONCE)
        bump_change_counter()
