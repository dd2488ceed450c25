"""The link that resets a password: who gets one, and what comes of it.

What is asked tells nothing about who is here: the answer is given before anybody is looked for, by
a thread of its own, and limits count whatever was typed.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import close_old_connections, connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import override

from connections.audit.services import act, coming_from, origin, record, times_due
from connections.errors import FieldError
from connections.locks import retried
from connections.models import Outcome, is_service_account
from connections.services import Invalid
from providers.core.request_id import REQUEST_ID

from .. import hashing
from ..events import differing
from ..services import require_may_change, validated_password
from ..signin import limits, providers

MOST_WAITING = 100  # asked for in one worker; more are dropped, as many are no people
MOST_OF_ONE_ADDRESS = 5  # accounts that share an e-mail address

logger = logging.getLogger("backoffice.people.signin")
_pool = ThreadPoolExecutor(1, "password-resets")
_places = threading.BoundedSemaphore(MOST_WAITING)


def is_offered() -> bool:
    """True where e-mail is set up."""
    return bool(settings.EMAIL_IS_SET_UP)


def ask_for_link(typed: str, address: str, language: str) -> int:
    """Sends a link to whoever has this name or e-mail address, later and if there is somebody.
    Returns the seconds to wait before another try, 0 if this one counts.

    `address`: of the browser. `language`: of the mail where its person chose none.
    """
    of_typed = limits.Limit("reset", limits.of_account(typed).text)
    of_place = limits.Limit("reset-address", limits.of_address(address).text)
    wait = limits.begin([of_typed, of_place], of_typed)
    if wait and (times := times_due("password_link.create", of_typed.key)):
        record(
            actor=None,
            action="password_link.create",
            detail={"times": times},
            outcome=Outcome.REFUSED,
            code="too_many",
        )
    if wait == 0 and _places.acquire(blocking=False):
        _submit(typed, language)
    return wait


def _submit(typed: str, language: str) -> "Future[None]":
    where, named = origin(), REQUEST_ID.get()

    def run() -> None:
        REQUEST_ID.set(named)
        try:
            with override(language), coming_from(where):
                for person in _people_of(typed):
                    _send(person, language)
        except Exception:  # nobody waits for it, and another mail may go
            logger.exception("A link to reset a password could not be sent")
        finally:
            _places.release()
            # a connection to a server goes back into the pool
            close_old_connections() if connection.vendor == "sqlite" else connection.close()

    return _pool.submit(run)


def _people_of(typed: str) -> list[User]:
    """The active people with this name or e-mail address who sign in with a password here."""
    text = typed.strip()
    if not text or "\x00" in text:
        return []
    same = Q(username=text) | Q(email__iexact=text)
    rows = User.objects.filter(same, is_active=True, service_account=None).exclude(email="")
    found = rows.select_related("preferences").order_by("pk")[:MOST_OF_ONE_ADDRESS]
    return [one for one in found if may_reset(one)]


def may_reset(person: User) -> bool:
    """True for somebody who has a password here and may use it."""
    is_person = person.is_active and not is_service_account(person)
    return is_person and person.has_usable_password() and providers.may_sign_in_locally(person)


def _send(person: User, language: str) -> None:
    chosen = getattr(person, "preferences", None)
    uid, token = urlsafe_base64_encode(force_bytes(person.pk)), _new_token(person)
    with override((chosen.language if chosen else "") or language):
        path = reverse("password-reset-confirm", args=[uid, token])
        values = {"name": person.get_username(), "link": f"{settings.SIGN_IN_ADDRESS}{path}"}
        parts = (
            _("Hello %(name)s,"),
            _(
                "somebody, probably you, asked to reset your password of Switchboard. Set a new "
                "one here, within an hour:"
            ),
            "%(link)s",
            _(
                "It ends your sessions and your tokens. If it was not you, do nothing: your "
                "password stays as it is."
            ),
        )
        text = "\n\n".join(part % values for part in parts)
        send_mail(_("Reset your password"), f"{text}\n", None, [person.email])
    record(person, actor=None, action="password_link.create")
    logger.info('Sign-in: a link to reset the password was sent; account="%s"', person)


def _new_token(person: User) -> str:
    return default_token_generator.make_token(person)


def person_of_link(uid: str, token: str) -> User | None:
    """The person whose password the link resets: within an hour, and until the password is
    changed or its person signs in.
    """
    try:
        pk = force_str(urlsafe_base64_decode(uid))
        person = User.objects.filter(pk=int(pk)).first()
    except (ValueError, OverflowError, UnicodeError):
        return None
    if person is None or not is_offered() or not may_reset(person):
        return None
    return person if default_token_generator.check_token(person, token) else None


@retried
@act("password.reset")
def reset_password(person: User, token: str, password: str) -> bool:
    """Sets the password of somebody who came by a link, which ends their sessions and tokens.
    False where the link was used meanwhile.

    Raises Invalid.
    """
    encoded = hashing.encode(validated_password(password, person))
    with transaction.atomic():
        locked: Any = User.objects.select_for_update().get(pk=person.pk)
        if not default_token_generator.check_token(locked, token):
            record(locked, actor=None, outcome=Outcome.REFUSED, code="link_used")
            return False
        locked.password = encoded
        locked._password = password  # noqa: SLF001 a new one, and no better hash of the same
        locked.save(update_fields=["password"])
        record(locked, actor=locked)
    return True


@retried
@act("email.update")
def set_email(person: User, email: str, *, actor: Any) -> None:
    """Sets the address to which the link of a person goes: one's own, or that of somebody whom the
    actor may change. Empty for none. Raises Invalid, PermissionDenied.
    """
    if actor is not None and actor.pk != person.pk:
        require_may_change(person, actor=actor)
    email = email.strip()
    try:
        if email:
            validate_email(email)
    except ValidationError:
        text = _("This is not an e-mail address.")
        raise Invalid([FieldError("email", "invalid", text)]) from None
    if len(email) > 254:
        text = _("At most %(most)d characters.") % {"most": 254}
        raise Invalid([FieldError("email", "invalid", text)])
    with transaction.atomic():
        before, person.email = person.email, email
        person.save(update_fields=["email"])
        if changes := differing(("email", before, email)):
            record(person, actor=actor, changes=changes)
