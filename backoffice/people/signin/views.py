"""The pages of sign-in. Those of second factors are allauth's views with our templates."""

import json
from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp import views as totp_views
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import View

from connections.audit.services import record
from connections.models import ApiToken, RevealToken, works_now
from connections.views.base import Page
from connections.views.typed import entries_of

from ..models import ViewAs
from . import factors, providers
from .adapters import TYPED_BEFORE
from .forms import AppForm, PasswordChangeForm, SignInForm
from .sessions import end_others, open_sessions


def keep_typed_of(request: HttpRequest, page: str) -> None:
    """Keeps what was typed into a form of this page before the session had ended, until its person
    has signed in.
    """
    try:
        posted = QueryDict(mutable=True)
        for name, value in json.loads(request.POST.get("typed", "[]")):
            posted.appendlist(str(name), str(value))
    except (ValueError, TypeError):
        return
    if entries := entries_of(posted, page):
        request.session[TYPED_BEFORE] = entries


class SignInView(auth_views.LoginView):
    """Sign in. A person who is signed in already goes on to the next page."""

    template_name = "people/sign_in.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        typed = self.request.POST.get("typed", "")
        context = {"typed": typed, "title": _("Sign in"), "providers": providers.configured()}
        return super().get_context_data(**context, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Goes on to the second factor if there is one, else signs in; what was typed before the
        session had ended is kept for its form.
        """
        user, page = form.get_user(), self.get_success_url()
        keep_typed_of(self.request, page)
        login = Login(user=user, redirect_url=page)
        name = {"username": user.get_username()}
        response: HttpResponse = perform_password_login(self.request, name, login)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again, told when to come back where it was refused for that."""
        response = self.render_to_response(self.get_context_data(form=form), status=form.status)
        if form.wait:
            response["Retry-After"] = str(form.wait)
        return response


@method_decorator(login_not_required, name="dispatch")
class AdminSignInView(View):
    """The page to which the admin sends people who may not enter: our own way in.

    A person who is signed in but is not staff gets a refusal: the sign-in page would only send them
    back here.
    """

    def dispatch(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        wanted = request.GET.get("next", "") or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(f"{reverse('sign-in')}?{urlencode({'next': wanted})}")
        if not request.user.is_staff:
            raise PermissionDenied(_("The administration is for staff. Ask an administrator."))
        return redirect("admin:index")


class PasswordChangeView(auth_views.PasswordChangeView):
    """Change one's own password. It ends one's other sessions and one's tokens."""

    template_name = "people/password_change.html"
    form_class = PasswordChangeForm
    success_url = reverse_lazy("password-changed")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = {"user_id": self.request.user.pk}
        tokens = sum(
            kind.objects.filter(works_now(), **mine).count() for kind in (ApiToken, RevealToken)
        )
        return super().get_context_data(title=_("Change password"), tokens=tokens, **kwargs)


class PasswordChangedView(auth_views.PasswordChangeDoneView):
    """The page that says that the password is changed."""

    template_name = "people/password_changed.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=_("Password changed"), **kwargs)


class YourSignInView(Page):
    """A person's own sign-in: password, second factor, passkeys, sessions."""

    template_name = "people/signin/yours.html"
    title = gettext_lazy("Your sign-in")
    section = "yours"
    permission_required = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        rows = list(Authenticator.objects.filter(user=user).order_by("created_at"))
        codes = [one for one in rows if one.type == Authenticator.Type.RECOVERY_CODES]
        context = {
            "app": next((one for one in rows if one.type == Authenticator.Type.TOTP), None),
            "passkeys": [one for one in rows if one.type == Authenticator.Type.WEBAUTHN],
            "codes": bool(codes),
            "codes_left": len(RecoveryCodes(codes[0]).get_unused_codes()) if codes else 0,
            "must": factors.must_have(user),
            "views_as": ViewAs.objects.filter(person=user).order_by("-began_at")[:5],
            "providers": _links_of(user),
            "sessions": open_sessions(user, request.session.session_key),
        }
        return self.render_to_response(self.get_context_data(**context))


def _links_of(user: Any) -> list[dict[str, Any]]:
    """Each provider, with the links of this person; last those of providers that are gone."""
    accounts, known = providers.accounts_of(user), providers.configured()
    found = [
        {"provider": one, "links": [link for link, _ in accounts if link.provider == key]}
        for key, one in known.items()
    ]
    gone = [link for link, label in accounts if not label]
    return [*found, *([{"provider": None, "links": gone}] if gone else [])]


class EndOtherSessionsView(Page):
    """Ends all sessions of a person but the one that asks for it."""

    permission_required = ()

    def post(self, request: HttpRequest) -> HttpResponse:
        number = end_others(request.user, request.session.session_key)
        text = ngettext(
            "%(number)s other session ended.", "%(number)s other sessions ended.", number
        )
        messages.success(request, text % {"number": number})
        return self.redirect("your-sign-in")


class _ShowsCodes:
    """A page that shows the recovery codes of its person."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().get(request, *args, **kwargs)  # type: ignore[misc]
        if response.status_code == 200:
            record(request.user, actor=request.user, action="recovery_codes.read")
        return response


class CodesView(_ShowsCodes, code_views.ViewRecoveryCodesView):  # type: ignore[misc]
    """The recovery codes on a page."""


class CodesFileView(_ShowsCodes, code_views.DownloadRecoveryCodesView):  # type: ignore[misc]
    """The recovery codes as a file."""


class AppView(totp_views.ActivateTOTPView):  # type: ignore[misc]
    """Sets up an authenticator app: a drawing to scan, the same as text, and its first code."""

    template_name = "people/signin/app.html"
    form_class = AppForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        secret = context["form"].secret
        return context | {
            "title": _("Authenticator app"),
            "key": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            "drawing": mark_safe(context["totp_svg"]),  # noqa: S308 made by a library from no input
        }
