"""What django-allauth asks us when somebody comes by a provider: which there are, how their answers
are judged, and who is let in.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthError, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections.credentials import fernet

from ...identity_providers import IdentityProvider
from ..signin.attempts import attempt_by_provider
from ..signin.providers import OF_PROVIDER, configured
from . import grants, services, staying
from .claims import Identity, identity_of
from .discovery import endpoints
from .id_tokens import SKEW, Unacceptable, nonce_of, read_id_token
from .services import Refused
from .wire import GrantRefused, ProviderAway

LOGIN, CONNECT, CONFIRM = "login", "connect", "confirm"  # why somebody is sent to a provider
VISIT = "provider_visit"  # in a session, between the provider's answer and the end of the sign-in


class OurClient(OAuth2Client):  # type: ignore[misc]
    """Sends a nonce along."""

    def get_redirect_url(self, authorization_url: str, scope: Any, extra_params: Any) -> str:
        params = {
            "client_id": self.consumer_key,
            "redirect_uri": self.callback_url,
            "scope": " ".join(scope),
            "response_type": "code",
            "state": self.state,
            "nonce": nonce_of(str(self.state)),
            **extra_params,
        }
        sign = "&" if "?" in authorization_url else "?"
        return f"{authorization_url}{sign}{urlencode(params)}"


class OurOAuth2Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The exchange of a code, and the judgement of what comes back."""

    client_class = OurClient
    access_token_url, basic_auth = "", False  # grants.py knows them

    @property
    def ours(self) -> IdentityProvider:
        """The provider of the address."""
        return configured()[self.provider_id]

    @property
    def authorize_url(self) -> str:
        return endpoints(self.ours).authorization

    @sensitive_variables()
    def get_access_token_data(
        self, request: Any, _app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        with _told_to_allauth():
            issuer = request.GET.get("iss", self.ours.issuer)
            if issuer != self.ours.issuer:  # RFC 9207
                raise Unacceptable("an answer of another issuer")
            code, verifier = request.GET["code"], pkce_code_verifier or ""
            return grants.redeem(self.ours, code, verifier, client.callback_url)

    def parse_token(self, data: Any) -> SocialToken:  # noqa: ARG002 tokens are kept by us alone
        return SocialToken()

    @sensitive_variables()
    def complete_login(self, request: Any, _app: Any, _token: Any, **kwargs: Any) -> SocialLogin:
        answer = kwargs["response"]
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        with _told_to_allauth():
            if not isinstance(id_token, str):
                raise Unacceptable("no id token")
            claims = read_id_token(self.ours, id_token, nonce_of(request.GET["state"]))
            if isinstance(access_token, str):
                claims = grants.with_user_info(self.ours, claims, access_token)
            identity = identity_of(self.ours, claims)
            if identity is None:
                raise Unacceptable("a subject that cannot be used")
        request.visit = Visit(self.ours, identity, claims.get("auth_time"), answer)
        account = services.account_of(self.ours, identity.subject)
        shown = services.shown_of(identity)
        made = SocialAccount(provider=self.provider_id, uid=identity.subject, extra_data=shown)
        return SocialLogin(
            provider=self.get_provider(), account=made, user=None if account else User()
        )


class Visit:
    """What a provider answered about somebody who comes now."""

    def __init__(
        self, provider: IdentityProvider, identity: Identity, auth_time: Any, answer: Any
    ) -> None:
        self.provider, self.identity, self.auth_time = provider, identity, auth_time
        given = {"refresh": answer.get("refresh_token"), "id": answer.get("id_token")}
        self.kept = {name: text for name, text in given.items() if isinstance(text, str) and text}

    def __repr__(self) -> str:
        return f"<visit by {self.provider.key}>"


@contextmanager
def _told_to_allauth() -> Iterator[None]:
    """Turns what is raised in its block into what allauth takes for a failed sign-in."""
    try:
        yield
    except (ProviderAway, GrantRefused, Unacceptable) as error:
        raise ProviderException from error


class OurProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """A provider of the settings, as allauth wants it."""

    oauth2_adapter_class = OurOAuth2Adapter
    pkce_enabled_default = True

    def serialize(self) -> dict[str, Any]:
        return {"id": self.sub_id}


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Who is let in by which provider."""

    def list_apps(
        self, _request: Any, provider: str | None = None, **_more: Any
    ) -> list[SocialApp]:
        """The providers of the settings, and none of the database. Their secrets stay there."""
        return [
            SocialApp(
                provider=OurProvider.id,
                provider_id=one.key,
                name=one.label,
                client_id=one.client_id,
                settings={"oauth_pkce_enabled": True},
            )
            for one in configured().values()
            if provider in (None, one.key, OurProvider.id)
        ]

    def pre_social_login(self, request: Any, sociallogin: SocialLogin) -> None:
        """Lets somebody in, links an account or takes a fresh proof, as the state of the visit
        says.
        """
        visit: Visit = request.visit
        sociallogin.token = None
        process = sociallogin.state.get("process")
        try:
            if process == CONNECT:
                response = _link(request, visit)
            elif process == CONFIRM:
                response = _confirm(request, visit, sociallogin.state)
            else:
                _let_in(request, visit, sociallogin)
                return
        except Refused as refused:
            name = visit.identity.email or visit.identity.name or visit.identity.subject
            attempt = attempt_by_provider(request, name, visit.provider.label)
            if process == CONFIRM or refused.code == "signed_out":
                attempt.refuse(f"refused, {refused.code}", refused.code)
            else:  # the services have recorded it
                attempt.log(f"refused, {refused.code}", logging.WARNING)
            messages.error(request, str(refused))
            response = _way_back(process)
        raise ImmediateHttpResponse(response)

    def on_authentication_error(
        self,
        request: Any,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        """Says why nobody came in, in a sentence for people and a line of the log."""
        ours = configured()[provider.sub_id]
        state = (extra_context or {}).get("state")
        cause = getattr(exception, "__cause__", None)
        level, line = logging.WARNING, f"failed, {cause or exception or 'unknown state'}"
        if error == AuthError.CANCELLED:
            level, line = logging.INFO, "given up at the provider"
            said = _("You did not sign in at %(provider)s.")
        elif isinstance(cause, ProviderAway):
            said = _("%(provider)s does not answer. Try again later, or sign in another way.")
        elif state is None:
            said = _("This sign-in was used already, or took too long. Begin again.")
        else:
            said = _("The answer of %(provider)s was not accepted. Begin again.")
        attempt = attempt_by_provider(request, "", ours.label)
        if error == AuthError.CANCELLED:
            attempt.log(line, level)
        else:
            attempt.refuse(line, "provider", level)
        messages.error(request, said % {"provider": ours.label})
        raise ImmediateHttpResponse(_way_back((state or {}).get("process")))


def _way_back(process: Any) -> HttpResponse:
    return redirect("your-sign-in" if process in (CONNECT, CONFIRM) else "sign-in")


@sensitive_variables()
def _let_in(request: Any, visit: Visit, sociallogin: SocialLogin) -> None:
    account = services.welcome(visit.provider, visit.identity)
    if request.user.is_authenticated:
        get_account_adapter(request).logout(request)
    sociallogin.account, sociallogin.user = account, account.user
    kept = fernet().encrypt(json.dumps(visit.kept).encode()).decode()
    sid = visit.identity.session
    request.session[VISIT] = {"account": account.pk, "sid": sid, "kept": kept}
    request.came_by = visit.provider


def _link(request: Any, visit: Visit) -> HttpResponse:
    if not request.user.is_authenticated:
        raise Refused("signed_out", _("Your session has ended. Sign in, then link it again."))
    services.link(request.user, visit.provider, visit.identity)
    attempt = attempt_by_provider(request, request.user.get_username(), visit.provider.label)
    attempt.log("linked")
    text = _("%(provider)s is linked: you may sign in by it.")
    messages.success(request, text % {"provider": visit.provider.label})
    return redirect("your-sign-in")


def _confirm(request: Any, visit: Visit, state: Any) -> HttpResponse:
    """Takes it as a fresh proof that the provider asked this person again just now."""
    account = services.account_of(visit.provider, visit.identity.subject)
    if not request.user.is_authenticated or account is None or account.user != request.user:
        raise Refused("not_confirmed", _("That was somebody else. Nothing is confirmed."))
    began = (state.get("data") or {}).get("began", time.time())
    if not isinstance(visit.auth_time, int | float) or visit.auth_time < began - SKEW:
        text = _("%(provider)s did not ask you again. Sign out, then sign in again.")
        raise Refused("not_confirmed", text % {"provider": visit.provider.label})
    record_authentication(request, request.user, "socialaccount", reauthenticated=True)
    return redirect(resolve_url(state.get("next") or "dashboard"))


@sensitive_variables()
def note_visit(request: Any, user: Any, sociallogin: Any = None, **_kwargs: Any) -> None:
    """Keeps what belongs to a sign-in by a provider, now that it is complete."""
    visit = request.session.pop(VISIT, None)
    if visit is None or sociallogin is None:
        return
    account = SocialAccount.objects.filter(pk=visit["account"], user_id=user.pk).first()
    if account is not None:
        kept = json.loads(fernet().decrypt(visit["kept"]))
        key = request.session.session_key
        request.session[OF_PROVIDER] = staying.begin(account, key, visit["sid"], kept)
