"""Pages of connection types: list, install with a preview of the form, one type, remove."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from providers.core.base import Provider

from ... import services as core
from ...views.base import Crumb, Page
from ...views.typed import with_typed
from .. import services
from ..forms import PreviewForm, TypeForm, TypeTeamForm

TYPES: Crumb = (gettext_lazy("Connection types"), "/types/")


class TypePage(Page):
    """A page about connection types."""

    permission_required = "connections.view_connectiontype"
    section = "types"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(gettext_lazy("Connections"), "/connections/"), TYPES]

    def form_of(self, provider: type[Provider[Any]], number: int = 0) -> PreviewForm:
        """The form that a connection of this type will have, to look at."""
        return PreviewForm(provider, self.request.user, number)


class TypeListView(TypePage):
    """Every type that is described by a document, and its connections."""

    template_name = "connections/types/list.html"
    title = gettext_lazy("Connection types")

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(gettext_lazy("Connections"), "/connections/")]

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(types=services.connection_types()))


class TypeInstallView(TypePage):
    """Takes a document, previews its types, and installs them."""

    template_name = "connections/types/install.html"
    title = gettext_lazy("Install a connection type")
    permission_required = "connections.add_connectiontype"
    shows_typed = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(with_typed(TypeForm(), request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TypeForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.show(form)
        text = form.cleaned_data["text"]
        try:
            return (
                self._install(text)
                if request.POST.get("action") == "install"
                else self._preview(text)
            )
        except core.Invalid as refused:
            return self.show(TypeForm(initial={"document": text}), problems=refused.errors)

    def show(self, form: TypeForm, **context: Any) -> HttpResponse:
        """The page."""
        return self.render_to_response(self.get_context_data(form=form, **context))

    def _preview(self, text: str) -> HttpResponse:
        previews = services.preview_types(text, actor=self.request.user)
        shown = [
            {
                "preview": one,
                "form": self.form_of(one.provider, number),
                "hosts": services.hosts_of(one.manifest),
            }
            for number, one in enumerate(previews)
        ]
        context = {
            "previews": shown,
            "text": text,
            "is_refused": any(one.refusals for one in previews),
            "is_same": all(one.is_same for one in previews),
            "team_form": self._team_form(),
        }
        return self.show(TypeForm(initial={"document": text}), **context)

    def _team_form(self) -> TypeTeamForm | None:
        """The choice of a team, None where there is none."""
        teams = list(core.teams_of(self.request.user))
        return TypeTeamForm(teams) if teams else None

    def _install(self, text: str) -> HttpResponse:
        chosen, user = self.posted("team"), self.request.user
        team = core.team_named(chosen, actor=user) if chosen else None
        installed = services.install_types(text, actor=user, team=team)
        for one in installed:
            self._tell(one)
            self.tell(one.notices)
        return (
            self.redirect("type-detail", installed[0].manifest.key)
            if len(installed) == 1
            else self.redirect("type-list")
        )

    def _tell(self, one: services.InstalledType) -> None:
        values = {"name": one.manifest.label, "version": one.manifest.version}
        if not one.changed:
            text = _("%(name)s: version %(version)s was installed already. Nothing was changed.")
            messages.info(self.request, text % values)
            return
        text = _("%(name)s: version %(version)s is installed.") % values
        if count := len(one.move.moved):
            moved = ngettext(
                "%(number)d connection brought up to it.",
                "%(number)d connections brought up to it.",
                count,
            )
            text = f"{text} {moved % {'number': count}}"
        messages.success(self.request, text)


class OneType(TypePage):
    """A page about one type."""

    @property
    def entry(self) -> services.TypeEntry:
        """The type in the address; 404 if there is none."""
        if not hasattr(self, "_entry"):
            self._entry = services.connection_type(self.kwargs["key"])
        return self._entry

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(type=self.entry, **kwargs)


class TypeDetailView(OneType):
    """A type's document, and the form it makes."""

    template_name = "connections/types/detail.html"

    def get_title(self) -> str:
        return self.entry.label

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context: dict[str, Any] = {}
        if self.entry.provider and self.entry.manifest:
            context = {
                "form": self.form_of(self.entry.provider),
                "hosts": services.hosts_of(self.entry.manifest),
            }
        return self.render_to_response(self.get_context_data(**context))


class TypeRemoveView(OneType):
    """Asks for confirmation, names the connections that use the type, and removes it."""

    template_name = "connections/types/confirm_remove.html"
    permission_required = "connections.delete_connectiontype"

    def get_title(self) -> str:
        return _("Remove %(label)s") % {"label": self.entry.label}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [
            *super().get_breadcrumbs(),
            (self.entry.label, reverse("type-detail", args=[self.entry.key])),
        ]

    def get(self, _request: HttpRequest, key: str) -> HttpResponse:
        return self.render_to_response(self.get_context_data(users=services.type_users(key)))

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        label = self.entry.label
        try:
            services.remove_type(key, actor=request.user)
        except (core.InUse, core.Invalid) as refused:
            text = (
                " ".join(one.message for one in refused.errors)
                if isinstance(refused, core.Invalid)
                else str(refused)
            )
            messages.error(request, text)
            return self.redirect("type-remove", key)
        messages.success(request, _("%(label)s is removed.") % {"label": label})
        return self.redirect("type-list")
