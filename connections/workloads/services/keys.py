"""The public keys of issuers: fetched through the guard, kept in the database for all workers.

RFC 7517 has the form of keys, OpenID Connect Discovery 1.0 (section 4) where they are said to be.
"""

import json
import logging
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from connections import conf
from connections.change_counter import bump_change_counter
from connections.locks import retried
from connections.models import TrustedIssuer
from providers.core.errors import ProviderError
from providers.core.network_faults import from_network
from providers.http.allowance import Allowance
from providers.http.egress import guarded_client

from .addresses import is_address

FETCH_SECONDS = 5.0
LARGEST_ANSWER = 256 * 1024  # bytes of a whole fetch, heads included
MOST_KEYS = 64
ASKED_EVERY = timedelta(minutes=1)
OLD_AFTER = timedelta(hours=1)  # keys are fetched again by the schedule
RUNS_FOR = timedelta(seconds=2 * FETCH_SECONDS)  # a fetch that takes longer was killed
KINDS = {"RS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
NO_KEYS: dict[str, Any] = {
    "keys": [],
    "keys_fetched_at": None,
    "keys_tried_at": None,
    "keys_failed_at": None,
    "keys_error": "",
}
FEWEST_BITS, MOST_BITS = 2048, 8192  # of RSA; RFC 7518, section 3.3; a longer one takes long

logger = logging.getLogger(__name__)


class NotFetched(Exception):
    """A sentence without secrets: the keys could not be fetched."""


def kept_for() -> timedelta:
    """How long keys count while their issuer cannot be reached."""
    return timedelta(hours=settings.CONNECTIONS_ISSUER_KEYS_HOURS)


def key_of(issuer: TrustedIssuer, algorithm: str, key_id: str | None) -> Any:
    """The issuer's key that may have signed, None where none or several may. Without a key's name
    it is the only one of its kind.
    """
    kind, curve = KINDS[algorithm]
    found = [one for one in issuer.keys if one["kty"] == kind and one.get("crv") == curve]
    if key_id is not None:
        found = [one for one in found if one.get("kid") == key_id]
    return _loaded(json.dumps(found[0]), algorithm) if len(found) == 1 else None


@lru_cache(256)
def _loaded(key: str, algorithm: str) -> Any:
    return jwt.PyJWK(json.loads(key), algorithm).key


def is_due(issuer: TrustedIssuer) -> bool:
    """True if its keys may be asked for now."""
    tried = issuer.keys_tried_at
    return tried is None or tried <= timezone.now() - ASKED_EVERY


def is_running(issuer: TrustedIssuer) -> bool:
    """True while some worker asks for its keys."""
    tried = issuer.keys_tried_at
    if tried is None or tried < timezone.now() - RUNS_FOR:
        return False
    ends = [one for one in (issuer.keys_fetched_at, issuer.keys_failed_at) if one is not None]
    return all(end < tried for end in ends)


def refresh_keys(issuer_pk: Any, *, at_once: bool = False) -> bool:
    """Fetches the keys of an issuer and keeps them, unless that was tried within ASKED_EVERY by
    any worker. Returns whether it was fetched or tried here. Raises nothing of the network.

    `at_once`: somebody waits at a page; then it is tried in any case.
    """
    now = timezone.now()
    rows = TrustedIssuer.objects.filter(pk=issuer_pk)
    due = Q(keys_tried_at=None) | Q(keys_tried_at__lte=now - ASKED_EVERY)
    if not rows.filter(Q() if at_once else due).update(keys_tried_at=now):
        return False
    issuer = rows.first()
    if issuer is None:
        return False
    try:
        with override("en"):  # it is stored
            keys = _fetched(issuer)
    except NotFetched as failed:
        logger.warning("The keys of the issuer %s were not fetched: %s", issuer.name, failed)
        rows.update(keys_failed_at=timezone.now(), keys_error=str(failed)[:500])
    else:
        _keep(issuer, keys)
    return True


@retried
def _keep(issuer: TrustedIssuer, keys: list[dict[str, str]]) -> None:
    with transaction.atomic():
        rows = TrustedIssuer.objects.filter(pk=issuer.pk)
        rows.update(keys=keys, keys_fetched_at=timezone.now(), keys_error="", keys_failed_at=None)
        if any(one not in keys for one in issuer.keys):  # what it signed is believed no longer
            bump_change_counter()


def refresh_old_keys() -> tuple[int, int]:
    """Fetches the keys of active issuers that are older than OLD_AFTER: how many were fetched, and
    how many could not be.
    """
    old = Q(keys_fetched_at=None) | Q(keys_fetched_at__lt=timezone.now() - OLD_AFTER)
    asked = TrustedIssuer.objects.filter(old, is_active=True).order_by("pk")
    tried = [pk for pk in list(asked.values_list("pk", flat=True)) if refresh_keys(pk)]
    good = TrustedIssuer.objects.filter(pk__in=tried, keys_fetched_at__gte=F("keys_tried_at"))
    return good.count(), len(tried) - good.count()


def _fetched(issuer: TrustedIssuer) -> list[dict[str, str]]:
    allowance = Allowance(FETCH_SECONDS, LARGEST_ANSWER)
    with guarded_client(conf.egress(), FETCH_SECONDS, allowance=allowance) as client:
        address = issuer.jwks_url or _discovered(client, issuer.issuer)
        found = _json(client, address).get("keys")
    if not isinstance(found, list):
        raise NotFetched(_("What it answered is no set of keys (JWKS)."))
    keys = [key for key in map(_clean, found[:MOST_KEYS]) if key is not None]
    if not keys:
        raise NotFetched(_("It has no key for %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    return keys


def _discovered(client: httpx2.Client, issuer: str) -> str:
    found = _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise NotFetched(
            _("Its discovery document is of another issuer (%(issuer)s).")
            % {"issuer": str(found.get("issuer"))[:200]}
        )
    address = found.get("jwks_uri")
    if not isinstance(address, str) or not is_address(address):
        raise NotFetched(_("Its discovery document names no https address of keys."))
    return address


def _json(client: httpx2.Client, address: str) -> dict[str, Any]:
    """The object at an address. No redirect is followed."""
    host = urlsplit(address).netloc
    try:
        answer = client.get(address, headers={"Accept": "application/json"}, follow_redirects=False)
        if answer.status_code != 200:
            text = _("%(host)s answered with status %(status)d.")
            raise NotFetched(text % {"host": host, "status": answer.status_code})
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        raise NotFetched(_("%(host)s did not answer with JSON.") % {"host": host}) from None
    except NotFetched:
        raise
    except ProviderError as error:
        raise NotFetched(error.message) from None
    except Exception as error:  # noqa: BLE001 of the network or its libraries: the sentence tells
        raise NotFetched(from_network(error, host).message) from None
    if not isinstance(found, dict):
        raise NotFetched(_("%(host)s did not answer with a JSON object.") % {"host": host})
    return found


def _clean(given: Any) -> dict[str, str] | None:
    """The public parts of a key that may sign tokens, None for any other."""
    if not isinstance(given, dict) or given.get("use") not in (None, "sig") or "d" in given:
        return None
    kinds = {kind: (name, curve) for name, (kind, curve) in KINDS.items()}
    name, curve = kinds.get(str(given.get("kty")), ("", None))
    if not name or given.get("crv") != curve or given.get("alg") not in (None, name):
        return None
    wanted = ("kty", "kid", *PARTS[given["kty"]])
    key = {part: given[part] for part in wanted if part in given}
    if not all(isinstance(value, str) and len(value) <= 2000 for value in key.values()):
        return None
    try:
        loaded = jwt.PyJWK(key, name).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    is_fit = name != "RS256" or FEWEST_BITS <= loaded.key_size <= MOST_BITS
    return key if is_fit else None
