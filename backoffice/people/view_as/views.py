"""Begins and ends that an administrator sees pages as another person."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from connections.client_ip import address_of
from connections.views.base import Page

from .. import services as people
from . import services
from .middleware import KEY


class ViewAsView(Page):
    """Begins it, for who proved lately who they are."""

    http_method_names = ["post"]
    permission_required = people.ADMINISTERS

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(people.people(), pk=pk)
        address = address_of(request.META) or ""
        row = services.begin(person, actor=request.user, address=address)
        request.session[KEY] = str(row.pk)
        rotate_token(request)  # forms of this person's pages are not those of the other's
        return self.redirect("dashboard")


class ViewAsEndView(Page):
    """Ends it."""

    http_method_names = ["post"]
    permission_required = ()

    def post(self, request: HttpRequest) -> HttpResponse:
        row = services.end(request.session.pop(KEY, None), actor=request.user)
        rotate_token(request)
        messages.info(request, _("You see pages as yourself again."))
        if row is None or row.person_id is None:
            return self.redirect("dashboard")
        return self.redirect("person-detail", row.person_id)
