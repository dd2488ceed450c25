"""The page on which an administrator links a person to an identity provider, and takes links
away.
"""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from connections.services import Invalid

from .administration import PersonPage
from .forms import ExpectForm
from .models import ExpectedLink
from .oidc import services
from .signin.providers import accounts_of, configured


class PersonProvidersView(PersonPage):
    """The links of a person, and the form by which one is expected. Its POST notes that, or takes a
    link away.
    """

    template_name = "people/providers.html"

    def get_title(self) -> str:
        return _("Identity providers of %(person)s") % {"person": self.person}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(ExpectForm(initial={"email": self.person.email}))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        if "unlink" in request.POST:
            return self._unlink(request)
        form, person = ExpectForm(request.POST), self.person
        text = _("Whoever comes next with this address is %(person)s.") % {"person": person}
        if form.is_valid() and self.done(
            lambda: services.expect(person, **form.cleaned_data, actor=request.user), form, text
        ):
            return self.redirect("person-providers", person.pk)
        return self.show(form)

    def _unlink(self, request: HttpRequest) -> HttpResponse:
        mine = SocialAccount.objects.filter(user_id=self.person.pk).select_related("user")
        number = self.posted("unlink")
        account = get_object_or_404(mine, pk=int(number) if number.isdecimal() else 0)
        try:
            services.unlink(account, actor=request.user)
        except Invalid as refused:
            messages.error(request, " ".join(error.message for error in refused.errors))
        else:
            messages.success(request, _("%(person)s is unlinked.") % {"person": self.person})
        return self.redirect("person-providers", self.person.pk)

    def show(self, form: ExpectForm) -> HttpResponse:
        """The page with its form."""
        known = configured()
        rows = ExpectedLink.objects.filter(user_id=self.person.pk, provider__in=known)
        expected = [(one.email, known[one.provider].label) for one in rows.order_by("pk")]
        context = {"form": form, "links": accounts_of(self.person), "expected": expected}
        return self.render_to_response(self.get_context_data(**context))
