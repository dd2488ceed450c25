"""Pages of packages: export, upload, plan and result of an import."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from .. import display, listing, selectors
from .. import services as core
from ..client_ip import address_of
from ..forms import team_choices
from ..lookup import parse_id
from ..models import Connection, Profile, Task, by_name
from ..views.base import Crumb, Page
from ..views.inline_add import PicksConnections
from ..views.selecting import Pairs, SelectingPage
from . import services
from .forms import DONE, KINDS, PackageExportForm, PackagePlanForm, PackageUploadForm

MOST_SHOWN = 50
FILTERS = ("q", "provider", "status", "health", "tag")
GONE = gettext_lazy(
    "This package is not here any more: it waits for an hour, and the five newest of each person. "
    "Upload it again."
)
LIST: Crumb = (gettext_lazy("Connections"), "/connections/")
LOOK = services.Decisions(on_conflict="keep")  # what is here stays; nothing else is decided yet


@method_decorator(sensitive_post_parameters("passphrase", "again"), name="dispatch")
class PackageExportView(SelectingPage):
    """Shows the contents of a package before it is made; a POST downloads it.

    `of`: "profile" where profiles were chosen, which brings them and their connections.
    """

    template_name = "connections/packages/export.html"
    title = gettext_lazy("Export connections")
    permission_required = "connections.view_connection"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return bool(request.POST.get("passphrase"))

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.given.get("of") == "profile":
            self.model = Profile

    def get(self, request: HttpRequest) -> HttpResponse:
        with_profiles = "profiles" in request.GET or self.model is Profile
        return self.show(self.form(initial={"profiles": with_profiles}))

    @sensitive_variables("values", "arguments")
    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(data=request.POST)
        if not form.is_valid():
            return self.show(form)
        values = form.cleaned_data
        rows = form.chosen_part() or list(self.rows().defer(None).order_by("alias"))
        profiles: list[Profile] = []
        if values["profiles"]:
            found = self.chosen() if self.model is Profile else Profile.objects.all()
            profiles = list(found.filter(connection__in=rows).order_by("alias"))
        arguments = {
            "actor": request.user,
            "passphrase": values.get("passphrase", ""),
            "address": address_of(request.META),
        }
        told = core.TaskProgress(Task.Kind.EXPORT, self.task_id(), _cancelled, actor=request.user)
        try:
            content = services.export_package(rows, profiles, told=told, **arguments)
        except services.PackageError as refused:
            form.add_error(None, str(refused))
            return self.show(form)
        finally:
            told.end()
        name = f"switchboard-{timezone.now():%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type="application/zip", headers=headers)

    def task_id(self) -> UUID:
        """The id of the task that the page asks how far its export is."""
        return parse_id(self.given.get("task", "")) or uuid4()

    def form(self, **kwargs: Any) -> PackageExportForm:
        """The form, bound when given `data`."""
        may_seal = self.request.user.has_perm("connections.export_secrets")
        return PackageExportForm(services.parts_of(self.rows()), may_seal, **kwargs)

    def rows(self) -> QuerySet[Connection]:
        """The connections to export: those of what was chosen, else those that the list's filters
        find, without any every connection.
        """
        if self.is_selection:
            return core.connections_of(self.chosen())
        return listing.connections(self.filters())

    @property
    def is_selection(self) -> bool:
        """True if rows were chosen, one by one or all of a list."""
        return "ids" in self.given or "all" in self.given

    def filters(self) -> dict[str, str]:
        """The filters of the list."""
        return {name: self.given.get(name, "") for name in FILTERS}

    def hidden(self) -> Pairs:
        """What was chosen, as names and values of the form."""
        if self.is_selection:
            of = [("of", "profile")] if self.model is Profile else []
            return [*self.pairs(self.chosen().count()), *of]
        return [pair for pair in self.filters().items() if pair[1]]

    def show(self, form: PackageExportForm) -> HttpResponse:
        """The page."""
        rows = self.rows()
        shown = rows.order_by(*by_name()).prefetch_related("profiles")[:MOST_SHOWN]
        placeholders = [
            f"{row.alias}.{name}"
            for row in shown
            for name in selectors.stored_secrets(row, display.public_settings(row))
        ]
        count = rows.count()
        context = {
            "contents": shown,
            "placeholders": placeholders,
            "count": count,
            "more": max(0, count - MOST_SHOWN),
            "differs": self.selection.differs(self.chosen().count()) if self.is_selection else "",
            "hidden": self.hidden(),
            "pk": self.task_id(),
        }
        return self.render_to_response(self.get_context_data(form=form, **context))


def _cancelled(_written: int, _total: int) -> Exception:
    return services.PackageError("stopped", _("The export was cancelled. No file was made."))


class ImportPage(Page):
    """A page of an import."""

    permission_required = services.MAY_IMPORT
    title = gettext_lazy("Import a package")

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]


class PackageImportView(ImportPage):
    """Takes a package and leads to the plan for it.

    Nothing is written but the package itself, encrypted, for an hour.
    """

    template_name = "connections/packages/import.html"

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=PackageUploadForm()))

    @sensitive_variables("content")
    def post(self, request: HttpRequest) -> HttpResponse:
        form = PackageUploadForm(request.POST, request.FILES)
        if form.is_valid():
            content = form.cleaned_data["file"]
            try:
                services.plan_import(content, actor=request.user, decisions=LOOK)
                upload = services.keep_upload(content, form.file_name, actor=request.user)
                return self.redirect("package-plan", upload.pk)
            except (services.PackageError, ImproperlyConfigured) as refused:
                form.add_error("file", str(refused))
        return self.render_to_response(self.get_context_data(form=form))


@method_decorator(sensitive_post_parameters(), name="dispatch")
class PackagePlanView(ImportPage, PicksConnections):
    """The plan for an uploaded package: a choice for every item, what it would do, and the import
    itself.
    """

    template_name, fragment_name = (
        "connections/packages/plan.html",
        "connections/packages/_plan.html",
    )

    def get(self, _request: HttpRequest, pk: UUID) -> HttpResponse:
        # after a connection was added for this page: what was typed before, and that connection
        data = None
        if draft := self.draft():
            data = draft.posted()
            if draft.chosen:
                data[draft.picker] = draft.chosen
        return self._answer(pk, self.form(pk, data=data), apply=False)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        action = request.POST.get("action")
        if action == "drop":
            task = core.task_of(pk, actor=request.user)
            services.drop_upload(pk, actor=request.user)
            is_running = task is not None and task.ended_at is None
            messages.success(request, _dropped(task if is_running else None))
            return self.redirect("package-import")
        form = self.form(pk, data=request.POST)
        form.is_valid()
        return self._answer(pk, form, apply=action == "apply")

    def form(self, pk: UUID, **kwargs: Any) -> PackagePlanForm:
        """The form, bound when given `data`."""
        user = self.request.user
        return PackagePlanForm(
            f"package:{user.pk}:{pk}", team_choices("connection", user), **kwargs
        )

    @sensitive_variables("content", "arguments")
    def _answer(self, pk: UUID, form: PackagePlanForm, apply: bool) -> HttpResponse:
        user = self.request.user
        content = services.read_upload(pk, actor=user)
        if content is None:
            messages.error(self.request, GONE)
            return self.redirect("package-import")
        decided: Any = {"decisions": form.decisions(), "passphrase": form.passphrase_typed()}
        arguments: dict[str, Any] = {"actor": user, **decided}
        try:
            arguments["team"] = core.team_for_new("connection", form.team(), actor=user)
            plan = services.plan_import(content, **arguments)
            if apply and form.may_apply(plan):
                return self._applied(services.import_upload(pk, content, **arguments))
            return self._show(form, plan)
        except services.PackageConflict as refused:
            form.add_error(None, str(refused))
            return self._show(form, refused.plan)
        except (services.PackageError, core.Invalid) as refused:
            form.add_error(None, str(refused))
            arguments |= {"decisions": LOOK, "passphrase": ""}
            return self._show(form, services.plan_import(content, **arguments))

    def _show(self, form: PackagePlanForm, plan: services.Plan) -> HttpResponse:
        is_here = all(one.state == "identical" for one in plan.items)
        brings_types = any(one.kind == "type" for one in plan.items)
        lacking = {one.item_id for one in plan.placeholders}
        providers = {one.provider_id for one in plan.items if one.id in lacking}
        context = {
            "form": form,
            "plan": plan,
            "rows": form.rows(plan),
            "sources": selectors.connection_names(providers),
            "is_here": is_here,
            "brings_types": brings_types,
            "pk": self.kwargs["pk"],
        }
        return self.render_to_response(self.get_context_data(**context))

    def _applied(self, plan: services.Plan) -> HttpResponse:
        self.template_name = "connections/packages/result.html"
        return self.render_to_response(
            self.get_context_data(plan=plan, results=[_result(one) for one in plan.items])
        )


def _dropped(running: Task | None) -> str:
    if running is None:
        return _("The package is dropped. Nothing was imported.")
    return _(
        "The import stops: %(saved)s of %(total)s rows are imported, and those that are being "
        "saved. Import the package again for the rest."
    ) % {"saved": f"{running.done:,}", "total": f"{running.total:,}"}


CHANGING = ("create", "copy", "replace", "merge")


def _result(item: services.PlanItem) -> dict[str, Any]:
    """The row of an item on the page of results: the words for its kind and action, the address of
    its row, and the keys that it needs.
    """
    is_row = item.row_id and item.kind in ("connection", "profile")
    address = reverse(f"{item.kind}-detail", args=[item.row_id]) if is_row else ""
    needs = item.missing_secrets if item.action in CHANGING else ()
    return {
        "item": item,
        "kind": KINDS[item.kind],
        "done": DONE.get(item.action, item.action),
        "address": address,
        "needs": needs,
    }
