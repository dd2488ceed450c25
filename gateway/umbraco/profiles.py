"""Profiles as Umbraco.AI's client has them: with the contexts and guardrails of a chat, which are
kept for it and never used here.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from connections import services
from connections.api import profiles
from connections.api.base import exists
from connections.api.profile_serializers import ProfileSerializer
from connections.lookup import parse_id
from connections.models import Profile
from providers.core.base import Capability

from .base import NOT_OFFERED, UmbracoDetail, UmbracoList, UmbracoView

KEPT = ("contextIds", "guardrailIds")
MOST_KEPT = 100
# Umbraco.AI's settings by their names in Python. Others are not in its client's forms.
SENT = frozenset({"temperature", "max_tokens", "system_prompt_template", "dimensions"})


class UmbracoProfileSerializer(ProfileSerializer):
    """A profile whose settings have what is kept, empty where there is none."""

    @extend_schema_field({"type": "object"})
    def get_settings(self, profile: Profile) -> dict[str, Any]:
        """The settings, and for a chat what is kept beside them."""
        found = super().get_settings(profile)
        if profile.capability != Capability.CHAT:
            return found
        kept = profile.client_settings or {}
        return found | {name: kept.get(name, []) for name in KEPT}


class WithKept(UmbracoView, profiles.ProfileWriteView):
    """Base of the views that take and show whole profiles."""

    shown = UmbracoProfileSerializer
    kept: dict[str, list[str]]  # as the body has it

    def body(self, request: Request) -> Any:
        """The body without what is kept, its capability in our letter case. Raises Invalid,
        ValidationError.
        """
        given, self.kept = super().body(request), {}
        if not isinstance(given, dict):
            return given
        body = dict(given)
        if isinstance(body.get("capability"), str):
            body["capability"] = _capability(body["capability"])
        if isinstance(settings := body.get("settings"), dict):
            self.kept = {name: _ids(name, settings[name]) for name in KEPT if name in settings}
            body["settings"] = {one: settings[one] for one in settings if one not in KEPT}
        return body

    def arguments(self, values: dict[str, Any], row: Profile | None = None) -> dict[str, Any]:
        """As the services take it. What Umbraco.AI's client does not know stays as it is stored."""
        found = super().arguments(values, row)
        if row and "settings" in found and self.request.method == "PUT":
            unknown = {name: row.settings[name] for name in row.settings if name not in SENT}
            found["settings"] = unknown | found["settings"]
        if self.kept:
            kept = {**((row.client_settings or {}) if row else {}), **self.kept}
            found["client_settings"] = {name: ids for name, ids in kept.items() if ids}
        return found


class ProfileList(UmbracoList, WithKept, profiles.ProfileList):  # type: ignore[misc]
    """List and create."""


class ProfileDetail(UmbracoDetail, WithKept, profiles.ProfileDetail):
    """One profile: read, replace, change, delete."""


class ProfileExists(profiles.ProfileExists):
    """Tell if an alias is taken. An empty `excludeId` excludes none."""

    def get(self, request: Request, alias: str) -> Response:
        """True or false."""
        query = {name: str(text) for name, text in request.query_params.items() if text}
        return Response(exists(Profile.every.all(), alias, query))


def _capability(text: str) -> str:
    """The capability in our letter case, or the text itself. Raises Invalid for one that no
    provider here offers.
    """
    known = {str(one).lower(): str(one) for one in Capability}
    if name := NOT_OFFERED.get(text.lower()):
        message = f"No provider here offers {name}. There are {' and '.join(known.values())}."
        raise services.Invalid([services.FieldError("capability", "not_offered", message)])
    return known.get(text.lower(), text)


def _ids(name: str, given: Any) -> list[str]:
    if given is None:
        return []
    listed = given if isinstance(given, list) else [given]
    found = [parse_id(one) if isinstance(one, str) else None for one in listed]
    if None in found or len(found) > MOST_KEPT:
        message = f"This is a list of at most {MOST_KEPT} ids."
        raise ValidationError({"settings": {name: [message]}}, "invalid")
    return [str(one) for one in found]
