"""The forms of sign-in: name and password, codes, passkeys."""

import logging
from dataclasses import replace
from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.fernet import InvalidToken
from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.forms import PasswordChangeForm as DjangoPasswordChangeForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.credentials import fernet

from ..events import differing
from ..hashing import Busy
from . import attempts, limits
from .adapters import busy_text, refuse_waiting, waiting_text

SETTING_UP = "second_factor_being_set_up"  # in a session, encrypted


class SignInForm(AuthenticationForm):
    """Name and password. `wait`: the seconds to wait, where it was refused for that."""

    wait = 0
    status = 200  # of the page that shows it again

    @sensitive_variables("password")
    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password or self.request is None:
            return self.cleaned_data
        attempt = attempts.attempt_at_password(self.request, name)
        self.wait = attempt.begin()
        if self.wait:
            self.status = 429
            raise ValidationError(waiting_text(self.wait), code="limited")
        try:
            self.user_cache = authenticate(self.request, username=name, password=password)
        except Busy as busy:
            attempt.give_back()
            attempt.refuse("refused, busy", "busy")
            self.wait, self.status = busy.seconds, 503
            raise ValidationError(busy_text(), code="busy") from busy
        if self.user_cache is None:
            attempt.refuse("failed, wrong name or password", "wrong_password")
            raise self.get_invalid_login_error()
        attempt.give_back()
        return self.cleaned_data


class _LimitedCode(forms.Form):
    """A code of an authenticator app or a recovery code, of which each may be used once."""

    user: Any
    authenticator: Any

    def _attempt(self) -> attempts.Attempt:
        return attempts.attempt_at_code(context.request, self.user)

    def clean_code(self) -> str:
        attempt = self._attempt()
        refuse_waiting(attempt.begin())
        try:
            with transaction.atomic():
                code: str = super().clean_code()  # type: ignore[misc]
                is_app = self.authenticator.type == Authenticator.Type.TOTP
                # allauth remembers used codes in the cache, which workers may not share
                if is_app and not limits.is_first_use(f"{self.user.pk} {code.strip()}"):
                    raise ValidationError(_("This code was used already. Wait for the next one."))
                if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
                    record(self.user, actor=self.user, action="recovery_codes.use")
        except ValidationError:
            attempt.refuse("failed, wrong code", "wrong_code")
            raise
        attempt.give_back()
        return code


class CodeForm(_LimitedCode, AuthenticateForm):  # type: ignore[misc]
    """The code after the password."""


class ConfirmCodeForm(_LimitedCode, ReauthenticateForm):  # type: ignore[misc]
    """The code as a fresh proof."""

    def _attempt(self) -> attempts.Attempt:
        return replace(super()._attempt(), action=attempts.CONFIRM, actor=self.user)


class _Credential(forms.Form):
    """What a passkey answered. JSON of another shape is a wrong answer, where allauth and fido2
    raise whatever comes of it.
    """

    user: Any

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            self._refuse()
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._refuse()
            raise ValidationError(_("This passkey was not accepted.")) from error

    def _refuse(self) -> None:
        attempt = attempts.attempt_by_passkey(context.request, self.user)
        attempt.refuse("failed, wrong passkey", "wrong_passkey")


class PasskeySignInForm(_Credential, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey in place of name, password and code."""


class PasskeyForm(_Credential, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey after the password."""


class ConfirmPasskeyForm(_Credential, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as a fresh proof."""


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey."""

    def clean(self) -> Any:
        try:
            return super().clean()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValidationError(_("This passkey was not accepted.")) from error


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name of a passkey."""

    @act("second_factor.update")
    def save(self) -> Any:
        before = self.instance.wrap().name
        with transaction.atomic():
            saved = super().save()
            if changes := differing(("name", before, self.cleaned_data["name"])):
                record(saved.user, actor=saved.user, changes=changes)
        return saved


class AppForm(forms.Form):
    """The first code of a new authenticator app. Its secret waits in the session, encrypted."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("The six digits that the app shows now."),
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, session = user, context.request.session
        try:
            kept = session.get(SETTING_UP, "") if self.is_bound else ""
            self.secret = fernet().decrypt(kept).decode() if kept else ""
        except InvalidToken:
            self.secret = ""
        if not self.secret:
            self.secret = totp.generate_totp_secret()
            session[SETTING_UP] = fernet().encrypt(self.secret.encode()).decode()

    def clean_code(self) -> str:
        attempt = attempts.attempt_at_code(context.request, self.user)
        refuse_waiting(attempt.begin())
        code: str = self.cleaned_data["code"]
        if not totp.validate_totp_code(self.secret, code):
            setting_up = replace(attempt, action="second_factor.create", actor=self.user)
            setting_up.refuse("not set up, wrong code", "wrong_code", logging.INFO)
            raise ValidationError(
                _("This is not the code of the app. Check that the clock of your device is right.")
            )
        attempt.give_back()
        context.request.session.pop(SETTING_UP, None)
        return code


class PasswordChangeForm(DjangoPasswordChangeForm):
    """One's own password. The old one is judged within limits."""

    @sensitive_variables("old", "password")
    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        attempt = attempts.attempt_to_confirm(context.request, self.user)
        refuse_waiting(attempt.begin())
        try:
            found = authenticate(username=self.user.get_username(), password=old)
        except Busy as busy:
            attempt.give_back()
            raise ValidationError(busy_text(), code="busy") from busy
        if found is None:
            attempt.refuse("not confirmed, wrong password", "wrong_password")
            raise ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            )
        attempt.give_back()
        return old

    @act("password.update")
    def save(self, commit: bool = True) -> Any:
        with transaction.atomic():
            person = super().save(commit)
            record(person, actor=person)
        return person
