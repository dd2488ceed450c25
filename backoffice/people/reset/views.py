"""The pages of a forgotten password, which are open to all, and of one's e-mail address."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from connections.client_ip import address_of
from connections.services import Invalid
from connections.views.base import Crumb, Page

from .. import services as people
from ..administration import ADMINISTRATION, PEOPLE
from ..forms import RefusableForm
from ..signin.adapters import waiting_text
from . import services
from .forms import AskForm, EmailForm, NewPasswordForm

IN_SESSION = "password_reset_token"
HIDDEN = "form"  # in the address in the place of the token, so that no referrer and no log has it


@method_decorator([login_not_required, never_cache], name="dispatch")
class AskView(View):
    """Asks who forgot their password. It answers alike, whoever is named."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _shown(request, form=AskForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AskForm(request.POST)
        if not services.is_offered() or not form.is_valid():
            return _shown(request, form=form)
        wait = services.ask_for_link(
            form.cleaned_data["name"], address_of(request.META), get_language() or "en"
        )
        if wait:
            form.add_error(None, waiting_text(wait))
            response = _shown(request, 429, form=form)
            response["Retry-After"] = str(wait)
            return response
        return _shown(request, is_sent=True)


def _shown(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"title": _("Reset your password"), "is_offered": services.is_offered()}
    return render(request, "people/reset/ask.html", context, status=status)


@method_decorator([login_not_required, never_cache], name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class ConfirmView(View):
    """Takes the new password of whoever came by a link. The link's token moves into the session at
    once.
    """

    def get(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:
        if token != HIDDEN:
            request.session[IN_SESSION] = token
            return redirect("password-reset-confirm", uid, HIDDEN)
        return self._shown(request, uid, NewPasswordForm())

    def post(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:  # noqa: ARG002
        held = str(request.session.get(IN_SESSION, ""))
        person, form = services.person_of_link(uid, held), NewPasswordForm(request.POST)
        if person is None or not form.is_valid():
            return self._shown(request, uid, form)
        try:
            is_set = services.reset_password(person, held, form.cleaned_data["password"])
        except Invalid as refused:
            form.add_refusal(refused)
            return self._shown(request, uid, form)
        if not is_set:
            return self._shown(request, uid, form)
        request.session.pop(IN_SESSION, None)
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("sign-in")

    @staticmethod
    def _shown(request: HttpRequest, uid: str, form: RefusableForm) -> HttpResponse:
        held = str(request.session.get(IN_SESSION, ""))
        context = {"title": _("Set a new password"), "form": form}
        context["is_good"] = services.person_of_link(uid, held) is not None
        return render(request, "people/reset/confirm.html", context)


class EmailPage(Page):
    """The e-mail address of a person."""

    template_name = "people/form.html"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"  # who has the address can have the password

    @property
    def person(self) -> Any:
        """Whose address it is."""
        return self.request.user

    @property
    def whence(self) -> str:
        """The page that leads here."""
        return reverse("your-sign-in")

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(EmailForm(initial={"email": self.person.email}))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = EmailForm(request.POST)
        if form.is_valid():
            try:
                email = form.cleaned_data["email"]
                services.set_email(self.person, email, actor=request.user)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                messages.success(request, _("The e-mail address is saved."))
                return self.redirect(self.whence)
        return self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        context = {"form": form, "act": _("Save"), "back": self.whence}
        return self.render_to_response(self.get_context_data(**context))


class YourEmailView(EmailPage):
    """One's own e-mail address."""

    title = gettext_lazy("Your e-mail address")
    section = "yours"
    permission_required = ()


class PersonEmailView(EmailPage):
    """The e-mail address of another person, for administrators."""

    section = "people"
    permission_required = people.ADMINISTERS

    @property
    def person(self) -> User:
        """The person in the address; 404 if there is none."""
        if not hasattr(self, "_person"):
            self._person = get_object_or_404(people.people(), pk=self.kwargs["pk"])
        return self._person

    @property
    def whence(self) -> str:
        """The person's page."""
        return reverse("person-detail", args=[self.person.pk])

    def get_title(self) -> str:
        return _("E-mail address of %(person)s") % {"person": self.person}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]
