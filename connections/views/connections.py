"""Pages of connections: list, provider cards, form, detail, delete; and the actions on them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from providers.core.base import Provider
from providers.core.registry import UnknownProvider, all_providers, get_provider

from .. import listing, selectors, services
from ..forms import ConnectionForm
from ..models import Connection
from .base import Crumb, Page, as_the_original, is_fresh_copy, tell_check
from .inline_add import AddsInPlace, Way, note_choice

PAGE_SIZE = 25
LIST: Crumb = ("Connections", "/connections/")


class ConnectionListView(Page):
    """Connections, filtered, sorted, a page at a time."""

    template_name, fragment_name = (
        "connections/connection_list.html",
        "connections/_connection_rows.html",
    )
    title = "Connections"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = {
            name: request.GET.get(name, "") for name in ("q", "provider", "status", "health", "tag")
        }
        sort = request.GET.get("sort", "name")
        rows = listing.connections(filters, sort).select_related("last_check", "modified_by")
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "page": page,
            "filters": filters,
            "sort": sort,
            "providers": all_providers(),
            "is_filtered": any(filters.values()),
        }
        return self.render_to_response(self.get_context_data(**context))


class ProviderListView(AddsInPlace):
    """The first step of adding a connection: which provider."""

    template_name, fragment_name = (
        "connections/provider_list.html",
        "connections/_provider_cards.html",
    )
    title = "Add a connection"
    permission_required = "connections.add_connection"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def get_template_names(self) -> list[str]:
        begins_dialog = self.way().is_dialog and "q" not in self.request.GET
        return (
            ["connections/_provider_dialog.html"] if begins_dialog else super().get_template_names()
        )

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted, way = request.GET.get("q", "").strip(), self.way()
        categories: dict[str, list[type[Provider[Any]]]] = {}
        for provider in filter(way.fits, all_providers()):
            if _is_found(provider, wanted):
                categories.setdefault(provider.category, []).append(provider)
        ordered = dict(
            sorted(
                categories.items(), key=lambda one: (one[0] != Provider.category, one[0].lower())
            )
        )
        return self.render_to_response(self.get_context_data(categories=ordered, q=wanted, way=way))


def _is_found(provider: type[Provider[Any]], wanted: str) -> bool:
    """Whether every word is in what the provider's card says, or in its id."""
    manifest = getattr(provider, "manifest", None)
    said = [
        provider.id,
        provider.name,
        provider.category,
        provider.description,
        *map(str, provider.capabilities),
    ]
    said += [variant.label for variant in manifest.variants] if manifest else []
    return all(word in " ".join(said).lower() for word in wanted.lower().split())


class OneConnection(Page):
    """A page about one saved connection."""

    @property
    def connection(self) -> Connection:
        """The connection in the address; 404 if there is none."""
        if not hasattr(self, "_connection"):
            rows = Connection.objects.select_related("last_check", "created_by", "modified_by")
            self._connection = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._connection

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.connection.name, self.connection.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(connection=self.connection, **kwargs)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ConnectionFormPage(Page):
    """What adding and editing share: Save, Test, Test and save."""

    template_name, fragment_name = (
        "connections/connection_form.html",
        "connections/_connection_form.html",
    )

    def provider(self) -> type[Provider[Any]]:
        """Whose settings the form asks for."""
        raise NotImplementedError

    def row(self) -> Connection | None:
        """The saved connection, None while adding."""
        return None

    def save(self, form: ConnectionForm) -> services.Saved:
        """Through the door."""
        raise NotImplementedError

    def form(self, **kwargs: Any) -> ConnectionForm:
        """The form, bound when given `data`."""
        return ConnectionForm(
            self.provider(),
            self.request.user,
            self.row(),
            auto_id=f"{self.way().prefix}id_%s",
            **kwargs,
        )

    def way(self) -> Way:
        """Where the person came from."""
        return Way()

    def show(self, form: ConnectionForm, **context: Any) -> HttpResponse:
        """The form, as page or fragment."""
        shown = {
            "form": form,
            "provider": self.provider(),
            "row": self.row(),
            "way": self.way(),
            **context,
        }
        return self.render_to_response(
            self.get_context_data(is_copy=is_fresh_copy(self.request, self.row()), **shown)
        )

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.show(self.form(initial=as_the_original(request, self.row())))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.form(data=request.POST)
        if "add-row" in request.POST:
            return self._with_a_row(form, request.POST["add-row"])
        action = request.POST.get("action", "save")
        if not form.is_valid():
            return self.show(form)
        try:
            return (
                self._test(form)
                if action == "test"
                else self._save(form, test=action == "test-and-save")
            )
        except services.Invalid as refused:
            form.add_refusal(refused)
        except services.Stale as stale:
            form.add_stale(stale)
        except services.Throttled as throttled:
            form.add_error(None, str(throttled))
        return self.show(form)

    def _with_a_row(self, form: ConnectionForm, name: str) -> HttpResponse:
        """The form as it was filled in, judged by nobody, with one more row in a map."""
        longer = self.form(initial=form.typed())
        longer.add_row(name)
        return self.show(longer)

    def _test(self, form: ConnectionForm) -> HttpResponse:
        outcome = services.test_settings(
            self.provider().id, form.settings(), actor=self.request.user, connection=self.row()
        )
        return self.show(form, outcome=outcome)

    def _save(self, form: ConnectionForm, test: bool) -> HttpResponse:
        if test:
            services.require(
                self.request.user, "connections.test_connection"
            )  # before anything is saved
        saved = self.save(form)
        messages.success(
            self.request,
            f"{saved.row.name} is saved."
            if saved.changed
            else f"Nothing was changed in {saved.row.name}.",
        )
        self.tell(saved.notices)
        if test:
            self._test_saved(saved.row)
        return self.done(saved.row)

    def done(self, row: Connection) -> HttpResponse:
        """Where a save leads."""
        return self.redirect(row)

    def _test_saved(self, row: Connection) -> None:
        """The row is saved, whatever the test says, also that there were too many tests."""
        try:
            tell_check(self.request, services.test_connection(row, actor=self.request.user))
        except services.Throttled as throttled:
            messages.error(self.request, str(throttled))


