"""The ways to a provider and back: signing in, linking, a fresh proof, signing out there."""

import logging
import time
from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from connections.audit.services import record, times_due
from connections.client_ip import address_of
from connections.models import Outcome
from connections.services import Invalid
from connections.views.base import Page

from ...identity_providers import IdentityProvider
from ..models import ProviderSession
from ..signin.attempts import attempt_by_provider
from ..signin.limits import is_first_use, of_address
from ..signin.providers import OF_PROVIDER, accounts_of, configured
from ..signin.views import keep_typed_of
from . import services, staying
from .adapters import CONFIRM, CONNECT, LOGIN, OurOAuth2Adapter
from .discovery import endpoints
from .id_tokens import Unacceptable, read_logout_token
from .wire import ProviderAway, place

LONGEST_HINT = 4000  # characters of an id token that is put into an address

ON_THE_WAY = 900  # seconds that the session of somebody lasts who does not come back

logger = logging.getLogger("backoffice.people.signin")


def provider_of(key: str) -> IdentityProvider:
    """The provider of this key; 404 if there is none."""
    found = configured().get(key)
    if found is None:
        raise Http404(_("There is no such provider."))
    return found


def sent_to(request: HttpRequest, label: str, address: str) -> HttpResponse:
    """A page that leads to a provider by itself, with a link for browsers that do not. A redirect
    would not do: in the answer to a form, `form-action 'self'` holds for it too.
    """
    address = iri_to_uri(address) or ""
    context = {"title": label, "label": label, "address": address}
    response = render(request, "people/oidc/continue.html", context)
    response["Refresh"] = f"0; url={address}"
    return response


@method_decorator(login_not_required, name="dispatch")
class BeginView(View):
    """Sends somebody to a provider: to sign in, or, signed in, to link it or to prove again who
    they are.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        ours = provider_of(provider_id)
        process = request.POST.get("process", LOGIN)
        process = process if process in (LOGIN, CONFIRM) else LOGIN
        page = Page(request=request).ours(request.POST.get("next", ""))
        if process == LOGIN:
            keep_typed_of(request, page)
        return begin(request, ours, process, page)


class LinkView(Page):
    """Sends a person to a provider, so that their account is linked to who they are there."""

    permission_required = ()

    @staticmethod
    def is_dangerous(_request: HttpRequest) -> bool:
        return True

    def post(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        return begin(request, provider_of(provider_id), CONNECT, "")


def begin(request: HttpRequest, ours: IdentityProvider, process: str, page: str) -> HttpResponse:
    """The page that leads to the provider; back, with a sentence, where it does not answer."""
    parameters = dict(ours.parameters)
    if process == CONFIRM:
        parameters |= {"prompt": "login", "max_age": "0"}
    try:
        with place():
            published = endpoints(ours).scopes
    except ProviderAway as trouble:
        attempt_by_provider(request, "", ours.label).refuse(f"failed, {trouble}", "provider")
        text = _("%(provider)s does not answer. Try again later, or sign in another way.")
        messages.error(request, text % {"provider": ours.label})
        return redirect("sign-in" if process == LOGIN else "your-sign-in")
    if not request.user.is_authenticated:
        request.session.set_expiry(ON_THE_WAY)  # else anybody fills the table for two weeks
    usual = ["profile", "email", *(["offline_access"] if "offline_access" in published else [])]
    provider = get_adapter(request).get_provider(request, ours.key)
    answer = provider.redirect(
        request,
        process,
        next_url=page or None,
        data={"began": time.time()},
        scope=list(dict.fromkeys(["openid", *(ours.scopes or usual)])),
        auth_params=parameters,
    )
    return sent_to(request, ours.label, answer["Location"])


@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The way back from a provider."""
    provider_of(provider_id)
    view = OAuth2CallbackView.adapter_view(OurOAuth2Adapter(request, provider_id))
    try:
        with place():
            answer: HttpResponse = view(request)
            return answer
    except ProviderAway:
        messages.error(request, _("Too many people sign in at this moment. Try again."))
        return redirect("sign-in")


