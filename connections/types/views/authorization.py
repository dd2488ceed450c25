"""The pages on which a person allows a connection at its service: on the way there, and on the way
back.
"""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.core.errors import ProviderError

from ... import services as core
from ...models import Connection
from ...views.base import Page, Text
from ...views.connections import OneConnection
from .. import services

NOTHING_OPEN = gettext_lazy(
    "Nothing was stored: no request of yours waits for this answer. It is more than 10 minutes "
    "old, was answered already, or was made in another browser or by somebody else. Open the "
    "connection and press Allow access."
)
SIGNED_OUT = gettext_lazy(
    "Nothing was stored: you are not signed in any more. Sign in. Open the connection and press "
    "Allow access."
)
MAY_NOT = gettext_lazy(
    "Nothing was stored: you may not change connections. Ask an administrator to add you to the "
    "group Operators."
)
GONE = gettext_lazy("Nothing was stored: somebody deleted the connection meanwhile.")
CHANGED = gettext_lazy(
    "Nothing was stored: %(who)s changed the connection meanwhile. Press Allow access again."
)
REFUSED = (core.Invalid, core.Unusable, core.Stale, ProviderError)


class AllowView(OneConnection):
    """Begins with a POST; then tells where the person goes, with a link there.

    A redirect from the form to the service would not do: `form-action` of our policy forbids it.
    """

    template_name = "connections/types/allow.html"
    permission_required = "connections.change_connection"

    def get_title(self) -> str:
        return _("Allow %(name)s") % {"name": self.connection.name}

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        found = services.open_question(request.session, self.connection, actor=request.user)
        if found is None:
            messages.info(request, _("Press Allow access first. A request lives for 10 minutes."))
            return self.redirect(self.connection)
        context = {
            "address": found.asked.address,
            "host": urlsplit(found.asked.address).netloc,
            "redirect_uri": found.asked.attempt.redirect_uri,
        }
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        try:
            asked = services.ask_authorization(
                self.connection, redirect_uri_of(request), actor=request.user
            )
        except REFUSED as refused:
            messages.error(request, _told(refused))
            return self.redirect(self.connection)
        services.keep_question(request.session, self.connection, asked, actor=request.user)
        return self.redirect("connection-allow", self.connection.pk)


# Signing in would carry the code along in an address, for nothing: what was asked ended with the
# session.
@method_decorator(login_not_required, name="dispatch")
class AllowedView(Page):
    """The redirect URI of every connection. It answers with a redirect whatever comes, so that no
    page has the code in its address.
    """

    permission_required = "connections.change_connection"
    http_method_names = ["get"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.answer = _taken_out(request)
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def handle_no_permission(self) -> Any:
        if self.request.user.is_authenticated:
            messages.error(self.request, MAY_NOT)
            return self.redirect("dashboard")
        messages.error(self.request, SIGNED_OUT)
        return redirect_to_login(reverse("connection-list"))

    def get(self, request: HttpRequest) -> HttpResponse:
        state = QueryDict(self.answer).get("state", "")
        found = services.take_question(request.session, str(state), actor=request.user)
        if found is None:
            return self._refuse(NOTHING_OPEN)
        request.session.save()  # before the network is asked: nobody else may take it meanwhile
        row = Connection.objects.filter(pk=found.connection_id).first()
        return self._refuse(GONE) if row is None else self._finish(row, found)

    def _finish(self, row: Connection, found: services.OpenQuestion) -> HttpResponse:
        attempt = found.asked.attempt
        answer = f"{attempt.redirect_uri}?{self.answer}"
        try:
            saved = services.finish_authorization(
                row, attempt, answer, actor=self.request.user, expected_version=found.version
            )
        except Connection.DoesNotExist:
            return self._refuse(GONE)
        except REFUSED as refused:
            return self._refuse(_told(refused), row)
        text = _("%(name)s is allowed. Its refresh token is stored, encrypted.") % {
            "name": row.name
        }
        messages.success(self.request, text)
        self.tell(saved.notices)
        return self.redirect(row)

    def _refuse(self, text: Text, to: Any = "connection-list") -> HttpResponse:
        messages.error(self.request, str(text))
        return self.redirect(to)


def redirect_uri_of(request: HttpRequest) -> str:
    """The redirect URI of this server, as the browser reaches it."""
    return request.build_absolute_uri(reverse("connection-allowed"))


def _taken_out(request: HttpRequest) -> str:
    """The query of a request, which has none any more: who logs or reports it finds no code."""
    query: str = request.META.get("QUERY_STRING", "")
    hidden = {name: request.path for name in ("RAW_URI", "REQUEST_URI") if name in request.META}
    request.META |= {"QUERY_STRING": ""} | hidden
    request.GET = QueryDict()
    return query


def _told(refused: Exception) -> str:
    if isinstance(refused, core.Invalid):
        return " ".join(one.message for one in refused.errors)
    if isinstance(refused, core.Stale):
        return CHANGED % {"who": refused.current.modified_by or _("somebody")}
    return str(refused)
