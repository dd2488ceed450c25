"""Notices as people see them: the list, and how many of it are new to somebody."""

from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce

from connections.locks import retried
from connections.services import Actor, Scope, allows, require

from ...attention.kinds import GUARDED
from ...models import Notice, NoticeSeen
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
    if actor is None or (is_allowed and actor.has_perm(VIEW)):
        return Notice.objects.all()
    return Notice.objects.exclude(kind__in=GUARDED)


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
