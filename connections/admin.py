"""Django's admin of connections and profiles: the Active column may be changed, through the
services; all else is read-only.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from . import selectors, services
from .models import Connection, Profile


class ActiveOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list with an editable Active column. Adding, editing and deleting have their own pages."""

    list_editable = ("is_active",)
    search_fields = ("name", "alias")
    list_filter: ClassVar[Any] = ("is_active",)
    list_per_page = 50
    shown: tuple[str, ...] = ()

    def get_fields(self, _request: HttpRequest, _obj: Any = None) -> Any:
        return self.shown

    def get_readonly_fields(self, _request: HttpRequest, _obj: Any = None) -> Any:
        return self.shown

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"connections.toggle_{self.opts.model_name}"))


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

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: Any) -> None:  # noqa: ARG002
        services.set_active(obj, obj.is_active, actor=request.user)


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

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: Any) -> None:  # noqa: ARG002
        services.set_profile_active(obj, obj.is_active, actor=request.user)

    @admin.display(description="fallbacks")
    def chain(self, profile: Profile) -> str:
        """The fallbacks in their order; the column itself would be shown by name."""
        return ", ".join(one.alias for one in selectors.fallback_chain(profile))
