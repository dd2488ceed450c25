"""Permissions of a person, read in one query instead of Django's two (own permissions, groups'
permissions).
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q

from connections.models import is_service_account


class OneQueryBackend(ModelBackend):
    """Django's backend; a person's permissions are remembered on the object for the length of a
    request, as Django does.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = self._permissions(user_obj)
        return set(user_obj._perm_cache)

    def _permissions(self, user: Any) -> set[str]:
        rows = (
            Permission.objects.all()
            if user.is_superuser
            else Permission.objects.filter(Q(user=user) | Q(group__user=user))
        )
        return {
            f"{label}.{name}"
            for label, name in rows.order_by().values_list("content_type__app_label", "codename")
        }

    def user_can_authenticate(self, user: Any) -> bool:
        """False for a service account, whatever its password and session say."""
        return not is_service_account(user) and super().user_can_authenticate(user)
