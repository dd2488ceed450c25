"""The pages about one token, or several: what it may do, renew it, end it."""

from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import services
from ..consequences import requests_with
from ..lookup import parse_id
from ..models import ApiToken, by_name
from ..token_list import listed_tokens
from .base import Crumb, Page, tell_done


class OneToken(Page):
    """A page about one token."""

    section = "tokens"
    permission_required = "connections.view_apitoken"

    @property
    def token(self) -> ApiToken:
        """The token in the address; 404 if there is none."""
        if not hasattr(self, "_token"):
            rows = ApiToken.objects.select_related("user", "renews", "team")
            self._token = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._token

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("Tokens"), reverse("token-list"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        profiles = self.token.profiles.order_by(*by_name())
        may_renew = services.may_make_tokens(self.request.user, self.token.user, self.token.team)
        known = {"token": self.token, "profiles": profiles, "may_renew": may_renew}
        return super().get_context_data(**known, **kwargs)


class TokenDetailView(OneToken):
    """What a token may do, who made it, and what it was used for."""

    template_name = "connections/tokens/detail.html"

    def get_title(self) -> str:
        return self.token.name

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())


class TokenRevokeView(OneToken):
    """Says what ending a token hits, asks, and ends it."""

    template_name = "connections/tokens/revoke.html"

    def get_title(self) -> str:
        return _("Revoke %(name)s") % {"name": self.token.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [*super().get_breadcrumbs(), (self.token.name, self.token.get_absolute_url())]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = self.get_context_data(requests=requests_with(self.token.pk))
        return self.render_to_response(context)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        step = services.revoke_token(self.token, actor=request.user)
        tell_done(request, _("%(name)s is revoked.") % {"name": self.token}, step)
        return self.redirect("token-list")


class TokenBulkRevokeView(Page):
    """Says what ending several tokens hits, asks, and ends them once that is `agreed`."""

    template_name = "connections/tokens/revoke_several.html"
    section = "tokens"
    permission_required = "connections.view_apitoken"

    def get_title(self) -> str:
        number = len(self._tokens())
        text = ngettext("Revoke %(number)s token", "Revoke %(number)s tokens", number)
        return text % {"number": number}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("Tokens"), reverse("token-list"))]

    def _tokens(self) -> list[ApiToken]:
        """Those that are ticked, or all that match, if they are not revoked yet."""
        if not hasattr(self, "_found"):
            given = self.request.POST
            if given.get("all") == "match" and "agreed" not in given:
                rows = listed_tokens(dict(parse_qsl(given.get("match", "").replace("\x00", ""))))
            else:
                keys = [*filter(None, map(parse_id, given.getlist("ids")))]
                rows = list(ApiToken.objects.select_related("user").filter(pk__in=keys))
            self._found = [one for one in rows if one.revoked_at is None]
        return self._found

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self._tokens():
            messages.error(request, _("Tick tokens first that are not revoked yet."))
            return self.redirect("token-list")
        if "agreed" not in request.POST:
            used = sum(requests_with(one.pk) for one in self._tokens())
            context = self.get_context_data(tokens=self._tokens(), requests=used)
            return self.render_to_response(context)
        number, step = services.revoke_tokens(self._tokens(), actor=request.user)
        text = ngettext("%(number)s token revoked.", "%(number)s tokens revoked.", number)
        tell_done(request, text % {"number": number}, step)
        return self.redirect("token-list")
