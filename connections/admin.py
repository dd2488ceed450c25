"""Django's admin of connections and profiles: the Active column may be changed, through the
services; all else is read-only.
"""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import selectors, services
from .consequences import switching_off
from .lookup import parse_id
from .models import Connection, Profile


class ActiveOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list with an editable Active column. Adding, editing and deleting have their own pages."""

    list_editable = ("is_active",)
    search_fields = ("name", "alias")
    list_filter: ClassVar[Any] = ("is_active",)
    list_per_page = 50
    shown: tuple[str, ...] = ()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; a save of it switches what was ticked otherwise, as one act. Leads to the page
        that asks where switching off hits somebody.
        """
        if request.method != "POST" or "_save" not in request.POST:
            return super().changelist_view(request, extra_context)
        services.require(request.user, f"connections.toggle_{self.opts.model_name}")
        wanted = self._ticked(request)
        if asks := self.asks_before(request, [row for row, is_active in wanted if not is_active]):
            wanted = [one for one in wanted if one[1]]
        if wanted:
            saved = [one for one in services.switch(wanted, actor=request.user) if one.changed]
            for one in saved:
                self.log_change(request, one.row, [{"changed": {"fields": ["Active"]}}])
            names = ", ".join(one.row.name for one in saved[:5])
            text = _("%(number)s switched: %(names)s.") % {"number": len(saved), "names": names}
            step = saved[0].step if saved else None
            messages.success(request, text, extra_tags=str(step.key) if step else "")
        return redirect(asks or request.get_full_path())

    def save_model(self, *_arguments: Any) -> None:
        """Saves nothing: a row's own page is read-only, and the list is saved by the services."""

    def asks_before(self, _request: HttpRequest, _rows: list[Any]) -> str:
        """The address of the page that asks before these are switched off, empty to do so at
        once.
        """
        return ""

    def _ticked(self, request: HttpRequest) -> list[tuple[Any, bool]]:
        """The rows of the posted list whose Active differs from what is stored, with that."""
        posted = request.POST
        numbers = [one.split("-")[1] for one in posted if one.endswith("-id")]
        ticks = {
            parse_id(posted[f"form-{one}-id"]): f"form-{one}-is_active" in posted
            for one in numbers
            if f"form-{one}-id" in posted
        }
        rows = self.get_queryset(request).filter(pk__in=[pk for pk in ticks if pk])
        return [(row, ticks[row.pk]) for row in rows if row.is_active != ticks[row.pk]]

    def get_fields(self, _request: HttpRequest, _obj: Any = None) -> Any:
        return self.shown

    def get_readonly_fields(self, _request: HttpRequest, _obj: Any = None) -> Any:
        return self.shown

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = f"connections.toggle_{self.opts.model_name}"
        return services.may(request.user, right, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = f"connections.view_{self.opts.model_name}"
        return self.has_change_permission(request, obj) or services.may(request.user, right, obj)


@admin.register(Connection)
class ConnectionAdmin(ActiveOnlyAdmin):
    """Connections.

    Credentials are neither loaded nor shown; literal settings are on the connection's own page.
    """

    list_display = ("name", "alias", "provider_id", "is_active", "version", "date_modified")
    list_filter = ("is_active", "provider_id")
    shown = (
        "id",
        "alias",
        "team",
        "provider_id",
        *Connection.editable_columns,
        "version",
        "date_created",
        "created_by",
        "date_modified",
        "modified_by",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        return super().get_queryset(request).defer("credentials")

    def asks_before(self, request: HttpRequest, rows: list[Connection]) -> str:
        if not rows or not switching_off(rows).hurts:
            return ""
        query = {"ids": [row.pk for row in rows], "next": request.get_full_path()}
        return f"{reverse('connection-switch-off')}?{urlencode(query, doseq=True)}"


@admin.register(Profile)
class ProfileAdmin(ActiveOnlyAdmin):
    """Profiles."""

    list_display = (
        "name",
        "alias",
        "capability",
        "model",
        "connection",
        "is_active",
        "version",
        "date_modified",
    )
    list_filter = ("is_active", "capability")
    list_select_related = ("connection",)
    shown = (
        "id",
        "alias",
        "team",
        "capability",
        "connection",
        *Profile.editable_columns,
        "settings",
        "chain",
        "version",
        "date_created",
        "created_by",
        "date_modified",
        "modified_by",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Profile]:
        return super().get_queryset(request).defer("connection__credentials")

    @admin.display(description=gettext_lazy("fallbacks"))
    def chain(self, profile: Profile) -> str:
        """The fallbacks in their order; the column itself would be shown by name."""
        return ", ".join(one.alias for one in selectors.fallback_chain(profile))
