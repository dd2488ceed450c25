"""The sessions of a person: which there are, when they end, and ending them."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from connections.audit.services import act, record
from connections.texts import counted

SIGNED_IN, BEGAN, SEEN = "signed_in_at", "began_at", "seen_at"  # in a session, seconds of Unix
UNKNOWN = "0.0.0.0"  # noqa: S104 the column of allauth's table takes addresses only
SEEN_EVERY = 60  # seconds between two notes that a session is used


@dataclass(frozen=True)
class OpenSession:
    """A session for its person: where it was begun, in which browser, when it was used last."""

    address: str
    agent: str
    began: datetime
    seen: datetime
    is_this: bool


def note_sign_in(request: Any, **_kwargs: Any) -> None:
    """Notes in the session when it began, by whichever way somebody signed in."""
    request.session[SIGNED_IN] = request.session[SEEN] = time.time()
    request.session.set_expiry(None)  # one that waited for a provider would end sooner


ENDS_BECAUSE = "session_ends_because"  # on a request: why its session ends, if not by its person


def note_sign_out(request: Any, user: Any, **_kwargs: Any) -> None:
    """Records that somebody signed out, or that their session was over."""
    if user is None:
        return
    because = getattr(request, ENDS_BECAUSE, "")
    if because:
        record(user, actor=user, action="session.end", detail={"because": because})
    else:
        record(user, actor=user, action="person.sign_out")


def has_ended(session: Any) -> bool:
    """True if a session is too old, or was not used for too long."""
    now = time.time()
    began = session.get(SIGNED_IN, session.get(BEGAN, now))
    idle = now - session.get(SEEN, now)
    return bool(
        now - began > settings.SIGN_IN_DAYS * 86400 or idle > settings.SIGN_IN_IDLE_HOURS * 3600
    )


def is_due(session: Any) -> bool:
    """True if it is to be noted that a session is used."""
    return bool(time.time() - session.get(SEEN, 0) > SEEN_EVERY)


def note_use(session: Any, user: Any, address: str, agent: str) -> None:
    """Notes that a session is used now. One of before an upgrade begins with that."""
    now = timezone.now()
    if SIGNED_IN not in session:
        session.setdefault(BEGAN, now.timestamp())
    session[SEEN] = now.timestamp()
    session.save()
    values = {"user": user, "ip": address, "user_agent": agent, "last_seen_at": now}
    UserSession.objects.update_or_create(session_key=session.session_key, defaults=values)


def open_sessions(user: Any, session_key: str | None) -> list[OpenSession]:
    """The sessions of a person that can still be used, the last used one first."""
    rows = UserSession.objects.filter(user=user).order_by("-last_seen_at")
    stored = Session.objects.filter(expire_date__gt=timezone.now())
    living = {
        one.session_key: one.get_decoded()
        for one in stored.filter(session_key__in=[row.session_key for row in rows])
    }
    return [
        OpenSession(
            "" if row.ip == UNKNOWN else row.ip,
            row.user_agent,
            row.created_at,
            row.last_seen_at,
            row.session_key == session_key,
        )
        for row in rows
        if row.session_key in living and not has_ended(living[row.session_key])
    ]


def end_sessions(user_pk: Any, keep: str | None = None) -> int:
    """Ends the sessions of a person, except the one with the key `keep`. Returns how many.

    Every session is looked at: one of a version before has no row that names its person.
    """
    wanted = str(user_pk)
    stored = Session.objects.filter(expire_date__gt=timezone.now()).exclude(session_key=keep)
    keys = [
        one.session_key
        for one in stored.iterator()
        if str(one.get_decoded().get(SESSION_KEY)) == wanted
    ]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user_id=user_pk).exclude(session_key=keep).delete()
    return len(keys)


@act("session.end")
def end_others(user: Any, keep: str | None) -> int:
    """Ends the sessions of a person at their wish, but for the one with the key `keep`. Returns how
    many.
    """
    with transaction.atomic():
        if number := end_sessions(user.pk, keep=keep):
            record(user, actor=user, detail={"number": number})
    return number


def end_session(session_key: str) -> None:
    """Ends one session, if it is there."""
    Session.objects.filter(session_key=session_key).delete()
    UserSession.objects.filter(session_key=session_key).delete()


def prune() -> str:
    """Deletes sessions that have ended, and what was noted of them."""
    number = Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return f"{counted(number, 'session')} deleted that had ended."
