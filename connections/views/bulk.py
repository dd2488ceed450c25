"""Actions on all rows that were chosen in the list of connections or of profiles."""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from .. import services
from ..consequences import deleting, switching_off
from ..models import Connection, Profile
from .base import Crumb, tell_done
from .connections import LIST as CONNECTIONS
from .profiles import LIST as PROFILES
from .selecting import SelectingPage
from .switching import switch

NOTHING = {
    "connection": gettext_lazy("Tick the connections first."),
    "profile": gettext_lazy("Tick the profiles first."),
}
HITS: dict[str, Any] = {"connection": switching_off, "profile": deleting}
TAGGED = {
    "connection": ngettext_lazy(
        "Tags of %(shown)s connection changed.", "Tags of %(shown)s connections changed.", "number"
    ),
    "profile": ngettext_lazy(
        "Tags of %(shown)s profile changed.", "Tags of %(shown)s profiles changed.", "number"
    ),
}
MOST_SHOWN = 50
MOST_REFUSED = 5  # rows that a message names


class BulkPage(SelectingPage):
    """What the two lists share. `kind`: of the rows. `right`: that it takes."""

    kind = "connection"
    right: ClassVar[str] = "view"

    def get_permission_required(self) -> list[str]:
        return [f"connections.{self.right}_{self.kind}"]

    @property
    def list_name(self) -> str:
        """The name of the list's address."""
        return f"{self.kind}-list"

    def rows(self) -> list[Any]:
        """The rows that are chosen now."""
        if not hasattr(self, "_rows"):
            self._rows = list(self.chosen())
        return self._rows

    def tell_difference(self) -> None:
        """Says if another number is chosen than the person saw."""
        if said := self.selection.differs(len(self.rows())):
            messages.warning(self.request, said)

    def nothing(self) -> HttpResponse:
        """The answer where nothing is chosen."""
        messages.error(self.request, NOTHING[self.kind])
        return self.back(self.list_name)

    def counted(self, number: int) -> str:
        """`3 connections`."""
        one_or_more = (
            ngettext("%(number)s connection", "%(number)s connections", number)
            if self.model is Connection
            else ngettext("%(number)s profile", "%(number)s profiles", number)
        )
        return one_or_more % {"number": f"{number:,}"}


class BulkView(BulkPage):
    """Activates, deactivates or tests what is chosen, or leads on to the page that asks first."""

    fragment_name = "elements/tasks.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        action = request.POST.get("action", "")
        acts = {"activate": self._switch, "deactivate": self._switch, "test": self._test}
        acts |= {"export": self._export}
        if action in ASKING:
            page = ASKING[action](kind=self.kind, model=self.model)
            page.setup(request)
            services.require(request.user, *page.get_permission_required())
            if self.rows() and (action != "deactivate" or page.hit().hurts):
                return page.ask()
        if action not in acts and action not in ASKING:
            return self.back(self.list_name)
        return acts[action]() if self.rows() else self.nothing()

    def _switch(self) -> HttpResponse:
        switch(self.request, self.rows(), self.request.POST["action"] == "activate")
        self.tell_difference()
        return self.back(self.list_name)

    def _test(self) -> HttpResponse:
        rows = list(services.connections_of(self.chosen()))
        back = self.ours(self.posted("next")) or reverse(self.list_name)
        is_part = self.request.htmx  # type: ignore[attr-defined]
        try:
            task = services.begin_bulk_test(rows, actor=self.request.user, back=back)
        except services.Throttled as refused:
            if not is_part:
                raise
            messages.error(self.request, str(refused))  # a redirect would lose the ticks
        self.tell_difference()
        if is_part:
            return self.render_to_response(self.get_context_data(is_answer=True))
        return self.redirect("task", task.pk)

    def _export(self) -> HttpResponse:
        of = [("of", "profile")] if self.model is Profile else []
        return self.redirect(f"{reverse('package-export')}?{urlencode([*self.pairs(), *of])}")


class AskingPage(BulkPage):
    """Shows what an act would do to what is chosen, and does it when the form there is sent."""

    act_name: ClassVar[str]  # in the address
    asks: ClassVar[Promise]  # its title, with a place for the rows

    def get_title(self) -> str:
        return str(self.asks) % {"rows": self.counted(len(self.rows()))}

    def hit(self) -> Any:
        """The consequences, see consequences.py."""
        return HITS[self.kind](self.rows())

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return [CONNECTIONS if self.model is Connection else PROFILES]

    def ask(self, **context: Any) -> HttpResponse:
        """The page that asks."""
        number = len(self.rows())
        shown = {
            "kind": self.kind,
            "rows": self.rows()[:MOST_SHOWN],
            "number": number,
            "pairs": self.pairs(number),
            "differs": self.selection.differs(number),
            "back": self.ours(self.given.get("next", "")) or reverse(self.list_name),
            "action": reverse(f"{self.kind}-bulk-{self.act_name}"),
            "hit": context.pop("hit", None) or self.hit(),
        }
        return self.render_to_response(self.get_context_data(**shown, **context))

    def post(self, _request: HttpRequest) -> HttpResponse:
        if not self.rows():
            return self.nothing()
        # what was agreed to is what the page said
        if self.selection.differs(len(self.rows())):
            return self.ask()
        return self.act()

    def act(self) -> HttpResponse:
        """Does it."""
        raise NotImplementedError


