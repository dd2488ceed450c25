"""What a person is asked and has not answered yet, kept in the session of their browser."""

import hmac
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.views.decorators.debug import sensitive_variables

from connections import services as core
from connections.credentials import fernet
from connections.models import Connection
from providers.http.authorization_code import Attempt

from .authorization import Asked

SESSION_KEY = "asked-to-allow"
LIFE, MOST = 600, 4  # seconds of one, and how many connections a session may have asked about

Session = MutableMapping[str, Any]


@dataclass(frozen=True)
class OpenQuestion:
    """A question that waits for its answer: about which connection, and at which version."""

    connection_id: UUID
    version: int
    asked: Asked


@sensitive_variables()
def keep_question(
    session: Session, connection: Connection, asked: Asked, *, actor: core.Actor
) -> None:
    """Keeps a question to this person for 10 minutes, in place of an older one about the same
    connection.

    It is encrypted: a session is a row, and the verifier in it is a secret.
    """
    attempt = asked.attempt
    said = {
        "user": str(actor.pk),
        "version": connection.version,
        "address": asked.address,
        "attempt": [attempt.redirect_uri, attempt.state, attempt.verifier],
    }
    key = str(connection.pk)
    others = {name: one for name, one in _stored(session).items() if name != key}
    newest = dict(list(others.items())[-(MOST - 1) :])
    session[SESSION_KEY] = newest | {key: fernet().encrypt(json.dumps(said).encode()).decode()}


def open_question(
    session: Session, connection: Connection, *, actor: core.Actor
) -> OpenQuestion | None:
    """The question to this person about a connection; None if there is none, or it is too old."""
    found = _open(session, actor)
    return next((one for one in found if one.connection_id == connection.pk), None)


@sensitive_variables()
def take_question(session: Session, state: str, *, actor: core.Actor) -> OpenQuestion | None:
    """The question that an answer with this `state` belongs to, which is taken out of the session:
    it has one answer, whatever that says. None for the answer to no question of this person.
    """
    given, taken = state.encode(errors="replace"), None
    for one in _open(session, actor):
        if hmac.compare_digest(one.asked.attempt.state.encode(), given):
            taken = one
    if taken:
        left = {
            key: one for key, one in _stored(session).items() if key != str(taken.connection_id)
        }
        session[SESSION_KEY] = left
    return taken


def _stored(session: Session) -> dict[str, str]:
    found: dict[str, str] = session.get(SESSION_KEY, {})
    return found


@sensitive_variables()
def _open(session: Session, actor: core.Actor) -> Iterator[OpenQuestion]:
    for key, token in _stored(session).items():
        try:
            said = json.loads(fernet().decrypt(token, ttl=LIFE))
        except InvalidToken:  # too old, or under a key that is gone
            continue
        if said["user"] == str(actor.pk):
            asked = Asked(said["address"], Attempt(*said["attempt"]))
            yield OpenQuestion(UUID(key), said["version"], asked)
