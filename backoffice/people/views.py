"""Sign-in and one's own password."""

from django.contrib.auth import views as auth_views
from django.core.exceptions import PermissionDenied
from django.urls import reverse_lazy


class SignInView(auth_views.LoginView):
    """Sign in. A person who is signed in already goes on to the next page."""

    template_name = "people/sign_in.html"
    redirect_authenticated_user = True
    extra_context = {"title": "Sign in"}


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
