"""Notices as people see them: the list, and how many of it are new to somebody."""

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from connections.locks import retried
from connections.services import Actor, Scope, allows, may, require

from ...attention.kinds import GUARDED
from ...models import Notice, NoticeSeen
from .owners import seen_owners
from .targets import VIEW

SEE = "connections.view_connection"
MOST_COUNTED = 100  # unread notices; more than 99 are "99+"


def notices(*, actor: Actor, kind: str = "") -> QuerySet[Notice]:
    """The notices, newest first; those of one kind if one is named. Those of tokens and targets are
    only for those who may see targets. Raises PermissionDenied.
    """
    require(actor, SEE)
    rows = _visible(actor)
    return rows.filter(kind=kind) if kind else rows


def _visible(actor: Actor) -> QuerySet[Notice]:
    is_allowed = allows(getattr(actor, "token", None), Scope.ADMIN)
    is_guard = actor is None or (is_allowed and may(actor, VIEW))
    owners = seen_owners(actor, is_guarded=False)
    if owners is None:
        return Notice.objects.all() if is_guard else Notice.objects.exclude(kind__in=GUARDED)
    kept = seen_owners(actor, is_guarded=True) or set()
    is_guarded = Q(kind__in=GUARDED)
    guarded = is_guarded & _of(kept) if is_guard else Q(pk__in=())
    return Notice.objects.filter((~is_guarded & _of(owners)) | guarded)


def _of(owners: set[str]) -> Q:
    """The condition that a notice is about what one of these has."""
    found = Q(pk__in=())
    for one in owners:
        found |= Q(teams__contains=f" {one} ")
    return found


def seen_to(actor: Actor) -> int:
    """The id of the last notice that somebody has seen, 0 for none."""
    rows = NoticeSeen.objects.filter(user_id=actor.pk)
    return rows.values_list("seen_to", flat=True).first() or 0


def unread(actor: Actor) -> int:
    """The number of notices that are new to somebody, MOST_COUNTED at most. One query."""
    if not actor.has_perm(SEE):
        return 0
    seen = NoticeSeen.objects.filter(user_id=actor.pk).values("seen_to")[:1]
    new = _visible(actor).filter(pk__gt=Coalesce(Subquery(seen), 0)).order_by()
    return new[:MOST_COUNTED].count()


@retried
def mark_seen(last: int, *, actor: Actor) -> None:
    """Notes that somebody has seen the notices up to this id. It never goes back. Raises
    PermissionDenied.
    """
    require(actor, SEE)
    row, _ = NoticeSeen.objects.get_or_create(user_id=actor.pk)
    newest = Notice.objects.values_list("pk", flat=True).first() or 0
    NoticeSeen.objects.filter(pk=row.pk, seen_to__lt=min(last, newest)).update(
        seen_to=min(last, newest)
    )
