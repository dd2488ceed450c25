"""The profiles that answer when a request names none."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from providers.core.base import Capability

from ..audit.services import Change, Subject, act, record
from ..errors import FieldError, Invalid
from ..locks import hold, retried
from ..models import ClientChoice, DefaultProfile, Profile, UndoStep
from ..row_versions import keeping
from .permissions import Actor, require
from .undo_steps import note_choice

# The chat profile with which Umbraco.AI sorts texts. It is kept for its clients, nothing here asks.
CLASSIFIER = "classifier"


def classifier_profile() -> Profile | None:
    """The profile that clients of Umbraco.AI chose as classifier, as long as all share it."""
    chosen = ClientChoice.objects.filter(name=CLASSIFIER).values("profile_id")
    return Profile.objects.filter(pk__in=chosen, team=None).first()


def default_profiles() -> dict[str, Profile | None]:
    """The default profile of every capability, None where none is chosen."""
    chosen = {
        row.capability: row.profile for row in DefaultProfile.objects.select_related("profile")
    }
    return {capability.value: chosen.get(capability.value) for capability in Capability}


@retried
@act("defaults.update")
def set_default_profiles(
    defaults: Mapping[str, Profile | None], *, actor: Actor
) -> UndoStep | None:
    """Sets the default of each capability named; None takes it away. Returns the step by which that
    can be undone, but for a CLASSIFIER, which may be named too.

    Raises Invalid when a profile has another capability.
    """
    require(actor, "connections.change_defaultprofile")
    if wrong := _errors(defaults):
        raise Invalid(wrong)
    with transaction.atomic(), keeping("defaults", "all", actor):
        # so that none is deleted meanwhile
        hold(Profile.objects.all(), [profile.pk for profile in defaults.values() if profile])
        found = DefaultProfile.objects.select_for_update().order_by("pk")
        was = dict(found.values_list("pk", "profile_id"))
        was |= dict(ClientChoice.objects.values_list("name", "profile_id"))
        chosen = {name: profile and profile.pk for name, profile in sorted(defaults.items())}
        if changes := _changes(was, chosen):
            record(Subject("defaults"), actor=actor, changes=changes)
        if CLASSIFIER in chosen:
            _put_classifier(chosen.pop(CLASSIFIER))
        put_defaults(chosen)
        return note_choice(actor, {name: was.get(name) for name in chosen}, chosen)


def _errors(defaults: Mapping[str, Profile | None]) -> list[FieldError]:
    kinds = {one: Capability.CHAT.value if one == CLASSIFIER else one for one in defaults}
    wrong = [
        FieldError(
            capability,
            "capability",
            _("%(name)s is a %(capability)s profile, not one for %(wanted)s.")
            % {"name": profile.name, "capability": profile.capability, "wanted": kinds[capability]},
        )
        for capability, profile in defaults.items()
        if profile is not None and profile.capability != kinds[capability]
    ]
    text = _("%(name)s belongs to a team. Only what all share can be a default.")
    wrong += [
        FieldError(capability, "of_a_team", text % {"name": profile.name})
        for capability, profile in defaults.items()
        if profile is not None and profile.team_id is not None
    ]
    return wrong


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    pks = {pk for pk in (*was.values(), *now.values()) if pk}
    aliases: dict[Any, str] = dict(Profile.every.filter(pk__in=pks).values_list("pk", "alias"))
    return [
        (name, aliases.get(was.get(name), ""), aliases.get(pk, ""))
        for name, pk in now.items()
        if pk != was.get(name)
    ]


def put_defaults(chosen: Mapping[str, Any]) -> None:
    """Writes the default of each capability named: the id of a profile that is held, or None."""
    for capability, pk in sorted(chosen.items()):
        if pk is None:
            DefaultProfile.objects.filter(pk=capability).delete()
        else:
            DefaultProfile.objects.update_or_create(pk=capability, defaults={"profile_id": pk})


def _put_classifier(pk: Any) -> None:
    ClientChoice.objects.filter(name=CLASSIFIER).delete()
    if pk is not None:
        ClientChoice.objects.create(name=CLASSIFIER, profile_id=pk)
