"""Deleted connections and profiles, brought back with their ids, aliases and secrets, and with
what belonged to them as far as it is still there.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core import serializers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from ..credentials import Undecryptable
from ..destinations import destinations_of, read_by_flows, unapproved, unapproved_message
from ..errors import Invalid, Notice, NotUndone
from ..former_aliases import former_aliases_among
from ..locks import hold
from ..models import (
    ApiToken,
    Connection,
    FormerAlias,
    HostApproval,
    Profile,
    RevealToken,
    UndoStep,
)
from .base import alias_race, column_errors
from .fallbacks import replace_fallbacks
from .permissions import Actor, require
from .team_fit import refuse_unfit_team

PURGED = gettext_noop(
    "The secrets it had before are purged, so they cannot come back. Nothing was undone."
)
NOTHING_DONE = gettext_noop("Nothing was undone.")


def fallbacks_of(step: UndoStep, record: Any) -> list[Profile] | None:
    """The fallbacks that a profile had before the act, locked after its connection of then; None
    for what is not a profile. Raises NotUndone if that connection is gone.

    `record`: the version before. A fallback that is deleted is left out.
    """
    if step.kind != "profile":
        return None
    if not hold(Connection.objects.listed(), [record.connection_id]):
        raise NotUndone(_("The connection it had was deleted since. Nothing was undone."))
    wanted = step.beside.get("fallbacks", [])
    held = hold(Profile.objects.all(), [*wanted, step.rows[0]["id"]])
    by_id = {str(pk): one for pk, one in held.items()}
    return [by_id[one] for one in wanted if one in by_id]


@sensitive_variables("record", "row")
def bring_back(model: Any, step: UndoStep, actor: Actor) -> tuple[Any, list[Notice]]:
    """The row of a deletion, saved again as its next version, and what to know about it.

    Raises NotUndone.
    """
    record = model.history.filter(pk=step.rows[0]["history"]).first()
    if record is None:
        raise NotUndone(_("The version before is not kept any more. Nothing was undone."))
    chain = fallbacks_of(step, record)
    if getattr(record, "purged", None):
        raise NotUndone(_(PURGED))
    row = record.instance
    require(actor, f"connections.delete_{step.kind}", on=row)
    if model.every.filter(pk=row.pk).exists():
        text = _("%(name)s is there again already. Nothing was undone.")
        raise NotUndone(text % {"name": row.name})
    if step.kind == "profile":
        refuse_unfit_team(row, chain or ())
    _renew(row, step, actor)
    if wrong := column_errors(row, True):
        raise NotUndone(f"{wrong[0].message} {_(NOTHING_DONE)}")
    try:
        with alias_race(row):
            row.save(force_insert=True)
    except Invalid as refused:
        raise NotUndone(f"{refused.errors[0].message} {_(NOTHING_DONE)}") from None
    model.every.filter(pk=row.pk).update(date_created=record.date_created)
    row.date_created = record.date_created
    notices = put_rows_back(model, step)
    if step.kind == "profile":
        replace_fallbacks([(row, chain or [])])
        for token in still_there(ApiToken, step.beside.get("tokens", [])):
            token.profiles.add(row)
        return row, [*notices, *_fewer(step.beside.get("fallbacks", []), chain or [])]
    return row, [*notices, *_connect(row, step)]


def _renew(row: Any, step: UndoStep, actor: Actor) -> None:
    """Makes the row of a history the next version of what was deleted, in the actor's name."""
    columns = step.beside.get("columns", {})
    if step.kind == "connection":
        row.settings_version = columns.get("settings_version", row.version)
        row.last_check_id = None
    users = get_user_model().objects
    if row.created_by_id and not users.filter(pk=row.created_by_id).exists():
        row.created_by_id = None
    row.version += 1
    row.modified_by = row._history_user = actor
    row._change_reason = gettext_noop("deletion undone")


def still_there(model: Any, keys: Iterable[str]) -> Any:
    return model._base_manager.filter(pk__in=list(keys), revoked_at=None)  # noqa: SLF001


def put_rows_back(model: Any, step: UndoStep) -> list[Notice]:
    """Saves the former aliases, shares and checks that went along. What another row has taken
    stays away, which a notice says.
    """
    found = serializers.deserialize("python", step.beside.get("rows", []), ignorenonexistent=True)
    rows: list[Any] = [one.object for one in found]
    former = [one for one in rows if isinstance(one, FormerAlias)]
    aliases = {one.alias for one in former}
    taken = set(model.every.filter(alias__in=aliases).values_list("alias", flat=True))
    taken |= {one.alias for one in former_aliases_among(model, aliases)}
    gone = {one.pk for one in former if one.alias in taken}
    people: set[Any] = {getattr(one, "checked_by_id", None) for one in rows} - {None}
    users = set(get_user_model().objects.filter(pk__in=people).values_list("pk", flat=True))
    for one in rows:
        if getattr(one, "former_alias_id", one.pk) in gone:
            continue
        if getattr(one, "checked_by_id", None) in people - users:
            one.checked_by_id = None
        type(one).objects.bulk_create([one], ignore_conflicts=True)
    text = _("The former alias %(alias)s was taken meanwhile.")
    return [_away(text % {"alias": alias}) for alias in sorted(taken)]


def _fewer(wanted: list[str], chain: list[Profile]) -> list[Notice]:
    fewer = len(wanted) > len(chain)
    return [_away(_("A fallback was deleted meanwhile and is left out."))] if fewer else []


def _away(text: str) -> Notice:
    return Notice("undo", "not_brought_back", text)


@sensitive_variables("row")
def _connect(row: Connection, step: UndoStep) -> list[Notice]:
    """Gives a connection its last check, approvals and tokens of flows again."""
    beside = step.beside
    columns = beside.get("columns", {})
    last = row.checks.filter(pk=columns.get("last_check_id")).first()
    asked = {"asked_at": columns["asked_at"]} if columns.get("asked_at") else {}
    Connection.objects.filter(pk=row.pk).update(last_check=last, **asked)
    approvals = HostApproval.objects.filter(pk__in=beside.get("approvals", []))
    approvals.filter(connection=None).update(connection=row)
    for token in still_there(RevealToken, beside.get("flow_tokens", [])):
        token.connections.add(row)
    notices = []
    if isinstance(row.credentials, Undecryptable):
        text = _("Its secrets cannot be decrypted: no key of FERNET_KEYS opens them.")
        notices.append(Notice("settings", "undecryptable", text))
    if waiting := unapproved({*destinations_of(row), *read_by_flows([row])}):
        notices.append(Notice("settings", "host_not_approved", unapproved_message(waiting)))
    return notices
