"""OAuth2 tokens that all workers share: encrypted in the database, fetched by one of them while the
others wait.

No transaction is open while a token service is asked: on SQLite it would keep everybody else from
writing.
"""

import hmac
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error, IntegrityError
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from providers.http.oauth2_client import MemoryTokens, Once, Token
from providers.http.service import TOKEN_SECONDS

from .bindings import binding_of_token, bound
from .models import AccessToken, judged

LEASE = timedelta(
    seconds=TOKEN_SECONDS + 5
)  # longer than a token service may take: who holds it after that is gone
MOST_WAITED = 2 * LEASE.total_seconds()
PAUSE = 0.05

logger = logging.getLogger(__name__)
_memory, _once = MemoryTokens(), Once()


class DatabaseTokens:
    """The TokenStore of one saved connection.

    Where the database cannot be written it falls back to the memory of this process.
    """

    def __init__(self, connection_id: uuid.UUID) -> None:
        self._id = connection_id

    @sensitive_variables()
    def token(self, grant_key: str, ask: Callable[[], Token], refused: str = "") -> str:
        """A good token for this grant that is not `refused`, fetched if there is none.

        Raises what `ask` raises.
        """
        if not settings.FERNET_KEYS:
            return _memory.token(grant_key, ask, refused)
        key = stored_key(grant_key)
        if (
            database.in_atomic_block
        ):  # a caller's own: what is written there would be locked while the network is asked
            return self._good(key, refused) or _memory.token(grant_key, ask, refused)
        try:
            with _returned_connection():
                return self._shared(key, ask, refused)
        # "database is locked", or the connection was deleted meanwhile: no reason not to work
        except Error as error:
            logger.warning(
                "The access token of connection %s is not shared: %s",
                self._id,
                type(error).__name__,
            )
        return _memory.token(grant_key, ask, refused)

    @sensitive_variables()
    def refresh_tokens(self, grant_key: str) -> tuple[str, ...]:
        """The refresh tokens that came with tokens for this grant, the best first."""
        held = _memory.refresh_tokens(grant_key)
        if not settings.FERNET_KEYS:
            return held
        try:
            # by older keys too: a token of the service outlives a rotation of ours
            keys = [stored_key(grant_key, key) for key in settings.FERNET_KEYS]
            rows = self._rows.filter(key__in=keys).values_list("key", "credentials")
            stored = self._own(*(rows.first() or ("", None)))
        except Error:
            return held
        value = str(stored.get("refresh_token", ""))
        return (value, *held) if value else held

    def _shared(self, key: str, ask: Callable[[], Token], refused: str) -> str:
        def renewed() -> str:
            return self._renewed(key, ask, refused)

        found = self._good(key, refused) or _once.run((self._id, key), renewed)
        # another thread, which knew of no refusal, may have been given the old one
        return _once.run((self._id, key), renewed) if refused and found == refused else found

    def _good(self, key: str, refused: str) -> str:
        """The stored token, an empty text if it is none for these settings, has ended, was refused
        or cannot be decrypted.
        """
        stored = (
            self._rows.filter(key=key, expires_at__gt=timezone.now())
            .values_list("credentials", flat=True)
            .first()
        )
        value = str(self._own(key, stored).get("token", ""))
        return value if value != refused else ""

    @sensitive_variables()
    def _own(self, key: str, stored: Any) -> dict[str, Any]:
        """What is stored, if it belongs to this connection and grant; else nothing."""
        found = judged(stored, binding_of_token(self._id, key))
        return found if isinstance(found, dict) else {}

    @property
    def _rows(self) -> QuerySet[AccessToken]:
        return AccessToken.objects.filter(connection_id=self._id)

    def _renewed(self, key: str, ask: Callable[[], Token], refused: str) -> str:
        give_up = time.monotonic() + MOST_WAITED
        while not (lease := self._lease()):
            if time.monotonic() > give_up:
                return ask().value
            time.sleep(PAUSE)
            if found := self._good(key, refused):
                return found
        try:
            # somebody may have put one there between the look and the lease
            return self._good(key, refused) or self._fetched(key, ask, lease)
        finally:
            self._rows.filter(leased_until=lease).update(leased_until=None)

    def _fetched(self, key: str, ask: Callable[[], Token], lease: datetime) -> str:
        token, now = ask(), time.time()
        until = token.held_until(now)
        kept = {"refresh_token": token.refresh_token} if token.refresh_token else {}
        held = {"token": token.value, **kept} if until > now or kept else None
        held = bound(held, binding_of_token(self._id, key)) if held else None
        row = {"key": key, "credentials": held, "expires_at": datetime.fromtimestamp(until, UTC)}
        row |= {"refresh_ends_at": self._refresh_end(key, token), "failed_at": None, "failure": ""}
        self._rows.filter(leased_until=lease).update(**row, leased_until=None)
        return token.value

    def _refresh_end(self, key: str, token: Token) -> datetime | None:
        """The end of the refresh token; where the service does not say it again, the one before."""
        if token.refresh_ends_at is not None:
            return datetime.fromtimestamp(token.refresh_ends_at, UTC)
        return self._rows.filter(key=key).values_list("refresh_ends_at", flat=True).first()

    def _lease(self) -> datetime | None:
        """The end of the time in which this worker alone may fetch, None while another may. One
        statement decides.
        """
        now = timezone.now()
        until = now + LEASE
        if self._rows.filter(Q(leased_until=None) | Q(leased_until__lte=now)).update(
            leased_until=until
        ):
            return until
        if self._rows.exists():
            return None
        try:
            AccessToken.objects.create(connection_id=self._id, key="", leased_until=until)
        except IntegrityError:
            if not self._rows.exists():  # the connection is gone
                raise
            return None
        return until


def stored_key(grant_key: str, fernet_key: str = "") -> str:
    """The name of a grant as it may be stored. `fernet_key`: empty for the newest.

    A plain hash of a short secret could be guessed back; this needs FERNET_KEYS.
    """
    key = fernet_key or settings.FERNET_KEYS[0]
    purpose = hmac.digest(key.encode(), b"switchboard access tokens", "sha256")
    return hmac.digest(purpose, grant_key.encode(), "sha256").hex()


@contextmanager
def _returned_connection() -> Iterator[None]:
    """Closes the database connection if this block opened it: in a thread of a pool nobody else
    would.
    """
    was_closed = database.connection is None
    try:
        yield
    finally:
        if was_closed:
            database.close()
