"""Addresses of sign-in. The names that begin with `account_` and `mfa_` are those that allauth
looks for.
"""

from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from . import views


def _page(view: Any, template: str, title: Any) -> Any:
    """A view of allauth's with our template and title."""
    template_name = f"people/signin/{template}.html"
    return view.as_view(template_name=template_name, extra_context={"title": title})


CONFIRM = _("Confirm that it is you")
sign_in = views.SignInView.as_view()
to_yours = RedirectView.as_view(pattern_name="your-sign-in")

urlpatterns = [
    path("sign-in/", sign_in, name="account_login"),
    path("sign-in/", sign_in, name="sign-in"),
    path(
        "sign-in/code/",
        _page(mfa.AuthenticateView, "code", _("Second factor")),
        name="mfa_authenticate",
    ),
    path("sign-in/passkey/", passkeys.LoginWebAuthnView.as_view(), name="mfa_login_webauthn"),
    path(
        "sign-in/confirm/",
        _page(account.ReauthenticateView, "confirm", CONFIRM),
        name="account_reauthenticate",
    ),
    path(
        "sign-in/confirm/code/",
        _page(mfa.ReauthenticateView, "confirm", CONFIRM),
        name="mfa_reauthenticate",
    ),
    path(
        "sign-in/confirm/passkey/",
        _page(passkeys.ReauthenticateWebAuthnView, "confirm_passkey", CONFIRM),
        name="mfa_reauthenticate_webauthn",
    ),
    path("password/", views.PasswordChangeView.as_view(), name="password-change"),
    path("password/done/", views.PasswordChangedView.as_view(), name="password-changed"),
    path("your-sign-in/", views.YourSignInView.as_view(), name="your-sign-in"),
    path("your-sign-in/all/", to_yours, name="mfa_index"),
    path("your-sign-in/passkeys/", to_yours, name="mfa_list_webauthn"),
    path("your-sign-in/end-others/", views.EndOtherSessionsView.as_view(), name="end-others"),
    path("your-sign-in/app/", views.AppView.as_view(), name="mfa_activate_totp"),
    path(
        "your-sign-in/app/remove/",
        _page(totp.DeactivateTOTPView, "app_remove", _("Remove the authenticator app")),
        name="mfa_deactivate_totp",
    ),
    path(
        "your-sign-in/codes/",
        _page(views.CodesView, "codes", _("Recovery codes")),
        name="mfa_view_recovery_codes",
    ),
    path(
        "your-sign-in/codes/new/",
        _page(codes.GenerateRecoveryCodesView, "codes_new", _("New recovery codes")),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "your-sign-in/codes/download/",
        views.CodesFileView.as_view(),
        name="mfa_download_recovery_codes",
    ),
    path(
        "your-sign-in/passkeys/add/",
        _page(passkeys.AddWebAuthnView, "passkey_add", _("Add a passkey")),
        name="mfa_add_webauthn",
    ),
    path(
        "your-sign-in/passkeys/<int:pk>/",
        _page(passkeys.EditWebAuthnView, "passkey_edit", _("Name of the passkey")),
        name="mfa_edit_webauthn",
    ),
    path(
        "your-sign-in/passkeys/<int:pk>/remove/",
        _page(passkeys.RemoveWebAuthnView, "passkey_remove", _("Remove the passkey")),
        name="mfa_remove_webauthn",
    ),
    path("admin/login/", views.AdminSignInView.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password-change")),
]
