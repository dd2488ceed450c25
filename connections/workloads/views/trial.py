"""The page on which a token is tried."""

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from .. import services
from ..forms import TrialForm
from .base import VIEW, IssuerPage


class TokenTrialView(IssuerPage):
    """Says which rule takes a token, or why none does, claim by claim. Stores nothing of it."""

    template_name = "connections/workloads/trial.html"
    title = gettext_lazy("Try a token")
    permission_required = VIEW

    @staticmethod
    def is_dangerous(_request: HttpRequest) -> bool:
        return False

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=TrialForm()))

    @method_decorator(sensitive_post_parameters("token"))
    def post(self, request: HttpRequest) -> HttpResponse:
        form = TrialForm(request.POST)
        judged = None
        if form.is_valid():
            judged = services.try_token(form.cleaned_data["token"], actor=request.user)
        shown = TrialForm() if judged else form
        return self.render_to_response(self.get_context_data(form=shown, judged=judged))
