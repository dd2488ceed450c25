"""Every service of connections that changes something leaves exactly one event, and so does a
refusal.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from connections import services
from connections.audit.services import Outcome
from connections.models import (
    ApiToken,
    AuditEvent,
    Connection,
    EndedBecause,
    FormerAlias,
    HostApproval,
    Profile,
    Team,
    TeamView,
)
from connections.services import Scope
from tests.fakes import connect, profile_of, reload

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """The rows that acts are done to. `of_team` is of `team`, and `shared` with `second` too."""

    admin: Any
    connection: Connection
    other: Connection
    of_team: Connection
    shared: Connection
    profile: Profile
    team: Team
    second: Team
    token: ApiToken
    host: HostApproval
    former: FormerAlias
    view: TeamView


@pytest.fixture
def world(fake: Any, administrator: Any) -> World:
    connection, other = connect(name="One"), connect(name="Two")
    team, second = (services.create_team(name, actor=None) for name in ("Red", "Blue"))
    for name in ("Three", "Four"):
        services.move_to_team([connect(name=name)], team, actor=None)
    of_team, shared = (Connection.objects.get(name=name) for name in ("Three", "Four"))
    services.share(shared, second, "see", actor=None)
    services.set_member(second, administrator, "viewer", actor=None)
    services.limit_section("Spare", [team], actor=None)
    services.change_alias(other, "renamed", actor=None)
    made = {"user": administrator, "actor": administrator, "scopes": [Scope.CONNECTIONS_READ]}
    token = services.create_token("ci", **made)[0]
    services.set_active(connection, False, actor=administrator)  # can be undone
    return World(
        administrator,
        reload(connection),
        reload(other),
        of_team,
        shared,
        profile_of(connection),
        team,
        second,
        token,
        HostApproval.objects.create(section="fake", host="x.example"),
        FormerAlias.objects.get(connection=other),
        TeamView.objects.create(team=team, list_name="connections", name="Mine"),
    )


def last_of(row: Connection) -> Any:
    """The end of the history of a connection that is deleted by this."""
    history, pk = Connection.history, row.pk
    Connection.objects.filter(pk=pk).delete()
    return history.filter(id=pk).order_by("-history_id").first()


SECRET = {"api_key": "sk-typed-0123456789"}
READ = [Scope.CONNECTIONS_READ]
BY_SOMEBODY: dict[str, tuple[str, Callable[[World, Any], Any]]] = {
    "begin_bulk_test": (
        "connection.test",
        lambda w, who: services.begin_bulk_test([w.connection, w.other], actor=who),
    ),
    "change_alias": (
        "connection.update",
        lambda w, who: services.change_alias(w.connection, "another", actor=who),
    ),
    "change_team": (
        "team.update",
        lambda w, who: services.change_team(
            w.team, {"name": "Green", "tokens_per_day": 5}, actor=who
        ),
    ),
    "create_connection": (
        "connection.create",
        lambda w, who: services.create_connection("fake", actor=who, name="New", settings=SECRET),
    ),
    "create_profile": (
        "profile.create",
        lambda w, who: services.create_profile(
            w.connection, actor=who, capability="Chat", name="New", model="m"
        ),
    ),
    "create_team": ("team.create", lambda w, who: services.create_team("New", actor=who)),
    "create_token": (
        "api_token.create",
        lambda w, who: services.create_token("new", user=w.admin, actor=who, scopes=READ),
    ),
    "decide_host": (
        "host.approve",
        lambda w, who: services.decide_host(w.host, "approved", actor=who, team=None),
    ),
    "delete_connection": (
        "connection.delete",
        lambda w, who: services.delete_connection(w.other, actor=who),
    ),
    "delete_profile": (
        "profile.delete",
        lambda w, who: services.delete_profile(w.profile, actor=who),
    ),
    "delete_several": (
        "connection.delete",
        lambda w, who: services.delete_several([w.other, w.shared], actor=who),
    ),
    "delete_team": (
        "team.delete",
        lambda w, who: services.delete_team(w.team, actor=who, is_for_all=True),
    ),
    "duplicate_connection": (
        "connection.duplicate",
        lambda w, who: services.duplicate_connection(w.connection, actor=who),
    ),
    "duplicate_profile": (
        "profile.duplicate",
        lambda w, who: services.duplicate_profile(w.profile, actor=who),
    ),
    "forget_host": ("host.delete", lambda w, who: services.forget_host(w.host, actor=who)),
    "limit_section": (
        "section.update",
        lambda w, who: services.limit_section("Other", [w.team], actor=who),
    ),
    "limit_team": (
        "team.limit",
        lambda w, who: services.limit_team(
            w.team, requests_per_minute=5, tokens_per_day=None, actor=who
        ),
    ),
    "move_profiles": (
        "profile.move",
        lambda w, who: services.move_profiles(w.connection, w.other, actor=who),
    ),
    "move_to_team": (
        "connection.move",
        lambda w, who: services.move_to_team([w.other], w.team, actor=who),
    ),
    "open_section": ("section.update", lambda w, who: services.open_section("Spare", actor=who)),
    "purge_connection": (
        "secret.purge",
        lambda w, who: services.purge_connection(w.connection, actor=who),
    ),
    "remove_former_alias": (
        "alias.delete",
        lambda w, who: services.remove_former_alias(w.former, actor=who),
    ),
    "remove_member": (
        "team.update",
        lambda w, who: services.remove_member(w.second, w.admin, actor=who),
    ),
    "remove_team_view": (
        "view.delete",
        lambda w, who: services.remove_team_view(w.view.pk, actor=who),
    ),
    "rename_team": ("team.update", lambda w, who: services.rename_team(w.team, "X", actor=who)),
    "renew_token": ("api_token.renew", lambda w, who: services.renew_token(w.token, actor=who)),
    "restore_version": (
        "connection.restore",
        lambda w, who: services.restore_version(w.connection, 1, actor=who),
    ),
    "revive": (
        "connection.restore",
        lambda w, who: services.revive("connection", last_of(w.other), actor=who),
    ),
    "retag": (
        "connection.update",
        lambda w, who: services.retag([w.connection, w.other], add=["eu"], actor=who),
    ),
    "revoke_token": ("api_token.revoke", lambda w, who: services.revoke_token(w.token, actor=who)),
    "revoke_tokens": (
        "api_token.revoke",
        lambda w, who: services.revoke_tokens([w.token], actor=who),
    ),
    "save_team_view": (
        "view.create",
        lambda w, who: services.save_team_view(w.team, "connections", "V", "a=b", actor=who),
    ),
    "set_active": (
        "connection.activate",
        lambda w, who: services.set_active(w.connection, True, actor=who),
    ),
    "set_default_profiles": (
        "defaults.update",
        lambda w, who: services.set_default_profiles({"Chat": w.profile}, actor=who),
    ),
    "set_member": (
        "team.update",
        lambda w, who: services.set_member(w.team, w.admin, "viewer", actor=who),
    ),
    "set_profile_active": (
        "profile.deactivate",
        lambda w, who: services.set_profile_active(w.profile, False, actor=who),
    ),
    "share": (
        "connection.share",
        lambda w, who: services.share(w.of_team, w.second, "see", actor=who),
    ),
    "switch": (
        "connection.deactivate",
        lambda w, who: services.switch([(w.other, False), (w.shared, False)], actor=who),
    ),
    "test_connection": (
        "connection.test",
        lambda w, who: services.test_connection(w.connection, actor=who),
    ),
    "test_settings": (
        "connection.test",
        lambda w, who: services.test_settings("fake", SECRET, actor=who),
    ),
    "undo_last_act": ("connection.undo", lambda _w, who: services.undo_last_act(who)),
    "unshare": (
        "connection.unshare",
        lambda w, who: services.unshare(w.shared, w.second, actor=who),
    ),
    "update_connection": (
        "connection.update",
        lambda w, who: services.update_connection(w.connection, actor=who, name="X"),
    ),
    "update_profile": (
        "profile.update",
        lambda w, who: services.update_profile(w.profile, actor=who, name="X"),
    ),
}
BY_THE_MACHINE = {"end_tokens_of", "end_unused_tokens", "prune_history", "resume_tokens_of"}
BY_THE_MACHINE |= {"rotate_credentials", "purge_secrets", "bind_credentials"}
# They change nothing that is of the installation, or are a part of an act that says it all
LEAVE_NONE = {
    # reading, and drafts that are not saved
    *("administrators_of", "allows", "authenticate_token", "bulk_test_summary", "caller_of"),
    "changes_of",
    *("classifier_profile", "clean_networks", "connections_of", "content", "default_life"),
    *("compare_versions", "count_versions", "fields_of", "plan_restoration"),
    "default_profiles",
    *("dependents_of", "draft_change", "draft_connection", "draft_profile", "entries"),
    *("draft_profile_change", "expected_secrets", "failed_in", "fallback_errors", "find_caller"),
    *("free_and_needed", "http_client", "key_report", "last_step", "limited_section_list"),
    *("list_choice", "list_models", "longest_life", "may", "may_add_for_all", "may_be_endless"),
    *("may_hand_to_flows", "may_make_tokens", "members_of", "merge_patch", "needed_by"),
    *("new_alias", "offered_alias", "owned_by", "plain_settings", "prepare_check"),
    *("profile_notices", "profiles_limit", "refused_address", "require", "require_above"),
    "roles_that_hold",
    *("require_may_make_tokens", "run_check", "sections_opened_by", "selected", "shares_of"),
    *("service_account_named", "task_of", "tasks_of", "team_for_new", "team_named", "team_views"),
    *("teams_of", "teams_to_add", "teams_to_save_for", "teams_to_share_with", "test_sources"),
    *("has_unused_secrets", "secrets_left", "token_errors", "unused_tokens", "versions"),
    # declarations
    *("declare_encrypted", "declare_jobs", "declare_keeper"),
    # a part of an act
    *("ask_for_moved_hosts", "replace_fallbacks", "save_version", "save_versions", "learn"),
    *("purge_versions", "settle_all_hosts", "settle_flows"),
    # what a person sees, and how far work of theirs is
    *("beat", "cancel_task", "choose_columns", "drop_task", "remove_view", "save_view"),
    # refusals at the doors: test_refused_tokens.py
    *("note_refused_token", "refusals_due"),
    # checks that nobody asked for, and the deletion of what only helps
    *("prune_checks", "prune_undo_steps", "record_check", "record_scheduled", "renew_tokens"),
    *("resume_bulk_tests", "run_bulk_test"),
}


def test_every_service_is_in_the_table_or_leaves_no_event():
    public = {name for name, _one in inspect.getmembers(services, inspect.isfunction)}
    assert public == {*BY_SOMEBODY, *BY_THE_MACHINE, *LEAVE_NONE}


def test_what_leaves_no_event_names_no_act():
    assert [one for one in LEAVE_NONE if hasattr(getattr(services, one), "action")] == []


@contextmanager
def events_of_what_is_rolled_back() -> Iterator[list[AuditEvent]]:
    """The events that the block leaves, which is undone then, so that the next finds its rows."""
    found: list[AuditEvent] = []
    last = AuditEvent.objects.latest("id").pk
    with transaction.atomic():
        yield found
        found += AuditEvent.objects.filter(pk__gt=last)
        transaction.set_rollback(True)


def test_an_act_leaves_exactly_one_event(world: World):
    wrong = {}
    for name, (action, act) in BY_SOMEBODY.items():
        with events_of_what_is_rolled_back() as events:
            act(deepcopy(world), world.admin)
        found = [(one.action, one.actor_id, one.outcome) for one in events]
        if found != [(action, str(world.admin.pk), Outcome.DONE)]:
            wrong[name] = found
    assert wrong == {}


# Everybody may undo what is theirs, and nobody sees views of other teams.
NEVER_REFUSED = {"undo_last_act", "remove_team_view"}


def test_a_refusal_leaves_exactly_one_event(world: World, viewer: Any):
    wrong = {}
    for name in BY_SOMEBODY.keys() - NEVER_REFUSED:
        action, act = BY_SOMEBODY[name]
        with events_of_what_is_rolled_back() as events, pytest.raises(PermissionDenied):
            act(deepcopy(world), viewer)
        found = [(one.action, one.actor_id, one.outcome, one.code[:13]) for one in events]
        if found != [(action, str(viewer.pk), Outcome.REFUSED, "missing_right")]:
            wrong[name] = found
    assert wrong == {}


def test_the_end_of_somebodys_tokens_names_each(world: World):
    before = AuditEvent.objects.count()
    services.end_tokens_of(world.admin.pk, EndedBecause.PROVIDER)
    services.resume_tokens_of(world.admin.pk)
    actions = [one.action for one in AuditEvent.objects.order_by("id")[before:]]
    assert actions == ["api_token.end", "api_token.activate"]
    assert {one.object_id for one in AuditEvent.objects.order_by("id")[before:]} == {
        str(world.token.pk)
    }
