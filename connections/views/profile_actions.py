"""Effects on one profile from its row or page: switching it, deleting it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from .. import services
from ..consequences import deleting
from ..models import DefaultProfile
from .base import tell_done, tell_not_deleted
from .profiles import OneProfile, ProfileListView


class ProfileToggleView(OneProfile):
    """Switches a profile on or off."""

    permission_required = "connections.toggle_profile"
    fragment_name = "connections/profiles/_row.html"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        wanted = request.POST.get("is_active")
        is_active = not self.profile.is_active if wanted is None else wanted == "true"
        saved = services.set_profile_active(self.profile, is_active, actor=request.user)
        self._profile = saved.row
        said = _("%(name)s is active.") if is_active else _("%(name)s is inactive.")
        tell_done(request, said % {"name": self.profile.name}, saved.step)
        if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
            line = ProfileListView.row_context(request.user, self.profile)
            return self.render_to_response(self.get_context_data(**line))
        return self.back("profile-list")


class ProfileDeleteView(OneProfile):
    """Asks, and deletes."""

    template_name = "connections/profiles/confirm_delete.html"
    permission_required = "connections.delete_profile"

    def get_title(self) -> str:
        return _("Delete %(name)s") % {"name": self.profile.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = {
            "dependents": services.needed_by(self.profile)[0],
            "hit": deleting([self.profile]),
        }
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        try:
            step = services.delete_profile(
                self.profile, actor=request.user, expected_version=self.version_shown()
            )
        except services.Stale as stale:
            tell_not_deleted(request, stale)
            return self.redirect("profile-delete", pk)
        except services.InUse as refused:
            first = next(iter(refused.dependents), None)
            cure = (
                _("It is the default for %(capability)s. Choose another default first.")
                % {"capability": first.capability}
                if isinstance(first, DefaultProfile)
                else str(refused)
            )
            text = _("%(name)s is not deleted. %(cure)s")
            messages.error(request, text % {"name": self.profile.name, "cure": cure})
            return self.redirect(self.profile)
        tell_done(request, _("%(name)s is deleted.") % {"name": self.profile.name}, step)
        return self.redirect("profile-list")
