"""What is kept of teams, default profiles and tokens, and how it is put back."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.lookup import get_by_id_or_alias, parse_id
from connections.models import ApiToken, DefaultProfile, Membership, Profile, Role, Team
from connections.row_versions import (
    Content,
    VersionedKind,
    declare_kind,
    refuse_token,
    token_content,
)
from connections.services import (
    CLASSIFIER,
    MANAGES,
    Actor,
    FieldError,
    Invalid,
    Notice,
    change_team,
    classifier_profile,
    default_profiles,
    may,
    remove_member,
    set_default_profiles,
    set_member,
    teams_of,
)

DEFAULTS = "all"  # the id of the one thing that default profiles are
LIMITS = ("requests_per_minute", "tokens_per_day")


def declare_kinds() -> None:
    """Declares them. Called once, when Django is ready."""
    team, defaults = gettext_noop("Team"), gettext_noop("Default profiles")
    token = gettext_noop("API token")
    declare_kind(VersionedKind("team", team, _team, _find_team, _restore_team, _may_team))
    declare_kind(
        VersionedKind(
            "defaults",
            defaults,
            _defaults,
            _find_defaults,
            _restore_defaults,
            lambda _row, actor: may(actor, "connections.change_defaultprofile"),
            lambda _row: DEFAULTS,
        )
    )
    declare_kind(
        VersionedKind("apitoken", token, _token, _find_token, refuse_token, lambda *_who: False)
    )


def _team(pk: str) -> Content | None:
    found = Team.objects.filter(pk=pk).first()
    if found is None:
        return None
    members = Membership.objects.filter(team=found).order_by("user__username")
    return {
        "name": found.name,
        **{name: getattr(found, name) for name in LIMITS},
        "members": dict(members.values_list("user__username", "role")),
    }


def _find_team(text: str, actor: Actor) -> Team | None:
    pk, rows = parse_id(text), teams_of(actor)
    return (rows.filter(pk=pk) if pk else rows.filter(name__iexact=text)).first()


def _may_team(team: Team, actor: Actor) -> bool:
    return may(actor, MANAGES, team)


def _restore_team(team: Team, content: Mapping[str, Any], actor: Actor) -> list[Notice]:
    now = _team(str(team.pk)) or {}
    columns = ("name", *LIMITS)
    changes = {name: content[name] for name in columns if content[name] != now[name]}
    if changes:
        change_team(team, changes, actor=actor)
    people = get_user_model().objects.in_bulk(
        [*content["members"], *now["members"]], field_name="username"
    )
    gone = [name for name in content["members"] if name not in people]
    order = sorted(
        (name for name in content["members"] if name in people),
        key=lambda name: -Role.values.index(content["members"][name]),
    )
    for name in order:  # those who rise first, so that somebody is there to manage it
        if now["members"].get(name) != content["members"][name]:
            set_member(team, people[name], content["members"][name], actor=actor)
    for name in now["members"]:
        if name not in content["members"] and name in people:
            remove_member(team, people[name], actor=actor)
    text = _("%(name)s is gone, so they are not in the team.")
    return [Notice("members", "not_found", text % {"name": name}) for name in gone]


class Defaults:
    """The default profiles, as something that has versions."""

    pk = DEFAULTS

    def __str__(self) -> str:
        return _("Default profiles")


def _defaults(_pk: str) -> Content:
    chosen = DefaultProfile.objects.select_related("profile").order_by("pk")
    found = {one.capability: one.profile.alias for one in chosen}
    classifier = classifier_profile()
    return found | ({CLASSIFIER: classifier.alias} if classifier else {})


def _find_defaults(text: str, actor: Actor) -> Defaults | None:
    is_seen = may(actor, "connections.view_defaultprofile")
    return Defaults() if text == DEFAULTS and is_seen else None


def _restore_defaults(_row: Defaults, content: Mapping[str, Any], actor: Actor) -> list[Notice]:
    wanted: dict[str, Profile | None] = {}
    for capability in (*default_profiles(), CLASSIFIER):
        alias = content.get(capability)
        found = get_by_id_or_alias(Profile.objects.all(), alias) if alias else None
        if alias and found is None:
            text = _("The profile %(alias)s is gone. Restore that first. Nothing was changed.")
            raise Invalid([FieldError(capability, "not_found", text % {"alias": alias})])
        wanted[capability] = found
    set_default_profiles(wanted, actor=actor)
    return []


def _token(pk: str) -> Content | None:
    found = ApiToken.every.select_related("user").filter(pk=pk).first()
    return token_content(found) | _of_api(found) if found else None


def _of_api(token: ApiToken) -> Content:
    profiles = token.profiles.order_by("alias").values_list("alias", flat=True)
    return {
        "scopes": list(token.scopes),
        "tags": list(token.tags),
        "profiles": list(profiles),
        **{name: getattr(token, name) for name in LIMITS},
    }


def _find_token(text: str, actor: Actor) -> ApiToken | None:
    pk = parse_id(text)
    found = ApiToken.objects.filter(pk=pk).first() if pk else None
    if found is None or actor is None or found.user_id == actor.pk:
        return found
    return found if may(actor, "connections.view_apitoken", found) else None
