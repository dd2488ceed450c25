"""One attempt to sign in, or to prove again who one is: its limits, its line in the log, and its
event.
"""

import json
import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from connections.audit.services import record, times_due
from connections.client_ip import address_of
from connections.models import Outcome

from . import limits

COOKIE, SALT = "known_browser", "people.signin.browser"
KNOWN_FOR = 180 * 86400  # seconds
LONGEST = 200  # characters of what a line of the log repeats

SIGN_IN, CONFIRM = "person.sign_in", "identity.confirm"
# what anybody can cause as often as they like, and no limit stops: one event a minute and address
UNLIMITED = frozenset({"too_many", "busy", "wrong_passkey", "provider"})

logger = logging.getLogger("backoffice.people.signin")


@dataclass(frozen=True)
class Attempt:
    """An attempt for the account of this name. `counted`: the limits that it counts for. `by`: the
    provider that judged it. `action`: of its event. `actor`: who is signed in already.
    """

    name: str
    address: str
    agent: str
    counted: tuple[limits.Limit, ...]
    by: str = ""
    action: str = SIGN_IN
    actor: Any = None

    @property
    def account(self) -> limits.Limit:
        """The limit of the account, which also counts what its person is told."""
        return limits.of_account(self.name)

    def begin(self) -> int:
        """Counts it. Returns the seconds to wait, 0 if it may be judged."""
        seconds = limits.begin(self.counted, self.account)
        if seconds:
            self.refuse("refused, too many", "too_many")
        return seconds

    def give_back(self) -> None:
        """Takes it back: it was right, or nobody judged it."""
        limits.give_back(self.counted, self.account)

    def refuse(self, why: str, code: str, level: int = logging.WARNING) -> None:
        """Notes that it failed, in the log and as an event. What was typed as a name is told where
        somebody has that name, else by a hash: it may be a password.
        """
        self.log(why, level)
        times = 1
        if code in UNLIMITED:
            times = times_due(self.action, code, limits.of_address(self.address).key)
        if not times:
            return
        person = _person(self.name)
        detail = {
            "by": self.by,
            "tried": "" if person or not self.name else _unknown(self.name),
            "times": times if times > 1 else "",
        }
        record(
            person,
            actor=self.actor,
            action=self.action,
            detail={name: text for name, text in detail.items() if text},
            outcome=Outcome.REFUSED,
            code=code,
        )

    def log(self, outcome: str, level: int = logging.INFO) -> None:
        """A line with account, address and agent. A name that nobody has is told by a hash: it may
        be a password, in the wrong field.
        """
        logger.log(
            level,
            "Sign-in%s: %s; account=%s address=%s agent=%s",
            f" by {self.by}" if self.by else "",
            outcome,
            _shown(self.name) if _person(self.name) else _unknown(self.name),
            self.address or "unknown",
            _shown(self.agent),
        )


def attempt_at_password(request: HttpRequest, name: str) -> Attempt:
    """An attempt to sign in with a name and a password."""
    address = address_of(request.META)
    account, known = limits.of_account(name), _known_browser(request)
    if known and known.get("account") == account.key:
        counted = [limits.Limit("browser", str(known.get("browser")))]
    else:
        counted = [account, limits.of_address(address)]
    return Attempt(name, address, _agent(request), tuple(counted))


def attempt_at_code(request: HttpRequest, user: Any) -> Attempt:
    """An attempt with the code of a second factor, after the password."""
    return _attempt_of(request, user, "code")


def attempt_to_confirm(request: HttpRequest, user: Any) -> Attempt:
    """An attempt of a person who is signed in to prove it again by the password."""
    attempt = _attempt_of(request, user, "confirm")
    return replace(attempt, action=CONFIRM, actor=user)


def attempt_by_passkey(request: HttpRequest, user: Any = None) -> Attempt:
    """An attempt with a passkey, which no limit counts: by whoever has it, or who is asked for it
    after the password, or to confirm who they are.
    """
    name = user.get_username() if user else ""
    attempt = Attempt(name, address_of(request.META), _agent(request), ())
    is_signed_in = user is not None and request.user.is_authenticated
    return replace(attempt, action=CONFIRM, actor=user) if is_signed_in else attempt


def attempt_by_provider(request: HttpRequest, name: str, label: str) -> Attempt:
    """An attempt by an identity provider, which judges it: no limit counts it here."""
    return Attempt(name, address_of(request.META), _agent(request), (), by=label)


def _attempt_of(request: HttpRequest, user: Any, kind: str) -> Attempt:
    limit = limits.Limit(kind, str(user.pk))
    return Attempt(user.get_username(), address_of(request.META), _agent(request), (limit,))


def succeeded(request: HttpRequest, user: Any, by: str = "") -> int:
    """Notes that a person has signed in, `by` a provider. Returns how many attempts had failed
    since the last time.
    """
    attempt = replace(attempt_at_password(request, user.get_username()), by=by)
    code = limits.Limit("code", str(user.pk))
    attempt.log("succeeded")
    failed = limits.clear([*attempt.counted, attempt.account, code], attempt.account)
    detail = {"with": _ways(request, user), "by": by, "failed before": failed}
    told = {name: text for name, text in detail.items() if text}
    record(user, actor=user, action=SIGN_IN, detail=told)
    return failed


def _ways(request: HttpRequest, user: Any) -> str:
    """By what somebody signed in: password, totp, recovery_codes, webauthn, socialaccount."""
    found = get_authentication_records(request, user)
    ways = [str(one.get("type") or one.get("method")) for one in found]
    return ", ".join(dict.fromkeys(ways))


def remember_browser(request: HttpRequest, response: HttpResponse, user: Any) -> None:
    """Marks the browser as one in which this person has signed in, in a signed cookie."""
    account = limits.of_account(user.get_username()).key
    known = _known_browser(request)
    if not known or known.get("account") != account:
        known = {"account": account, "browser": secrets.token_urlsafe(16)}
    response.set_cookie(
        COOKIE,
        signing.dumps(known, salt=SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known_browser(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KNOWN_FOR)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def _agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")


def _person(name: str) -> User | None:
    return None if "\x00" in name else User.objects.filter(username=name).first()


def _unknown(name: str) -> str:
    digest = salted_hmac("people.signin.log", name, algorithm="sha256").hexdigest()
    return f"unknown-{digest[:8]}"


def _shown(text: str) -> str:
    """The text in quotes, line breaks and other signs escaped."""
    return json.dumps(text[:LONGEST])
