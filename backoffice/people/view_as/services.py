"""Who may see pages as whom, the record of it, and when it ends."""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from connections.audit.services import Subject, act, record, record_refusal
from connections.models import is_service_account
from connections.standing import standing_of

from .. import services
from ..models import ViewAs

MINUTES = 15  # until it ends by itself

logger = logging.getLogger("backoffice.people.view_as")


class OnlyViewing(PermissionDenied):
    """Somebody who sees pages as another person wants to do something."""

    def __init__(self, viewing: ViewAs) -> None:
        text = _("You see pages as %(person)s, and do nothing. End it first, then act as yourself.")
        super().__init__(text % {"person": viewing.person_name})


def may_view_as(actor: Any, person: User) -> bool:
    """True if the actor may see pages as this person.

    Never as oneself, as somebody who does not sign in, as a service account, which has no pages, or
    as another administrator, whose pages show what is behind everybody's rights.
    """
    return bool(
        person.pk != actor.pk
        and person.is_active
        and not is_service_account(person)
        and not person.is_superuser
        and not person.has_perm(services.ADMINISTERS)
        and not standing_of(person).sees_all
        and services.may_change(actor, person)
    )


@act("viewing.begin")
def begin(person: User, *, actor: Any, address: str) -> ViewAs:
    """Records that the actor sees pages as this person from now on. Raises PermissionDenied."""
    if not may_view_as(actor, person):
        text = _("You may not see pages as %(person)s.") % {"person": person}
        raise PermissionDenied(text)
    now = timezone.now()
    with transaction.atomic():
        row = ViewAs.objects.create(
            viewer=actor,
            viewer_name=actor.get_username(),
            person=person,
            person_name=person.get_username(),
            began_at=now,
            until=now + timedelta(minutes=MINUTES),
            address=address,
        )
        until = row.until.isoformat("T", "seconds")
        record(person, actor=actor, detail={"until": until})
    logger.info("%s sees pages as %s until %s", actor, person, until)
    return row


def current(key: Any, *, actor: Any) -> ViewAs | None:
    """The viewing of this id if it is the actor's, goes on, and would be allowed now."""
    row = (
        ViewAs.objects.select_related("person").filter(pk=key, viewer=actor, ended_at=None).first()
    )
    if row is None or row.until <= timezone.now():
        return None
    return row if row.person is not None and may_view_as(actor, row.person) else None


@act("viewing.end")
def end(key: Any, *, actor: Any) -> ViewAs | None:
    """Ends the viewing of this id; None if the actor has none of it."""
    row = ViewAs.objects.filter(pk=key, viewer=actor).first()
    if row is not None and row.ended_at is None:
        with transaction.atomic():
            row.ended_at = min(timezone.now(), row.until)
            row.save(update_fields=["ended_at"])
            seen = Subject("person", str(row.person_id or ""), row.person_name)
            ended = row.ended_at.isoformat("T", "seconds")
            record(seen, actor=actor, detail={"ended": ended})
        logger.info("%s no longer sees pages as %s", row.viewer_name, row.person_name)
    return row


def note_refusal(viewing: ViewAs, refusal: OnlyViewing, *, actor: Any) -> None:
    """Records that who views wanted to do something."""
    record_refusal("viewing.use", refusal, viewing.person, actor=actor)


def views_as(person: Any) -> QuerySet[ViewAs]:
    """When administrators saw pages as this person, the latest first."""
    return ViewAs.objects.filter(person=person).order_by("-began_at")
