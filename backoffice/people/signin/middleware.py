"""The rules of a session, before any page: it ends in time, its person has the second factor that
their role needs, and proves again who they are before what is dangerous.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from connections.api.problems import problem_response
from connections.client_ip import address_of
from connections.views.inline_add import LARGEST, entries_to_keep
from connections.views.typed import keep_typed, page_of_form

from . import factors, proof, providers
from .sessions import ENDS_BECAUSE, UNKNOWN, has_ended, is_due, note_use

OPEN = frozenset(  # names of addresses that whoever lacks a second factor may use
    [
        *(
            "your-sign-in",
            "mfa_index",
            "mfa_list_webauthn",
            "mfa_activate_totp",
            "mfa_add_webauthn",
        ),
        *("mfa_view_recovery_codes", "mfa_download_recovery_codes", "account_reauthenticate"),
        *("mfa_reauthenticate", "mfa_reauthenticate_webauthn", "sign-out", "account_logout"),
        *("password-change", "password-changed", "confirm-by-provider", "openid_connect_login"),
        *("openid_connect_callback",),
    ]
)
ADMIN_OF_PEOPLE = "/admin/auth/"


class SessionRulesMiddleware:
    """Stands behind Django's authentication and before the rule that every page asks to sign in."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """The answer in place of the page's, None where nothing is in its way."""
        is_api = hasattr(view, "cls")
        # what is open to all answers without the database, or in its own words
        is_open = not getattr(view, "login_required", True) and not is_api
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or is_open:
            return None
        if not request.user.is_authenticated:
            return None
        is_old = has_ended(request.session)
        if is_old or providers.is_over(request.session):
            setattr(request, ENDS_BECAUSE, "its time" if is_old else "its provider")
            logout(request)
            return None
        if is_due(request.session):
            _note_use(request)
        name = request.resolver_match.url_name if request.resolver_match else ""
        if settings.SIGN_IN_SECOND_FACTOR and name not in OPEN and _lacks_factor(request):
            return _set_up_first(request, is_api)
        if _is_dangerous(request, view) and not proof.is_fresh(request):
            return _confirm_first(request, is_api)
        return None


def _note_use(request: HttpRequest) -> None:
    agent = request.headers.get("User-Agent", "")[:200]
    try:
        with transaction.atomic():
            note_use(request.session, request.user, address_of(request.META) or UNKNOWN, agent)
    except DatabaseError:  # a full disk is no reason to show nothing
        request.session.modified = False


def _lacks_factor(request: HttpRequest) -> bool:
    return factors.lacks(request.user) and providers.asks_factor(request.session)


def _is_dangerous(request: HttpRequest, view: Any) -> bool:
    if request.method == "POST" and request.path.startswith(ADMIN_OF_PEOPLE):
        return True
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None)
    asks = getattr(owner, "is_dangerous", None)
    return bool(asks and asks(request))


def _set_up_first(request: HttpRequest, is_api: bool) -> HttpResponse:
    text = _("Your role needs a second factor. Set one up, then go on.")
    if is_api:
        return problem_response(request, 403, text, "second_factor_needed")
    messages.warning(request, text)
    return _sent_to(request, reverse("your-sign-in"))


def _confirm_first(request: HttpRequest, is_api: bool) -> HttpResponse:
    """Leads to the page that asks for a proof, and from there back to the form, with what was
    typed. Nothing that is a secret is kept.
    """
    if is_api:
        text = _("Sign in again, or confirm that it is you under Your sign-in, then repeat this.")
        return problem_response(request, 403, text, "confirmation_needed")
    page = page_of_form(request)
    if request.method == "POST":
        entries = entries_to_keep(request.POST)
        pairs = [(name, value) for name, values in entries.items() for value in values]
        if sum(len(name) + len(value) for name, value in pairs) <= LARGEST:
            page = keep_typed(request, page, pairs)
        messages.info(request, _("Nothing was done yet. Confirm that it is you, then repeat it."))
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': page})}"
    return _sent_to(request, address)


def _sent_to(request: HttpRequest, address: str) -> HttpResponse:
    is_htmx = bool(request.htmx)  # type: ignore[attr-defined]
    return HttpResponseClientRedirect(address) if is_htmx else redirect(address)
