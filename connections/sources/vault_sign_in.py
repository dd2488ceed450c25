"""Signing in to a Vault once in a worker: token, AppRole, Kubernetes and JWT; renewed in a thread
before the lease ends.
"""

import logging
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from .address import away, library, not_signed_in, variable
from .base import Fault, SourceError, read_value

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
METHODS = ("token", "approle", "kubernetes", "jwt")
CURES = {
    "token": gettext_lazy("Give a valid token in VAULT_TOKEN or VAULT_TOKEN_FILE."),
    "approle": gettext_lazy("Check VAULT_ROLE_ID and VAULT_SECRET_ID."),
    "kubernetes": gettext_lazy("Check VAULT_ROLE and the service account."),
    "jwt": gettext_lazy("Check VAULT_ROLE, and VAULT_JWT or VAULT_JWT_FILE."),
}
RENEW_AFTER = 2 / 3  # of a lease
LEAST_WAIT = 0.3  # seconds
LONGEST_WAIT = 15.0  # seconds between two tries of a lease that could not be renewed

logger = logging.getLogger(__name__)


def method_of(options: Mapping[str, str]) -> str:
    """The way to sign in: the one that is named, else the first whose variables are set.

    Raises ValueError for one that does not exist, SourceError for a file that cannot be read.
    """
    named = options.get("auth") or variable("VAULT_AUTH_METHOD")
    if named and named not in METHODS:
        raise ValueError(f"auth of vault+https: is one of {', '.join(METHODS)}")
    if named:
        return named
    if variable("VAULT_TOKEN", "BAO_TOKEN"):
        return "token"
    if variable("VAULT_ROLE_ID"):
        return "approle"
    if options.get("role") or variable("VAULT_ROLE"):
        return "jwt" if variable("VAULT_JWT") else "kubernetes"
    return "token"


class SignIn:
    """The token of one client, and its lease."""

    def __init__(self, client: Any, options: Mapping[str, str], name: str) -> None:
        self.client, self._options, self._name = client, options, name
        self._method = method_of(options)
        self._lock = threading.RLock()
        self._ends_at: float | None = None  # None: never, or nobody signed in yet
        self._lease = 0.0  # seconds, of the first
        self._is_renewable = False
        self._renewer: threading.Thread | None = None
        self.ends_at: datetime | None = None  # of a token that nobody can renew any more then

    def begin(self) -> None:
        """Signs in, unless that was done and holds. Raises SourceError."""
        with self._lock:
            if not self.client.token or (self._ends_at and time.monotonic() >= self._ends_at):
                self._begin_anew()

    def replace(self, token: str) -> None:
        """Signs in anew, unless somebody has replaced that token already. Raises SourceError."""
        with self._lock:
            if self.client.token == token:
                self._begin_anew()

    def is_valid(self) -> bool:
        """True if the server knows the token: what it refuses, it refuses by policy."""
        hvac = library("hvac", "hvac")
        try:
            with translated(self._name):
                self.client.auth.token.lookup_self()
        except hvac.exceptions.VaultError:
            return False
        return True

    def _begin_anew(self) -> None:
        hvac = library("hvac", "hvac")
        self.client.token = ""
        try:
            with translated(self._name):
                seconds, self._is_renewable = self._signed_in()
        except hvac.exceptions.VaultError:
            self.client.token = ""
            raise not_signed_in(self._name, CURES[self._method]) from None
        except SourceError:
            self.client.token = ""
            raise
        self._lease = seconds
        self._ends_at = time.monotonic() + seconds if seconds else None
        if seconds and (self._renewer is None or not self._renewer.is_alive()):
            self._renewer = threading.Thread(
                target=_keep_alive, args=(weakref.ref(self),), name="renewing a lease", daemon=True
            )
            self._renewer.start()

    def _signed_in(self) -> tuple[float, bool]:
        """Gives the client a token: how many seconds it lives, 0 for ever, and if it can be
        renewed.
        """
        auth, role = self.client.auth, self._options.get("role") or variable("VAULT_ROLE")
        at = {"mount_point": self._options["auth_path"]} if "auth_path" in self._options else {}
        if self._method == "token":
            token = variable("VAULT_TOKEN", "BAO_TOKEN") or _token_of_command()
            if not token:
                text = gettext_noop(
                    "%(name)s needs a sign-in. %(cure)s Or set VAULT_ROLE_ID and VAULT_SECRET_ID."
                )
                values = {"name": self._name, "cure": CURES["token"]}
                raise SourceError(text, Fault.SIGN_IN_FAILED, **values)
            self.client.token = token
            found = auth.token.lookup_self()["data"]
            self.ends_at = _end_of(found)
            return float(found.get("ttl") or 0), bool(found.get("renewable"))
        if self._method == "approle":
            secret_id = variable("VAULT_SECRET_ID") or None
            answer = auth.approle.login(variable("VAULT_ROLE_ID"), secret_id, **at)
        elif self._method == "kubernetes":
            account = variable("VAULT_JWT") or read_value(
                Path(SERVICE_ACCOUNT), gettext_lazy("the service account's token")
            )
            answer = auth.kubernetes.login(role, account, **at)
        else:
            path = self._options.get("auth_path")
            answer = auth.jwt.jwt_login(role, variable("VAULT_JWT"), path=path)
        self.client.token = answer["auth"]["client_token"]
        return float(answer["auth"]["lease_duration"]), bool(answer["auth"]["renewable"])

    def seconds_left(self) -> float | None:
        """The seconds until the token must be renewed, None for one that lives for ever."""
        ends_at = self._ends_at
        if not self.client.token or ends_at is None:
            return None
        return ends_at - self._lease * (1 - RENEW_AFTER) - time.monotonic()

    def renew(self) -> None:
        """Renews the lease; one that has come near its longest is replaced by another sign-in."""
        hvac = library("hvac", "hvac")
        with self._lock:
            if self._is_renewable:
                try:
                    with translated(self._name):
                        answer = self.client.auth.token.renew_self()["auth"]
                    seconds = float(answer["lease_duration"])
                    self._ends_at = time.monotonic() + seconds
                    if seconds > self._lease * RENEW_AFTER or self._method == "token":
                        self._lease = min(self._lease, seconds) or seconds
                        return
                except hvac.exceptions.VaultError:
                    pass  # it cannot be renewed any more: another one is needed
            if self._method != "token":
                self._begin_anew()


