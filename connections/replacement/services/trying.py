"""The next key, judged and tested beside the current one before anything is saved."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from connections.errors import FieldError, Invalid
from connections.models import Connection
from connections.services import (
    Actor,
    CheckResult,
    Draft,
    draft_change,
    merge_patch,
    plain_settings,
    prepare_check,
    run_check,
    test_settings,
)

from .slots import key_fields


@sensitive_variables("given", "draft")
def judge(connection: Connection, given: Mapping[str, Any], actor: Actor) -> None:
    """Raises Invalid for values that could not be saved, or that change nothing."""
    fields = key_fields(connection.provider) if connection.provider else {}
    if not fields:
        text = _("%(name)s has no secret, so there is nothing to replace.")
        raise Invalid([FieldError("settings", "not_a_key", text % {"name": connection.name})])
    unknown = [name for name in given if name not in fields]
    if unknown or not given:
        wrong = unknown or list(fields)[:1]
        names = _(" or ").join(fields)
        text = _("Enter the next value of %(settings)s.") % {"settings": names}
        raise Invalid([FieldError(f"settings.{name}", "not_a_key", text) for name in wrong])
    row = Connection.objects.get(pk=connection.pk)
    draft = Draft(actor, given)
    if not draft_change(draft, row, row.provider, merge=True).changed:
        text = _("This is the value that is stored already. Enter the next one.")
        raise Invalid([FieldError(f"settings.{name}", "unchanged", text) for name in given])


@override("en")  # what they say is stored
@sensitive_variables("given", "posted")
def tested(connection: Connection, given: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """What tests of the connection with its next and its current key say: `next`, `current`. They
    are made at the same time, so a service that hangs costs one time-out.

    Raises Invalid, Throttled.
    """
    assert connection.provider is not None  # noqa: S101 judged before
    current = prepare_check(connection)
    plain = plain_settings(connection.provider, connection.settings)
    posted = merge_patch(connection.provider, plain, given)
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(
            lambda: current if isinstance(current, CheckResult) else run_check(current)
        )
        after = test_settings(connection.provider_id, posted, actor=actor, connection=connection)
        return {"next": _told(after), "current": _told(beside.result())}


def _told(result: CheckResult) -> dict[str, Any]:
    return {"success": result.success, "code": result.code, "message": result.message[:500]}
