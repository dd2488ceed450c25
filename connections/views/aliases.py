"""Pages that change an alias, and take a former one away."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from .. import services
from ..former_aliases import lately_used
from ..forms import AliasForm
from ..models import Connection, FormerAlias, Profile
from .base import Crumb, Page
from .connections import LIST as CONNECTIONS
from .connections import OneConnection
from .profiles import LIST as PROFILES
from .profiles import OneProfile


class AliasChangePage(Page):
    """The page on which a row gets another alias. A subclass says `row`."""

    template_name = "connections/alias.html"
    permission_required = "connections.change_alias"

    @property
    def row(self) -> Connection | Profile:
        """The connection or profile in the address; 404 if there is none."""
        raise NotImplementedError

    def get_title(self) -> str:
        return _("Change the alias of %(name)s") % {"name": self.row.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(AliasForm(self.row))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form, old = AliasForm(self.row, request.POST), self.row.alias
        if not form.is_valid():
            return self.show(form)
        alias, version = form.cleaned_data["alias"], form.cleaned_data["version"]
        try:
            saved = services.change_alias(
                self.row, alias, actor=request.user, expected_version=version
            )
        except services.Invalid as refused:
            form.add_refusal(refused)
            return self.show(form)
        except services.Stale as stale:
            form.add_stale(stale)
            return self.show(form)
        if saved.changed:
            text = _(
                "%(name)s has the alias %(alias)s now. %(former)s goes on answering until somebody "
                "takes it away."
            )
            said = {"name": saved.row.name, "alias": saved.row.alias, "former": old}
            messages.success(request, text % said)
        return self.redirect(saved.row)

    def show(self, form: AliasForm) -> HttpResponse:
        """The page with this form."""
        return self.render_to_response(self.get_context_data(form=form, row=self.row))


class ConnectionAliasView(AliasChangePage, OneConnection):
    """Changes the alias of a connection."""

    @property
    def row(self) -> Connection:
        return self.connection


class ProfileAliasView(AliasChangePage, OneProfile):
    """Changes the alias of a profile."""

    section = "profiles"

    @property
    def row(self) -> Profile:
        return self.profile


class FormerAliasRemoveView(Page):
    """Says who asked by a former alias lately, asks, and takes it away."""

    template_name = "connections/former_alias_remove.html"
    permission_required = "connections.change_alias"

    @property
    def former(self) -> FormerAlias:
        """The former alias in the address; 404 if there is none."""
        if not hasattr(self, "_former"):
            seen = Q(connection__in=Connection.objects.all()) | Q(profile__in=Profile.objects.all())
            rows = FormerAlias.objects.filter(seen).select_related("connection", "profile")
            rows = rows.defer("connection__credentials")
            self._former = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._former

    def get_title(self) -> str:
        return _("Take %(alias)s away") % {"alias": self.former.alias}

    def get_breadcrumbs(self) -> list[Crumb]:
        row = self.former.row
        above = CONNECTIONS if self.former.connection else PROFILES
        return [above, (row.name, row.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.section = "connections" if self.former.connection else "profiles"  # type: ignore[misc]
        return super().get_context_data(former=self.former, row=self.former.row, **kwargs)

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(uses=lately_used(self.former)))

    def post(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:  # noqa: ARG002
        row = self.former.row
        services.remove_former_alias(self.former, actor=request.user)
        said = {"alias": self.former.alias, "name": row.name}
        messages.success(request, _("%(alias)s finds %(name)s no longer.") % said)
        return self.redirect(row)
