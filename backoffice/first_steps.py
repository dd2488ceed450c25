"""The first steps of a new installation, up to the first call of a program."""

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import gettext as _

from connections import services
from connections.models import ApiToken, Connection, ConnectionCheck, Profile
from gateway.models import UsageRecord
from providers.core.registry import get_provider

CALLED = "first-call"  # in the cache: there was one, and that stays true


class Step(NamedTuple):
    """One step. `right`: who may do it; `address`: where, empty as long as it cannot be done."""

    text: str
    is_done: bool
    right: str
    address: str


def first_steps(user: Any) -> list[Step]:
    """The steps in their order, without the addresses of what this person may not do; none once a
    program has called a profile.
    """
    return [
        one if user.has_perm(one.right) else one._replace(address="")
        for one in ([] if _is_called() else _steps())
    ]


def _steps() -> list[Step]:
    connection = Connection.objects.order_by("-date_created").only("pk", "alias").first()
    profile = Profile.objects.order_by("-date_created").only("pk").first()
    is_tested = ConnectionCheck.objects.filter(success=True).exists()
    has_token = ApiToken.objects.filter(revoked_at=None).exists()
    has_colleague = User.objects.filter(service_account=None).count() > 1
    itself = add_profile = ""
    if connection is not None:
        itself = connection.get_absolute_url()
        add_profile = reverse("profile-create", args=["chat"]) + f"?connection={connection.alias}"
    call = reverse("profile-call", args=[profile.pk]) if profile else ""
    account = _("Add a connection: an account with a service. Echo needs no key.")
    model = _("Add a profile: a model and its settings, under a name that code asks for.")
    program = _("Call the profile from your program: the code is there to copy.")
    colleague = _("Add a colleague.")
    rights = "connections."
    return [
        Step(account, bool(connection), f"{rights}add_connection", reverse("provider-list")),
        Step(_("Test it. Nothing is billed."), is_tested, f"{rights}test_connection", itself),
        Step(model, bool(profile), f"{rights}add_profile", add_profile),
        Step(_("Make a token for your program."), has_token, f"{rights}add_apitoken", call),
        Step(program, False, f"{rights}use_profile", call),
        Step(colleague, has_colleague, "auth.add_user", reverse("person-create")),
    ]


def start_with_echo(actor: Any) -> Profile:
    """A profile of Echo, which needs no account; made, with its connection, where there is none.

    Raises PermissionDenied.
    """
    found = Profile.objects.filter(connection__provider_id="echo", capability="Chat").first()
    if found is not None:
        return found
    row = Connection.objects.filter(provider_id="echo").first()
    if row is None:
        row = services.create_connection("echo", actor=actor, name="Echo").row
    model = get_provider("echo").model_examples[0]
    made = services.create_profile(row, actor=actor, capability="Chat", name="Echo", model=model)
    profile: Profile = made.row
    return profile


def _is_called() -> bool:
    if not cache.get(CALLED):
        if not UsageRecord.objects.filter(endpoint="v1", outcome="ok").exists():
            return False
        cache.set(CALLED, True, None)
    return True
