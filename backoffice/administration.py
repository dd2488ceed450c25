"""The first page of the administration: what each part of it holds, and what needs attention."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from connections import selectors
from connections.models import (
    ApiToken,
    ConnectionType,
    HostApproval,
    ServiceAccount,
    works_now,
)
from connections.schedule import services as schedule
from connections.services import default_profiles
from connections.views.base import Page
from gateway.notices import services as notices

from .people import services as people


@dataclass(frozen=True)
class Area:
    """A part of the administration. `holds`: what is in it; `needs`: what to attend to, a sentence
    each. `address` is the name of its page.
    """

    name: str
    page: str
    holds: str
    needs: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The address of its page."""
        return reverse(self.page)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 person`, `2 people`: a number with its word."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def areas(user: User) -> list[Area]:
    """The parts of the administration that this person may see."""
    parts = (
        ("auth.view_user", _people),
        ("auth.view_group", _roles),
        ("connections.view_serviceaccount", _service_accounts),
        ("connections.view_apitoken", _tokens),
        ("connections.view_defaultprofile", _defaults),
        ("connections.add_connectiontype", _sources),
        ("connections.view_connectiontype", _types),
        ("connections.add_connectiontype", _schedule),
    )
    found = [area for right, part in parts if user.has_perm(right) for area in part()]
    if user.has_perm("gateway.view_noticetarget"):
        found += _notices(user)
    if user.is_staff:
        found.append(Area("Django's administration", "admin:index", "users and groups in detail"))
    return found


def _people() -> Iterator[Area]:
    rows = User.objects.filter(is_active=True, service_account=None)
    number, without = rows.count(), rows.filter(groups=None, is_superuser=False).count()
    needs = [f"{counted(without, 'person has', 'people have')} no role."] if without else []
    if people.administrators().count() == 1:
        needs.append("There is one administrator only. Nobody can help if they are away.")
    yield Area(
        "People",
        "person-list",
        f"{counted(number, 'active person', 'active people')}",
        tuple(needs),
    )


def _roles() -> Iterator[Area]:
    yield Area("Roles", "role-list", ", ".join(role.name for role in people.roles()))


def _service_accounts() -> Iterator[Area]:
    number = ServiceAccount.objects.filter(user__is_active=True).count()
    held = counted(number, "active service account")
    yield Area("Service accounts", "service-account-list", held)


def _tokens() -> Iterator[Area]:
    works = ApiToken.objects.filter(works_now())
    ending = works.filter(expires_at__lt=timezone.now() + timedelta(days=14)).count()
    needs = (f"{counted(ending, 'token ends', 'tokens end')} within 14 days.",) if ending else ()
    yield Area("Tokens", "token-list", f"{counted(works.count(), 'working token')}", needs)


def _defaults() -> Iterator[Area]:
    chosen = default_profiles()
    names = [f"{kind}: {row.name if row else 'none'}" for kind, row in chosen.items()]
    yield Area("Default profiles", "defaults", ", ".join(names))


def _sources() -> Iterator[Area]:
    away = selectors.store_outages()
    needs = tuple(f"{one.name} does not answer." for one in away)
    yield Area("Sources of references", "source-list", "where references are looked up", needs)
    waiting = HostApproval.objects.filter(state=HostApproval.State.REQUESTED).count()
    needs = (f"{counted(waiting, 'host waits', 'hosts wait')} for approval.",) if waiting else ()
    yield Area("Hosts", "host-list", "where referenced secrets may go", needs)


def _types() -> Iterator[Area]:
    number = ConnectionType.objects.count()
    yield Area("Connection types", "type-list", f"{number} installed, beside those that come along")


def _schedule() -> Iterator[Area]:
    yield Area("Schedule", "schedule", "checks and jobs that run by themselves", schedule.overdue())


def _notices(user: User) -> Iterator[Area]:
    rows = list(notices.targets(actor=user))
    needs = tuple(f"{one.name} fails." for one in rows if one.is_active and one.failing_since)
    yield Area("Targets of notices", "notice-target-list", counted(len(rows), "target"), needs)


class AdministrationView(Page):
    """The first page of the administration."""

    template_name = "administration.html"
    title = "Administration"
    section = "administration"
    permission_required = "auth.view_user"

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = areas(request.user)  # type: ignore[arg-type]
        return self.render_to_response(self.get_context_data(areas=shown))