def _end_of(token: Mapping[str, Any]) -> datetime | None:
    """The end of a token that was given to us, which no renewal moves
    (developer.hashicorp.com/vault/api-docs/auth/token#lookup-a-token-self).
    """
    seconds = float(token.get("ttl") or 0)
    if seconds and not token.get("renewable"):
        return datetime.now(UTC) + timedelta(seconds=seconds)
    longest, created = token.get("explicit_max_ttl"), token.get("creation_time")
    return datetime.fromtimestamp(created + longest, UTC) if longest and created else None


def _keep_alive(reference: "weakref.ref[SignIn]") -> None:
    """Renews a sign-in as long as somebody has it. What fails is tried again after twice the time,
    and told once.
    """
    wait = LEAST_WAIT
    while (sign_in := reference()) is not None and (left := sign_in.seconds_left()) is not None:
        if left <= 0:
            try:
                sign_in.renew()
            except SourceError as error:
                if wait == LEAST_WAIT:
                    logger.warning("The sign-in was not renewed. %s", error)
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                wait = LEAST_WAIT
            left = sign_in.seconds_left() or 0
            if left <= 0 and sign_in.client.token == "":
                return  # whoever reads next signs in
        del sign_in
        time.sleep(max(left, wait))


def _token_of_command() -> str:
    """The token that `vault login` or `bao login` left behind, empty for none."""
    path = Path.home() / ".vault-token"
    return read_value(path, gettext_lazy("the token of vault login")) if path.is_file() else ""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turns what hvac and requests raise for a server that cannot answer into SourceError; its
    refusals stay.
    """
    hvac, requests = library("hvac", "hvac"), library("requests", "requests")
    try:
        yield
    except hvac.exceptions.VaultDown:
        raise away(name, gettext_lazy("it is sealed or in maintenance")) from None
    except (
        hvac.exceptions.InternalServerError,
        hvac.exceptions.BadGateway,
        hvac.exceptions.RateLimitExceeded,
        hvac.exceptions.VaultNotInitialized,
        hvac.exceptions.UnexpectedError,
    ) as error:
        raise away(
            name, format_lazy(gettext_lazy("it answered {code}"), code=type(error).__name__)
        ) from None
    except requests.exceptions.SSLError:
        reason = gettext_lazy("its certificate is not trusted: name its authority in VAULT_CACERT")
        raise away(name, reason) from None
    except requests.exceptions.ConnectionError:
        raise away(name, gettext_lazy("no connection")) from None
    except (requests.exceptions.RequestException, OSError) as error:
        raise away(name, type(error).__name__) from None
    except (KeyError, TypeError, AttributeError, ValueError):
        text = gettext_noop(
            "%(name)s answered something else than a Vault does. Check host, mount and path."
        )
        raise SourceError(text, name=name) from None
