"""The ends of tokens of the API: how long they may live, and the end of those that nobody uses."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..audit.services import act, record
from ..change_counter import bump_change_counter
from ..errors import FieldError
from ..locks import retried
from ..models import ApiToken, EndedBecause, RevealToken, Team, works_now
from ..row_versions import keep_version

LONGEST_LIFE = 3650  # days, where the setting names no longest

logger = logging.getLogger(__name__)


def longest_life() -> int:
    """The most days that a token may live."""
    return settings.CONNECTIONS_TOKEN_DAYS_LONGEST or LONGEST_LIFE


def may_be_endless() -> bool:
    """True where tokens may be made that never end."""
    return not settings.CONNECTIONS_TOKEN_DAYS_LONGEST


def default_life() -> int:
    """The days that a token lives where nobody says otherwise; 0 is without an end."""
    longest: int = settings.CONNECTIONS_TOKEN_DAYS_LONGEST
    days: int = settings.CONNECTIONS_TOKEN_DAYS or longest
    return min(days, longest) if longest else days


def life_errors(days: int | None) -> list[FieldError]:
    """The errors of a number of days; None is the default, 0 without an end."""
    if days is None or 0 < days <= longest_life() or (days == 0 and may_be_endless()):
        return []
    text = (
        _("A number of days, from 1 to %(most)d, or 0 for a token that never ends.")
        if may_be_endless()
        else _("A number of days, from 1 to %(most)d.")
    )
    return [FieldError("expires_in_days", "invalid", text % {"most": longest_life()})]


def end_of_life(days: int | None) -> datetime | None:
    """The end of a token that is made now and lives so many days, as `life_errors` reads them."""
    days = default_life() if days is None else days
    return timezone.now() + timedelta(days=days) if days else None


def unused_tokens(days: int) -> QuerySet[ApiToken]:
    """The tokens that work and that nobody has used for so many days, nor were made within them."""
    before = timezone.now() - timedelta(days=days)
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lt=before)
    return ApiToken.every.filter(works_now(), unused, idle_from__lt=before)


@retried
@act("api_token.end")
def end_unused_tokens() -> int:
    """Revokes the tokens that nobody has used for CONNECTIONS_TOKEN_UNUSED_END days, and says how
    many. 0 days revoke none.
    """
    days = settings.CONNECTIONS_TOKEN_UNUSED_END
    ended = []
    with transaction.atomic():
        for token in unused_tokens(days).order_by("pk") if days else []:
            rows = unused_tokens(days).filter(pk=token.pk)  # it may have been used since
            if rows.update(revoked_at=timezone.now(), revoked_because=EndedBecause.UNUSED):
                logger.warning("Token %s… revoked: unused for %d days", token.prefix, days)
                ended.append(token)
        if ended:
            record(others=ended, actor=None, detail={"unused_for_days": days})
            _keep(ended)
            bump_change_counter()
    return len(ended)


@retried
@act("api_token.end")
def end_tokens_of(user_pk: Any, reason: EndedBecause, *, team: Team | None = None) -> int:
    """Ends the tokens of a person, of the API and of flows, together with the access of that
    person; those that are narrowed to another team than `team`, if it is given, stay. Returns how
    many ended. Nobody can undo it; after PROVIDER `resume_tokens_of` can.
    """
    now, ended = timezone.now(), []
    # what was revoked a moment ago must not come back by Undo
    undoable = now - timedelta(minutes=settings.CONNECTIONS_UNDO_MINUTES)
    kinds: tuple[Any, ...] = (ApiToken.every, RevealToken.objects)
    held = Q(user_id=user_pk)
    if team is not None:
        held &= Q(team=team) | Q(team=None)
    with transaction.atomic():
        for kind in kinds:
            rows = kind.filter(held)
            if reason != EndedBecause.PROVIDER:
                recent = rows.filter(revoked_at__gt=undoable, revoked_because="")
                recent.update(revoked_because=reason)
                rows.filter(revoked_because=EndedBecause.PROVIDER).update(revoked_because=reason)
            working = rows.filter(revoked_at=None)
            ended += working.order_by("pk")
            working.update(revoked_at=now, revoked_because=reason)
        if ended:
            record(others=ended, actor=None, detail={"because": str(reason)})
            _keep(ended)
            bump_change_counter()
    return len(ended)


@retried
@act("api_token.activate")
def resume_tokens_of(user_pk: Any) -> int:
    """Lets those tokens of a person work again that an identity provider had stopped, since it let
    the person in again. Returns how many.
    """
    stopped, resumed = EndedBecause.PROVIDER, []
    kinds: tuple[Any, ...] = (ApiToken, RevealToken)
    with transaction.atomic():
        for kind in kinds:
            rows = kind.objects.filter(user_id=user_pk, revoked_because=stopped)
            resumed += rows.order_by("pk")
            rows.update(revoked_at=None, revoked_because="")
        if resumed:
            record(others=resumed, actor=None)
            _keep(resumed)
            bump_change_counter()
    return len(resumed)


def _keep(tokens: Iterable[Any]) -> None:
    """Keeps the state of tokens that ended or work again."""
    for one in tokens:
        keep_version(str(one._meta.model_name), one.pk, None)
