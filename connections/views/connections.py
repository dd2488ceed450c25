"""Pages of connections: list, provider cards, form, detail, delete; and the actions on them."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from providers.core.base import Provider
from providers.core.registry import UnknownProvider

from .. import listing, services
from ..consequences import moved_addresses, switching_off
from ..forms import ConnectionForm
from ..health.services import LABELS
from ..list_columns import CONNECTION_COLUMNS
from ..list_rows import connection_lines, with_lines
from ..models import Connection, Team
from ..offers import offered_provider, offered_providers
from ..standing import perms_on
from ..suggestions import reference_names
from .base import Crumb, Page, as_the_original, is_fresh_copy, tell_check, tell_done
from .details import detail_context, team_context
from .inline_add import AddContext, ConnectionAddPage, note_choice
from .lists import TestedListPage, filter_words, labels_of
from .typed import typed_before

LIST: Crumb = (gettext_lazy("Connections"), "/connections/")


class ConnectionListView(TestedListPage):
    """Connections, filtered, sorted, a page at a time."""

    template_name = "connections/connection_list.html"
    fragment_name = "connections/_connection_rows.html"
    title = gettext_lazy("Connections")
    permission_required = "connections.view_connection"
    list_name = "connection"
    filters = labels_of("q", "provider", "status", "health", "tag", "team")
    columns = CONNECTION_COLUMNS

    def rows(self, filters: dict[str, str], sort: str) -> QuerySet[Connection]:
        return listing.connections(filters, sort)

    with_beside = staticmethod(with_lines)
    lines = staticmethod(connection_lines)

    @staticmethod
    def words(name: str, value: str) -> str:
        if name == "provider":
            return next((one.name for one in offered_providers() if one.id == value), value)
        return filter_words(name, value)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        choices = {"providers": offered_providers(), "states": LABELS.items()}
        return super().get_context_data(**choices, **kwargs)


class OneConnection(Page):
    """A page about one saved connection."""

    @property
    def connection(self) -> Connection:
        """The connection in the address; 404 if there is none."""
        if not hasattr(self, "_connection"):
            rows = Connection.objects.select_related("last_check", "created_by", "modified_by")
            self._connection = get_object_or_404(rows, pk=self.kwargs["pk"])
            self.require_on(self._connection)
        return self._connection

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.connection.name, self.connection.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "connection": self.connection,
            "perms": perms_on(self.request.user, self.connection),
        }
        return super().get_context_data(**context | kwargs)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ConnectionFormPage(Page):
    """The page with the form of a connection, which is new or saved: Save, Test, Test and save.

    A subclass says `provider`, `save_form`, and what else is different on its page.
    """

    template_name = "connections/connection_form.html"
    fragment_name = "connections/_connection_form.html"
    shows_typed = True
    add_context = AddContext()

    @property
    def row(self) -> Connection | None:
        """The saved connection, None while adding."""
        return None

    @property
    def provider(self) -> type[Provider[Any]]:
        """The provider whose settings the form asks for; 404 if it is not installed."""
        raise NotImplementedError

    def save_form(self, form: ConnectionForm) -> services.Saved:
        """Saves a valid form. Raises what the services raise: Invalid, Stale, Throttled."""
        raise NotImplementedError

    def team_of_new(self, _form: ConnectionForm) -> Team | None:
        """The team that a new connection is for; None for a saved one. Raises Invalid."""
        return None

    def leave(self, row: Connection) -> HttpResponse:
        """The answer to a save."""
        return self.redirect(row)

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        named = {} if self.row else {"name": self.provider.name}
        typed = typed_before(request)
        initial = self.form(data=typed).typed() if typed else as_the_original(request, self.row)
        return self.show(self.form(initial=named | initial))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = self.form(data=request.POST)
        if "add-row" in request.POST:
            # a new form with the same entries, so that none of them is judged yet
            longer = self.form(initial=form.typed())
            longer.add_row(request.POST["add-row"])
            return self.show(longer)
        if not form.is_valid():
            return self.show(form)
        action = request.POST.get("action", "save")
        if action != "test" and (context := self.asks_first(form)):
            return self.show(form, asked=action, **context)
        try:
            if action not in ("test", "test-and-save"):
                return self._saved(form)
            outcome = services.test_settings(
                self.provider.id,
                form.settings(),
                actor=request.user,
                connection=self.row,
                team=self.team_of_new(form),
            )
            if action == "test" or not outcome.success:
                return self.show(form, outcome=outcome, is_not_saved=action != "test")
            return self._saved(form, outcome)
        except services.Invalid as refused:
            form.add_refusal(refused)
        except services.Stale as stale:
            form.add_stale(stale)
        except services.Throttled as throttled:
            form.add_error(None, str(throttled))
        return self.show(form)

    def asks_first(self, _form: ConnectionForm) -> dict[str, Any]:
        """The context with which a valid form is shown again, to ask before it is saved; nothing to
        save it at once.
        """
        return {}

    def form(self, **kwargs: Any) -> ConnectionForm:
        """The form, bound when given `data`."""
        auto_id = f"{self.add_context.prefix}id_%s"
        return ConnectionForm(self.provider, self.request.user, self.row, auto_id=auto_id, **kwargs)

    def show(self, form: ConnectionForm, **context: Any) -> HttpResponse:
        """The form, as page or fragment."""
        shown = {
            "form": form,
            "provider": self.provider,
            "row": self.row,
            "is_copy": is_fresh_copy(self.request, self.row),
            "add_context": self.add_context,
            "references": reference_names(self.provider, self.row),
            **context,
        }
        return self.render_to_response(self.get_context_data(**shown))

    def _saved(
        self, form: ConnectionForm, outcome: services.CheckResult | None = None
    ) -> HttpResponse:
        """Saves, records the outcome of the test that the form passed, if any, and leaves the
        page.
        """
        saved = self.save_form(form)
        row = saved.row
        said = _("%(name)s is saved.") if saved.changed else _("Nothing was changed in %(name)s.")
        tell_done(self.request, said % {"name": row.name}, saved.step)
        self.tell(saved.notices)
        if outcome:
            check = services.record_check(row, outcome, actor=self.request.user)
            tell_check(self.request, check)
        return self.leave(row)


class ConnectionCreateView(ConnectionAddPage, ConnectionFormPage):
    """Adds a connection of the provider in the address."""

    permission_required = "connections.add_connection"

    @property
    def provider(self) -> type[Provider[Any]]:
        try:
            return offered_provider(self.kwargs["provider_id"])
        except UnknownProvider as error:
            raise Http404(str(error)) from error

    def get_title(self) -> str:
        return _("Add %(name)s") % {"name": self.provider.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (_("Add a connection"), reverse("provider-list") + self.add_context.query)]

    def save_form(self, form: ConnectionForm) -> services.Saved:
        return services.create_connection(
            self.provider.id,
            actor=self.request.user,
            settings=form.settings(),
            team=self.team_of_new(form),
            **form.columns(),
        )

    def team_of_new(self, form: ConnectionForm) -> Team | None:
        return services.team_for_new("connection", form.team(), actor=self.request.user)

    def leave(self, row: Connection) -> HttpResponse:
        if self.add_context.is_dialog:
            return render(self.request, "connections/_added_here.html", {"row": row})
        note_choice(self.request, self.add_context, row.alias)
        return self.redirect(self.add_context.back or row)


class ConnectionUpdateView(ConnectionFormPage, OneConnection):
    """Edits a saved connection."""

    permission_required = "connections.change_connection"

    @property
    def row(self) -> Connection:
        return self.connection

    @property
    def provider(self) -> type[Provider[Any]]:
        provider = self.connection.provider
        if provider is None:
            text = _(
                "The provider %(provider)s is not installed, so this connection cannot be edited."
            )
            raise Http404(text % {"provider": self.connection.provider_id})
        return provider

    def get_title(self) -> str:
        return _("Edit %(name)s") % {"name": self.connection.name}

    def asks_first(self, form: ConnectionForm) -> dict[str, Any]:
        moved = moved_addresses(self.connection, form.settings())
        agreed = self.request.POST.getlist("moved")  # to these addresses, on this page
        if not moved or agreed == [*moved.values()]:
            return {}
        hit = switching_off([self.connection])
        return {"hit": hit, "moved": moved} if hit.hurts else {}

    def save_form(self, form: ConnectionForm) -> services.Saved:
        return services.update_connection(
            self.connection,
            actor=self.request.user,
            expected_version=form.cleaned_data["version"],
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

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        shown = detail_context(self.connection) | team_context(self.connection, self.request.user)
        return self.render_to_response(self.get_context_data(**shown))