class BulkDeleteView(AskingPage):
    """Deletes what is chosen, but for what something needs."""

    template_name = "connections/bulk/delete.html"
    right = "delete"
    act_name, asks = "delete", gettext_lazy("Delete %(rows)s")

    def ask(self, **context: Any) -> HttpResponse:
        free, needed = services.free_and_needed(self.rows())
        shown = {"free": len(free), "needed": needed[:MOST_SHOWN], "kept": len(needed)}
        return super().ask(hit=HITS[self.kind](free), **shown, **context)

    def act(self) -> HttpResponse:
        gone, stays, step = services.delete_several(self.rows(), actor=self.request.user)
        if gone:
            text = ngettext("%(rows)s deleted.", "%(rows)s deleted.", gone)
            tell_done(self.request, text % {"rows": self.counted(gone)}, step)
        if stays:
            names = [str(one) for one in stays[:MOST_REFUSED]]
            if len(stays) > MOST_REFUSED:
                more = f"{len(stays) - MOST_REFUSED:,}"
                names.append(_("and %(number)s more") % {"number": more})
            said = {"rows": self.counted(len(stays)), "reasons": "; ".join(names)}
            messages.warning(self.request, _("%(rows)s not deleted. %(reasons)s.") % said)
        return self.back(self.list_name)


class BulkDeactivateView(AskingPage):
    """Switches off what is chosen."""

    template_name = "connections/bulk/deactivate.html"
    right = "toggle"
    act_name, asks = "deactivate", gettext_lazy("Switch off %(rows)s")

    def act(self) -> HttpResponse:
        switch(self.request, self.rows(), is_active=False)
        return self.back(self.list_name)


class BulkTagView(AskingPage):
    """Gives what is chosen tags, and takes others away."""

    template_name = "connections/bulk/tag.html"
    right = "change"
    act_name, asks = "tag", gettext_lazy("Tag %(rows)s")

    def ask(self, **context: Any) -> HttpResponse:
        there = sorted({tag for row in self.rows() for tag in row.tags}, key=str.casefold)
        typed = {"add": self.posted("add"), "taken": self.request.POST.getlist("take")}
        return super().ask(there=there, **typed, **context)

    def act(self) -> HttpResponse:
        add = [one for one in self.posted("add").split(",") if one.strip()]
        take = self.request.POST.getlist("take")
        if not add and not take:
            return self.ask(error=_("Type a tag to add, or tick one to take away."))
        try:
            number, step = services.retag(self.rows(), add=add, take=take, actor=self.request.user)
        except services.Invalid as refused:
            return self.ask(error=" ".join(one.message for one in refused.errors))
        said = TAGGED[self.kind] % {"number": number, "shown": f"{number:,}"}
        tell_done(self.request, said, step)
        return self.back(self.list_name)


class BulkTeamView(AskingPage):
    """Moves what is chosen to another team, all or nothing."""

    template_name = "connections/bulk/team.html"
    right = "change"
    act_name, asks = "team", gettext_lazy("Move %(rows)s to a team")

    def ask(self, **context: Any) -> HttpResponse:
        user = self.request.user
        shown = {
            "targets": services.teams_to_add(user, self.kind),
            "may_be_for_all": services.may_add_for_all(user, self.kind),
            "chosen": self.posted("team"),
            "takes_profiles": "team" not in self.request.POST or "profiles" in self.request.POST,
        }
        return super().ask(**shown, **context)

    def act(self) -> HttpResponse:
        user, name = self.request.user, self.posted("team")
        if not name:
            return self.ask()
        try:
            team = None if name == "none" else services.team_named(name, actor=user)
            number = services.move_to_team(
                self.rows(), team, actor=user, with_profiles="profiles" in self.request.POST
            )
        except services.Invalid as refused:
            return self.ask(error=" ".join(one.message for one in refused.errors))
        text = (
            ngettext("%(number)s moved to %(team)s.", "%(number)s moved to %(team)s.", number)
            if team
            else ngettext(
                "All share %(number)s of them now.", "All share %(number)s of them now.", number
            )
        )
        messages.success(self.request, text % {"number": f"{number:,}", "team": team})
        return self.back(self.list_name)


ASKING: dict[str, type[AskingPage]] = {
    "delete": BulkDeleteView,
    "deactivate": BulkDeactivateView,
    "tag": BulkTagView,
    "team": BulkTeamView,
}
OF_PROFILES: dict[str, Any] = {"kind": "profile", "model": Profile}
