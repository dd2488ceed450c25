"""The first page of the administration: what each part of it holds, and what needs attention."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connections import selectors
from connections.approval_list import approvals_seen
from connections.models import (
    ApiToken,
    ConnectionType,
    HostApproval,
    ServiceAccount,
    Team,
    TrustedIssuer,
    works_now,
)
from connections.offers import seen_types
from connections.schedule import services as schedule
from connections.services import default_profiles
from connections.standing import MANAGES
from connections.views.base import Page
from gateway.notices import services as notices

from .people import services as people

NO_RIGHTS = Q(groups=None, is_superuser=False, memberships=None)


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


def areas(user: User) -> list[Area]:
    """The parts of the administration that this person may see."""
    parts = (
        ("auth.view_user", _people),
        ("auth.view_group", _roles),
        (MANAGES, _teams),
        ("connections.view_serviceaccount", _service_accounts),
        ("connections.view_apitoken", _tokens),
        ("connections.view_trustedissuer", _issuers),
        ("connections.view_defaultprofile", _defaults),
        ("connections.add_connectiontype", _sources),
        ("connections.view_connectiontype", _types),
        ("connections.add_connectiontype", _schedule),
    )
    found = [area for right, part in parts if user.has_perm(right) for area in part()]
    if user.has_perm("gateway.view_noticetarget"):
        found += _notices(user)
    if user.is_staff:
        holds = _("users and groups in detail")
        found.append(Area(_("Django's administration"), "admin:index", holds))
    return found


def _people() -> Iterator[Area]:
    rows = User.objects.filter(is_active=True, service_account=None)
    number, without = rows.count(), rows.filter(NO_RIGHTS).count()
    needs = []
    if without:
        lack = ngettext("%(n)s person has no role.", "%(n)s people have no role.", without)
        needs.append(lack % {"n": without})
    if people.administrators().count() == 1:
        needs.append(_("There is one administrator only. Nobody can help if they are away."))
    holds = ngettext("%(n)s active person", "%(n)s active people", number) % {"n": number}
    yield Area(_("People"), "person-list", holds, tuple(needs))


def _roles() -> Iterator[Area]:
    yield Area(_("Roles"), "role-list", ", ".join(_(role.name) for role in people.roles()))


def _teams() -> Iterator[Area]:
    number = Team.objects.count()
    holds = ngettext("%(n)s team", "%(n)s teams", number) % {"n": number}
    yield Area(_("Teams"), "team-list", holds if number else _("none: all share everything"))


def _service_accounts() -> Iterator[Area]:
    number = ServiceAccount.objects.filter(user__is_active=True).count()
    holds = ngettext("%(n)s active service account", "%(n)s active service accounts", number)
    yield Area(_("Service accounts"), "service-account-list", holds % {"n": number})


def _tokens() -> Iterator[Area]:
    works = ApiToken.objects.filter(works_now())
    ending = works.filter(expires_at__lt=timezone.now() + timedelta(days=14)).count()
    number, needs = works.count(), tuple[str, ...]()
    if ending:
        ends = ngettext(
            "%(n)s token ends within 14 days.", "%(n)s tokens end within 14 days.", ending
        )
        needs = (ends % {"n": ending},)
    holds = ngettext("%(n)s working token", "%(n)s working tokens", number) % {"n": number}
    yield Area(_("Tokens"), "token-list", holds, needs)


def _issuers() -> Iterator[Area]:
    rows = list(TrustedIssuer.objects.filter(is_active=True).order_by("name"))
    needs = tuple(
        _("The keys of %(name)s cannot be fetched.") % {"name": row.name}
        for row in rows
        if row.keys_error
    )
    holds = ngettext("%(n)s trusted issuer", "%(n)s trusted issuers", len(rows)) % {"n": len(rows)}
    yield Area(_("Trusted issuers"), "trusted-issuer-list", holds, needs)


def _defaults() -> Iterator[Area]:
    chosen = default_profiles()
    names = [f"{_(kind)}: {row.name if row else _('none')}" for kind, row in chosen.items()]
    yield Area(_("Default profiles"), "defaults", ", ".join(names))


def _sources() -> Iterator[Area]:
    away = selectors.store_outages()
    needs = tuple(_("%(name)s does not answer.") % {"name": one.name} for one in away)
    holds = _("where references are looked up")
    yield Area(_("Sources of references"), "source-list", holds, needs)
    waiting = approvals_seen(HostApproval.State.REQUESTED).count()
    waits = ngettext("%(n)s host waits for approval.", "%(n)s hosts wait for approval.", waiting)
    needs = (waits % {"n": waiting},) if waiting else ()
    yield Area(_("Hosts"), "host-list", _("where referenced secrets may go"), needs)


def _types() -> Iterator[Area]:
    number = seen_types(ConnectionType.objects.all()).count()
    holds = _("%(n)s installed, beside those that come along") % {"n": number}
    yield Area(_("Connection types"), "type-list", holds)


def _schedule() -> Iterator[Area]:
    holds = _("checks and jobs that run by themselves")
    yield Area(_("Schedule"), "schedule", holds, schedule.overdue())


def _notices(user: User) -> Iterator[Area]:
    rows = list(notices.targets(actor=user))
    failing = [one.name for one in rows if one.is_active and one.failing_since]
    needs = tuple(_("%(name)s fails.") % {"name": name} for name in failing)
    holds = ngettext("%(n)s target", "%(n)s targets", len(rows)) % {"n": len(rows)}
    yield Area(_("Targets of notices"), "notice-target-list", holds, needs)


class AdministrationView(Page):
    """The first page of the administration."""

    template_name = "administration.html"
    title = gettext_lazy("Administration")
    section = "administration"
    permission_required = "auth.view_user"

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = areas(request.user)  # type: ignore[arg-type]
        return self.render_to_response(self.get_context_data(areas=shown))
