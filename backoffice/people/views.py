"""Sign-in and one's own password."""

import json
from typing import Any

from django.contrib.auth import views as auth_views
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse_lazy

from connections.views.typed import entries_of, keep_typed


class SignInView(auth_views.LoginView):
    """Sign in. A person who is signed in already goes on to the next page."""

    template_name = "people/sign_in.html"
    redirect_authenticated_user = True
    extra_context = {"title": "Sign in"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(typed=self.request.POST.get("typed", ""), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Signs in; what was typed before the session had ended is kept for its form."""
        response = super().form_valid(form)
        try:
            posted = QueryDict(mutable=True)
            for name, value in json.loads(self.request.POST.get("typed", "[]")):
                posted.appendlist(str(name), str(value))
        except (ValueError, TypeError):
            return response
        page = response["Location"]
        return redirect(keep_typed(self.request, page, entries_of(posted, page)))


class AdminSignInView(SignInView):
    """The page to which the admin sends people who may not enter.

    A person who is signed in but is not staff gets a refusal: the sign-in page would only send them
    back here.
    """

    def get_success_url(self) -> str:
        if not getattr(self.request.user, "is_staff", False):
            raise PermissionDenied("The administration is for staff. Ask an administrator.")
        return super().get_success_url()


class PasswordChangeView(auth_views.PasswordChangeView):
    """Change one's own password."""

    template_name = "people/password_change.html"
    success_url = reverse_lazy("password-changed")
    extra_context = {"title": "Change password"}


class PasswordChangedView(auth_views.PasswordChangeDoneView):
    """The page that says that the password is changed."""

    template_name = "people/password_changed.html"
    extra_context = {"title": "Password changed"}
