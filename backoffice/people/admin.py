"""Users in the admin: nobody but a superuser can make one, or hand out permissions they lack."""

from functools import partial
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from connections.row_versions import keep_version

from .access import roles_change
from .admin_events import RecordedAdmin
from .role_versions import KIND

admin.site.unregister([User, Group])
# what allauth registers: second factors and sessions have pages of ours, e-mail addresses no use
admin.site.unregister([Authenticator, UserSession, EmailAddress])
admin.site.unregister([SocialAccount, SocialApp, SocialToken])  # links have pages, the rest no use


@admin.register(User)
class SafeUserAdmin(RecordedAdmin, UserAdmin):  # type: ignore[type-arg]
    """Django's page for users, less what would let an administrator become a superuser."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if _is_superuser(request) else (*fields, "is_superuser", "user_permissions")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with roles_change(form.instance.pk):
            super().save_related(request, form, formsets, change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        do = partial(super().user_change_password, request, id, form_url)
        return self.acting(request, "password.update", id, do)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or not obj.is_superuser or _is_superuser(request)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or not obj.is_superuser or _is_superuser(request)
        )


@admin.register(Group)
class SafeGroupAdmin(RecordedAdmin, GroupAdmin):
    """Django's page for groups.

    What a group may do is a superuser's to change: an administrator is in one.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if _is_superuser(request) else (*fields, "permissions")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            keep_version(KIND, obj.pk, None)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        keep_version(KIND, form.instance.pk, request.user)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
