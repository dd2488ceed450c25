"""Second factors: who must have one, who has one, and taking them away."""

import logging
import secrets
import uuid
from base64 import b32encode
from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from connections.audit.services import act, record
from connections.credentials import key_ids
from connections.services import Actor

from ..models import SecondFactorSecret

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
EVERYBODY = "everybody"
ADMINISTRATORS = "administrators"

logger = logging.getLogger("backoffice.people.signin")


def must_have(user: Any) -> bool:
    """True if SIGN_IN_SECOND_FACTOR names everybody or a role of this person. Superusers count as
    Administrators.
    """
    return is_of_roles(user, settings.SIGN_IN_SECOND_FACTOR)


def is_of_roles(user: Any, names: Iterable[str]) -> bool:
    """True if everybody is named, or a role of this person."""
    named = {one.lower() for one in names}
    if not named:
        return False
    if EVERYBODY in named or (user.is_superuser and ADMINISTRATORS in named):
        return True
    return any(one.lower() in named for one in user.groups.values_list("name", flat=True))


def has_any(user: Any) -> bool:
    """True if a person has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def lacks(user: Any) -> bool:
    """True if a person must have a second factor and has none."""
    return must_have(user) and not has_any(user)


def kinds_of(users: Iterable[User]) -> dict[Any, list[str]]:
    """The kinds of second factors of people, by their ids."""
    found: dict[Any, list[str]] = {}
    rows = Authenticator.objects.filter(user__in=users, type__in=FACTORS).order_by("type", "pk")
    for one in rows:
        found.setdefault(one.user_id, []).append(one.type)
    return found


def remove_all(user: Any, *, actor: Actor) -> int:
    """Takes away the second factors and the recovery codes of a person. Returns how many. Who may
    do that is judged by the caller.
    """
    with transaction.atomic():
        rows = list(Authenticator.objects.select_for_update().filter(user_id=user.pk))
        for row in rows:
            row.delete()
    logger.warning("Second factors of %r taken away by %r", str(user), str(actor))
    return len(rows)


def keep_secret(text: str) -> str:
    """Stores the secret of a second factor, encrypted. Returns the id that stands for it."""
    row = SecondFactorSecret.objects.create(
        credentials={"secret": text}, credentials_key=key_ids()[0]
    )
    return str(row.pk)


def find_secret(text: str) -> str:
    """The secret that `text` stands for. One that is gone, or that no key opens, is a random one in
    its place, which no code fits.
    """
    try:
        row = SecondFactorSecret.objects.filter(pk=uuid.UUID(text)).first()
    except (ValueError, ValidationError):
        row = None
    if row is None or not row.credentials:
        logger.error("The secret of a second factor cannot be decrypted.")
        return b32encode(secrets.token_bytes(20)).decode()
    return str(row.credentials["secret"])


def note_change(sender: Any, instance: Any, created: bool | None = None, **_kwargs: Any) -> None:  # noqa: ARG001
    """Records that an authenticator was added, or deleted (`created` is None). Recovery codes are
    deleted with the last factor, or because new ones take their place: then that is told.
    """
    is_codes = instance.type == Authenticator.Type.RECOVERY_CODES
    if created is False or (created is None and is_codes):
        return
    _changed(instance, "recovery_codes" if is_codes else "second_factor", created is None)


def _change(_authenticator: Any, kind: str, is_gone: bool) -> str:
    return f"{kind}.{'delete' if is_gone else 'create'}"


@act(_change)
def _changed(authenticator: Any, _kind: str, _is_gone: bool) -> None:
    detail = {"type": str(authenticator.type)}
    if name := (authenticator.data or {}).get("name"):
        detail["name"] = str(name)
    record(authenticator.user, actor=authenticator.user, detail=detail)


def forget_secret(instance: Any, **_kwargs: Any) -> None:
    """Deletes the stored secret of an authenticator that is deleted."""
    kept = instance.data.get("secret") or instance.data.get("seed")
    if kept:
        SecondFactorSecret.objects.filter(pk=kept).delete()