class ConfirmView(Page):
    """The providers by which a person may prove again who they are."""

    template_name = "people/oidc/confirm.html"
    title = gettext_lazy("Confirm that it is you")
    permission_required = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        keys = {one.provider for one, _label in accounts_of(request.user)}
        linked = [one for key, one in configured().items() if key in keys]
        context = self.get_context_data(linked=linked, next=self.ours(request.GET.get("next", "")))
        return self.render_to_response(context)


class UnlinkView(Page):
    """Takes a link of one's own away: asks, then does it."""

    template_name = "people/oidc/unlink.html"
    permission_required = ()

    @staticmethod
    def is_dangerous(_request: HttpRequest) -> bool:
        return True

    def get_title(self) -> str:
        return _("Unlink %(provider)s") % {"provider": self.label}

    @property
    def account(self) -> SocialAccount:
        """The link in the address; 404 where it is not of this person."""
        mine = SocialAccount.objects.filter(user_id=self.request.user.pk)
        return get_object_or_404(mine.select_related("user"), pk=self.kwargs["pk"])

    @property
    def label(self) -> str:
        """The name of its provider."""
        found = configured().get(self.account.provider)
        return found.label if found else self.account.provider

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(label=self.label))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        label = self.label
        try:
            services.unlink(self.account, actor=request.user)
        except Invalid as refused:
            messages.error(request, " ".join(one.message for one in refused.errors))
        else:
            messages.success(request, _("%(provider)s is unlinked.") % {"provider": label})
        return self.redirect("your-sign-in")


@method_decorator(login_not_required, name="dispatch")
class SignOutView(View):
    """Ends the session, and the one at the provider by which it began."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        own = request.session.get(OF_PROVIDER)
        provider, id_token = staying.sign_out(own) if own else (None, "")
        logout(request)
        if provider is None or not provider.signs_out:
            return redirect("sign-in")
        try:
            with place():
                address = endpoints(provider).end_session
        except ProviderAway:
            text = _(
                "You are signed out here. %(provider)s does not answer: you may be signed in there."
            )
            messages.warning(request, text % {"provider": provider.label})
            return redirect("sign-in")
        if not address:
            return redirect("sign-in")
        back = request.build_absolute_uri(reverse("sign-in"))
        wanted = {"client_id": provider.client_id, "post_logout_redirect_uri": back}
        if 0 < len(id_token) <= LONGEST_HINT:
            wanted["id_token_hint"] = id_token
        sign = "&" if "?" in address else "?"
        return sent_to(request, provider.label, f"{address}{sign}{urlencode(wanted)}")


@method_decorator([csrf_exempt, login_not_required, sensitive_post_parameters()], name="dispatch")
class BackChannelView(View):
    """The word of a provider itself that a session, or all those of a person, are over: OpenID
    Connect Back-Channel Logout 1.0.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        provider = provider_of(provider_id)
        try:
            with place():
                claims = read_logout_token(provider, request.POST.get("logout_token", ""))
            if not is_first_use(f"logout {provider.key} {claims['jti']}"):
                raise Unacceptable("used already")
        except ProviderAway as trouble:
            return self._refused(request, provider, 503, str(trouble))
        except Unacceptable as fault:
            return self._refused(request, provider, 400, str(fault))
        rows = ProviderSession.objects.filter(account__provider=provider.key)
        if isinstance(claims.get("sub"), str):
            rows = rows.filter(account__uid=claims["sub"])
        if isinstance(claims.get("sid"), str):
            rows = rows.filter(sid=claims["sid"])
        number = staying.end(list(rows.select_related("account__user")))
        logger.info("Sign-in by %s: signed out there; sessions=%d", provider.label, number)
        return HttpResponse(status=200, headers={"Cache-Control": "no-store"})

    @staticmethod
    def _refused(
        request: HttpRequest, provider: IdentityProvider, status: int, why: str
    ) -> HttpResponse:
        logger.warning("Sign-in by %s: a logout was not taken, %s", provider.label, why)
        if times := times_due(
            "session.end", provider.key, of_address(address_of(request.META)).key
        ):
            record(
                actor=provider.label,
                action="session.end",
                detail={"times": times},
                outcome=Outcome.REFUSED,
                code="logout_token",
            )
        error = {"error": "invalid_request", "error_description": why}
        return JsonResponse(error, status=status, headers={"Cache-Control": "no-store"})
