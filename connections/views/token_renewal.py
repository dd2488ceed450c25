"""The page that renews a token: another one with the same rights, shown once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..forms.tokens import LifeField
from .base import Crumb
from .once import SENT_AGAIN, is_sent_again, new_mark, remember_sent
from .tokens import OneToken


class RenewalForm(forms.Form):
    """What the services do not know by themselves: when either token ends."""

    overlap_hours = forms.IntegerField(
        label=gettext_lazy("The old one ends in"),
        initial=24,
        help_text=gettext_lazy("Hours, in which both work. 0: at once."),
    )
    expires_in_days = LifeField()


class TokenRenewView(OneToken):
    """Says what a renewal does, asks when the old token ends, and shows the new one."""

    template_name = "connections/tokens/renew.html"
    permission_required = "connections.add_apitoken"

    def get_title(self) -> str:
        return _("Renew %(name)s") % {"name": self.token.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [*super().get_breadcrumbs(), (self.token.name, self.token.get_absolute_url())]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(RenewalForm())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = RenewalForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        if is_sent_again(request):
            messages.warning(request, SENT_AGAIN)
            return self.redirect("token-list")
        try:
            row, text = services.renew_token(self.token, actor=request.user, **form.cleaned_data)
        except services.Invalid as refused:
            for error in refused.errors:
                field = error.field if error.field in form.fields else None
                form.add_error(field, forms.ValidationError(error.message, error.code))
            return self.show(form)
        remember_sent(request)
        self.token.refresh_from_db()
        return self.show(form, created=row, text=text)

    def show(self, form: RenewalForm, **context: Any) -> HttpResponse:
        """The page."""
        context |= {"form": form, "once": new_mark()}
        return self.render_to_response(self.get_context_data(**context))
