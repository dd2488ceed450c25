"""What django-allauth asks us: addresses of clients, where to go, how secrets are kept."""

import logging
import re
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from connections.client_ip import address_of
from connections.views.typed import keep_typed

from ..hashing import Busy
from . import attempts, factors, proof, providers
from .sessions import UNKNOWN

TYPED_BEFORE = "typed_before_sign_in"  # in a session


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody makes an account here: administrators add people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request.META) or UNKNOWN

    def is_reauthentication_required(self, *, app: str, **_kwargs: Any) -> bool:  # noqa: ARG002
        return not proof.is_fresh(self.request)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:  # noqa: ARG002
        messages.error(request, _("This account is not active. Ask an administrator."))
        return HttpResponseRedirect(reverse("sign-in"))

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Sends those away who may sign in by a provider only."""
        is_by_provider = "sociallogin" in (kwargs["signal_kwargs"] or {})
        if not is_by_provider and not providers.may_sign_in_locally(user):
            attempt = attempts.attempt_at_password(request, user.get_username())
            attempt.refuse("refused, only by a provider", "only_by_provider")
            messages.error(request, _("Your role signs in by a provider only."))
            return HttpResponseRedirect(reverse("sign-in"))
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The ways to prove again who one is; by a provider where one is linked."""
        found: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if user.is_authenticated and any(label for _one, label in providers.accounts_of(user)):
            address = reverse("confirm-by-provider")
            found.append({"id": "provider", "description": "provider", "url": address})
        return found

    @sensitive_variables("password")
    def reauthenticate(self, user: Any, password: str) -> bool:
        """Raises ValidationError where there were too many attempts."""
        attempt = attempts.attempt_to_confirm(self.request, user)
        refuse_waiting(attempt.begin())
        try:
            found = authenticate(self.request, username=user.get_username(), password=password)
        except Busy as busy:
            attempt.give_back()
            raise ValidationError(busy_text(), code="busy") from busy
        if found is None or found.pk != user.pk:
            attempt.refuse("not confirmed, wrong password", "wrong_password", logging.INFO)
            return False
        attempt.give_back()
        return True

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Goes on to the page that was wanted, with what was typed there before; tells of failed
        attempts.
        """
        response: HttpResponse = super().post_login(request, user, **kwargs)
        came_by = getattr((kwargs["signal_kwargs"] or {}).get("sociallogin"), "provider", None)
        failed = attempts.succeeded(request, user, came_by.name if came_by else "")
        if failed:
            text = ngettext(
                "%(number)s sign-in with your name failed since you signed in last. If that was "
                "not you, tell an administrator.",
                "%(number)s sign-ins with your name failed since you signed in last. If that was "
                "not you, tell an administrator.",
                failed,
            )
            messages.warning(request, text % {"number": failed})
        if entries := request.session.pop(TYPED_BEFORE, None):
            response = HttpResponseRedirect(
                keep_typed(request, response["Location"], [(one, two) for one, two in entries])
            )
        attempts.remember_browser(request, response, user)
        return response


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are kept in a table of ours, encrypted, so that keys can be rotated."""

    def encrypt(self, text: str) -> str:
        return factors.keep_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return factors.find_secret(encrypted_text)

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """False while somebody comes in by a provider whose people are asked for no factor here."""
        came_by = getattr(context.request, "came_by", None)
        if came_by is not None and not came_by.asks_factor:
            return False
        return bool(super().is_mfa_enabled(user, types=types))

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def build_totp_svg(self, url: str) -> str:
        """The drawing, of the size of its box, black on white."""
        drawn = re.sub(r"<\?xml[^>]*>\s*", "", super().build_totp_svg(url))
        return re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", drawn, count=1)

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        return not factors.must_have(authenticator.user) or (
            len(factors.kinds_of([authenticator.user]).get(authenticator.user_id, [])) > 1
        )

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        number = factors.kinds_of([user]).get(user.pk, []).count(type) + 1
        return _("Passkey %(number)s") % {"number": number}


def refuse_waiting(seconds: int) -> None:
    """Raises ValidationError if there are seconds to wait."""
    if seconds:
        raise ValidationError(waiting_text(seconds), code="limited")


def waiting_text(seconds: int) -> str:
    """The sentence for whoever has to wait: the same for every name and every password."""
    text = ngettext(
        "Too many attempts. Wait %(seconds)s second, then try again.",
        "Too many attempts. Wait %(seconds)s seconds, then try again.",
        seconds,
    )
    return text % {"seconds": seconds}


def busy_text() -> str:
    """The sentence for whoever comes while too many others sign in."""
    return _("Too many people sign in at this moment. Try again in some seconds.")
