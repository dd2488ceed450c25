"""Limits of sign-ins, counted in the database: all workers share it, and the cache may be away.

An attempt is counted before it is judged, so that no number of attempts at once gets past, and
given back when it was right. Who waits learns nothing: the password is not looked at. A browser in
which the person has signed in before has a count of its own, so that nobody can lock a person out
of it: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from connections.locks import retried

from ..models import SignInLimit

# failures in a row; of a forgotten password: how often a link may be asked for
FREE = {"account": 5, "address": 50, "browser": 5, "code": 5, "confirm": 5}
FREE |= {"reset": 3, "reset-address": 20}
FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN, DELETED = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True)
class Limit:
    """What attempts are counted for: `kind` is one of FREE."""

    kind: str
    text: str

    @property
    def key(self) -> str:
        """The primary key of its row."""
        digest = salted_hmac("people.signin.limits", self.text, algorithm="sha256").hexdigest()
        return f"{self.kind}:{digest}"


def of_account(name: str) -> Limit:
    """The limit of an account, there or not, by its name in any spelling."""
    return Limit("account", unicodedata.normalize("NFKC", name).casefold())


def of_address(address: str) -> Limit:
    """The limit of an address; of IPv6 that of its network of 64 bits, which one client has."""
    try:
        found = ip_address(address)
    except ValueError:
        return Limit("address", "unknown")
    is_long = isinstance(found, IPv6Address)
    return Limit("address", str(ip_network((found, 64), strict=False)) if is_long else str(found))


@retried
def begin(limits: Sequence[Limit], account: Limit) -> int:
    """Counts an attempt. Returns the seconds to wait before another, 0 if this one may be judged.

    `account`: for whom it is told, at their next sign-in, how many failed.
    """
    now = timezone.now()
    with transaction.atomic():
        keys = {one.key: one.kind for one in limits}
        rows = [_held(key, now) for key in sorted({*keys, account.key})]
        counted = [row for row in rows if row.key in keys]
        wait = max((row.until - now).total_seconds() if row.until else 0.0 for row in counted)
        for row in rows:
            row.unseen += row.key == account.key
            if wait <= 0 and row.key in keys:
                _count(row, FREE[keys[row.key]], now)
            row.save()
    return max(0, math.ceil(wait))


def _held(key: str, now: datetime) -> SignInLimit:
    """The row, locked. Rows are locked in the order of their keys."""
    rows = SignInLimit.objects.select_for_update(no_key=True)
    return rows.get_or_create(key=key, defaults={"last_at": now})[0]


def _count(row: SignInLimit, free: int, now: datetime) -> None:
    if now - row.last_at > FORGOTTEN:
        row.failures = 0
    row.failures, row.last_at = row.failures + 1, now
    over = row.failures - free
    row.until = now + min(FIRST * 2 ** min(over, 10), LONGEST) if over >= 0 else None


@retried
def give_back(limits: Sequence[Limit], account: Limit) -> None:
    """Takes back an attempt that was right, or was not judged."""
    with transaction.atomic():
        for key in sorted({*(one.key for one in limits), account.key}):
            rows = SignInLimit.objects.filter(key=key)
            if key == account.key:
                rows.filter(unseen__gt=0).update(unseen=F("unseen") - 1)
            if key in {one.key for one in limits}:
                rows.filter(failures__gt=0).update(failures=F("failures") - 1, until=None)


@retried
def clear(limits: Sequence[Limit], account: Limit) -> int:
    """Forgets the failures before a sign-in that succeeded. Returns how many there were for the
    account since the one before.
    """
    with transaction.atomic():
        rows = SignInLimit.objects.select_for_update(no_key=True).filter(key=account.key)
        found = rows.values_list("unseen", flat=True).first() or 0
        rows.update(unseen=0)
        keys = [one.key for one in limits if one.kind != "address"]
        SignInLimit.objects.filter(key__in=keys).update(failures=0, until=None)
    return found


def is_first_use(text: str) -> bool:
    """True once for each text, a code that may be used one time."""
    key = Limit("used", text).key
    return SignInLimit.objects.get_or_create(key=key, defaults={"last_at": timezone.now()})[1]


def prune() -> str:
    """Deletes the counts that nothing was added to for 30 days."""
    old = SignInLimit.objects.filter(last_at__lt=timezone.now() - DELETED)
    return f"{old.delete()[0]} counts of failed sign-ins deleted."
