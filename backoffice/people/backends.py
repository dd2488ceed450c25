"""The one place that compares passwords; and a person's permissions, read in one query instead of
Django's two (own permissions, groups' permissions).
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from connections.models import is_service_account
from connections.standing import rights_anywhere, rights_of_token, rights_on, standing_of

from . import hashing

NO_HASH = "!"  # as Django marks a password that cannot be used


class OneQueryBackend(ModelBackend):
    """Django's backend; a person's permissions are remembered on the object for the length of a
    request, as Django does.
    """

    @sensitive_variables("password", "encoded")
    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002
        username: str | None = None,
        password: str | None = None,
        **_kwargs: Any,
    ) -> User | None:
        """The active person with this name and password. For a name that nobody has it takes as
        long. Raises Busy.
        """
        if username is None or password is None:
            return None
        user = User.objects.filter(username=username).first()
        is_right, is_old = hashing.verify(password, user.password if user else NO_HASH)
        if user is None or not is_right or not self.user_can_authenticate(user):
            return None
        if is_old:
            renewed = hashing.encode(password)
            User.objects.filter(pk=user.pk, password=user.password).update(password=renewed)
            user.password = renewed
        return user

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, with their `preferences`, which every page asks for."""
        person = User.objects.select_related("preferences").filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Without an object what a person may do at all, by their groups or in one of their teams;
        with one what they may do with it, each less what their token leaves out
        (connections/standing.py).
        """
        standing = standing_of(user_obj)
        rights = rights_anywhere(standing) if obj is None else rights_on(standing, obj)
        return set(rights_of_token(getattr(user_obj, "token", None), rights))

    def user_can_authenticate(self, user: Any) -> bool:
        """False for a service account, whatever its password and session say."""
        return not is_service_account(user) and super().user_can_authenticate(user)