class ConnectionCreateView(AddsInPlace, ConnectionFormPage):
    """Adds a connection of the provider in the address."""

    permission_required = "connections.add_connection"

    def provider(self) -> type[Provider[Any]]:
        try:
            return get_provider(self.kwargs["provider_id"])
        except UnknownProvider as error:
            raise Http404(str(error)) from error

    def get_title(self) -> str:
        return f"Add {self.provider().name}"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, ("Add a connection", reverse("provider-list") + self.way().query)]

    def done(self, row: Connection) -> HttpResponse:
        way = self.way()
        if way.is_dialog:
            return render(self.request, "connections/_added_here.html", {"row": row})
        note_choice(self.request, way, row.alias)
        return self.redirect(way.back or row)

    def save(self, form: ConnectionForm) -> services.Saved:
        return services.create_connection(
            self.provider().id, actor=self.request.user, settings=form.settings(), **form.columns()
        )


class ConnectionUpdateView(ConnectionFormPage, OneConnection):
    """Edits a saved connection."""

    permission_required = "connections.change_connection"

    def provider(self) -> type[Provider[Any]]:
        provider = self.connection.provider
        if provider is None:
            raise Http404(
                f"The provider {self.connection.provider_id} is not installed, so this connection "
                "cannot be edited."
            )
        return provider

    def row(self) -> Connection:
        return self.connection

    def get_title(self) -> str:
        return f"Edit {self.connection.name}"

    def save(self, form: ConnectionForm) -> services.Saved:
        version = form.cleaned_data["version"]
        return services.update_connection(
            self.connection,
            actor=self.request.user,
            expected_version=version,
            settings=form.settings(),
            **form.columns(),
        )


class ConnectionDetailView(OneConnection):
    """Everything about one connection but its secrets."""

    template_name, fragment_name = (
        "connections/connection_detail.html",
        "connections/_connection_detail.html",
    )
    permission_required = "connections.view_connection"

    def get_title(self) -> str:
        return self.connection.name

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**detail_context(self.connection)))


def detail_context(connection: Connection) -> dict[str, Any]:
    """What the detail page shows of a connection."""
    return {
        "settings_shown": selectors.shown_settings(
            connection, services.public_settings(connection)
        ),
        "references": services.reference_states(connection),
        "checks": list(connection.checks.select_related("checked_by")[:20]),
        "profiles": list(connection.profiles.all()[:50]),
        "versions": services.versions(connection),
    }


class ConnectionToggleView(OneConnection):
    """Switches a connection on or off: to `is_active` if the form says so, else to the other
    side.
    """

    permission_required = "connections.toggle_connection"
    fragment_name = "connections/_connection_row.html"

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        wanted = request.POST.get("is_active")
        is_active = not self.connection.is_active if wanted is None else wanted == "true"
        row = services.set_active(self.connection, is_active, actor=request.user).row
        if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
            self._connection = (
                Connection.objects.listed()
                .select_related("last_check", "modified_by")
                .get(pk=row.pk)
            )
            return self.render_to_response(self.get_context_data())
        messages.success(request, f"{row.name} is {'active' if row.is_active else 'inactive'}.")
        return self.back(row)


class ConnectionTestView(OneConnection):
    """Tests a saved connection."""

    permission_required = "connections.test_connection"
    fragment_name = "connections/_connection_row.html"

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        check = services.test_connection(self.connection, actor=request.user)
        if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
            return self.render_to_response(self.get_context_data(check=check))
        tell_check(request, check)
        return self.back(self.connection)
