"""What was deleted comes back, with its profiles, and never more than somebody may see and have."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.utils import timezone

from connections import services as core
from connections.history import services
from connections.models import Connection, FormerAlias, Profile
from connections.services import Invalid
from tests.fakes import OTHER_SECRET, SECRET, connect, fake_provider, profile_of, reload
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def gone(row: Any, actor: Any = None) -> services.Deleted:
    """A row, deleted, as somebody finds it again."""
    pk = row.pk
    if isinstance(row, Profile):
        core.delete_profile(row, actor=None)
    else:
        core.delete_connection(row, actor=None)
    found = services.find_deleted(pk, actor=actor)
    assert found is not None
    return found


def test_a_connection_comes_back_as_it_was_without_its_secret(
    connection: Connection, operator: Any
):
    core.change_alias(connection, "other", actor=None)
    row = reload(connection)
    made = services.restore_deleted(gone(row), actor=operator)
    back = reload(connection)
    assert (back.alias, back.version, back.credentials) == ("other", 3, None)
    assert back.lacking == ["api_key"] and back.date_created == connection.date_created
    assert FormerAlias.objects.get().alias == "production"
    assert any("api_key is not brought back" in one.message for one in made.notices)
    assert services.deleted_rows(None) == []


def test_its_secret_comes_back_only_to_whoever_may_export_it(
    connection: Connection, operator: Any, administrator: Any
):
    found = gone(connection)
    with pytest.raises(PermissionDenied):
        services.restore_deleted(found, actor=operator, with_secrets=True)
    assert not Connection.objects.exists()
    services.restore_deleted(found, actor=administrator, with_secrets=True)
    assert reload(connection).credentials == {"api_key": SECRET}


def test_a_purged_secret_does_not_come_back(connection: Connection):
    found = gone(connection)
    core.purge_secrets(found.id, at_once=True)
    services.restore_deleted(found, actor=None, with_secrets=True)
    assert reload(connection).credentials is None
    assert reload(connection).lacking == ["api_key"]


def test_a_connection_brings_its_profiles_and_their_fallbacks(connection: Connection):
    spare = profile_of(connection, name="Spare")
    row = profile_of(connection, fallbacks=[spare])
    long_gone = profile_of(connection, name="Old")
    gone(long_gone)
    Profile.history.filter(id=long_gone.pk or 0).update(history_date=timezone.now())
    Profile.history.filter(name="Old").update(history_date=timezone.now() - timedelta(days=3))
    pks = [row.pk, spare.pk]
    gone(row)
    gone(spare)
    found = gone(connection)
    assert [one.alias for one in found.profiles] == ["spare", "answers"]
    made = services.restore_deleted(found, actor=None, with_profiles=True, with_secrets=True)
    assert {one.pk for one in made.profiles} == {*pks} and Profile.objects.count() == 2
    assert [one.pk for one in Profile.objects.get(alias="answers").fallbacks.all()] == [pks[1]]
    assert services.said_back(made).endswith("2 profiles came back with it.")


def test_all_comes_back_or_nothing(connection: Connection):
    row = profile_of(connection)
    gone(row)
    profile_of(connect(name="Other"), alias="answers")
    core.delete_connection(connection, actor=None)
    found = services.deleted_rows(None, "connection")[0]
    with pytest.raises(Invalid, match="taken"):
        services.restore_deleted(found, actor=None, with_profiles=True)
    assert not Connection.objects.filter(pk=found.id).exists()


def test_an_alias_that_was_taken_is_said_and_another_one_can_be_given(connection: Connection):
    found = gone(connection)
    connect(name="New", alias="production")
    with pytest.raises(Invalid, match="taken"):
        services.restore_deleted(found, actor=None)
    made = services.restore_deleted(found, actor=None, alias="production-2")
    assert (made.row.pk, made.row.alias) == (found.id, "production-2")


def test_a_profile_needs_its_connection_and_leaves_out_what_is_gone(connection: Connection):
    spare = profile_of(connection, name="Spare")
    row = profile_of(connection, fallbacks=[spare])
    found = gone(row)
    gone(spare)
    made = services.restore_deleted(found, actor=None)
    assert [one.code for one in made.notices] == ["not_found"]
    found = gone(made.row)
    core.delete_connection(connection, actor=None)
    with pytest.raises(Invalid, match="connection it had is gone"):
        services.restore_deleted(found, actor=None)


def test_without_its_provider_it_stays_away():
    with fake_provider(id="passing"):
        found = gone(connect("passing"))
    with pytest.raises(Invalid, match="passing"):
        services.restore_deleted(found, actor=None)
    assert services.find_deleted(found.id, actor=None)


def test_a_connection_whose_team_is_gone_stays_away(fake: Any):
    team = core.create_team("Red", actor=None)
    found = gone(connect(team=team))
    Connection.history.update(team_id=None)
    team.delete()
    Connection.history.update(team_id=team.pk or "00000000000000000000000000000007")
    found = services.find_deleted(found.id, actor=None)
    with pytest.raises(Invalid, match="team of Production is gone"):
        services.restore_deleted(found, actor=None)


def test_who_could_not_see_it_does_not_see_that_it_was_deleted(
    connection: Connection, viewer: Any, stranger: Any, administrator: Any
):
    red = core.create_team("Red", actor=None)
    row = connect(name="Theirs", team=red)
    pk = row.pk
    gone(row)
    member = person("mia")
    core.set_member(red, member, "operator", actor=None)
    seen = {
        who.username: services.find_deleted(pk, actor=who) is not None
        for who in (viewer, stranger, administrator, member)
    }
    assert seen == {"vera": False, "sten": False, "ada": True, "mia": True}
    found = services.find_deleted(pk, actor=member)
    with pytest.raises(PermissionDenied):
        services.restore_deleted(found, actor=viewer)
    assert services.restore_deleted(found, actor=member).row.team == red


def test_it_is_deleted_only_where_it_was_in_the_end(fake: Any):
    blue, red = core.create_team("Blue", actor=None), core.create_team("Red", actor=None)
    members = {}
    for name, team in {"bob": blue, "mia": red}.items():
        members[name] = person(name)
        core.set_member(team, members[name], "administrator", actor=None)
    row = connect(name="Moved", team=blue)
    services.restore_deleted(gone(row), actor=None)
    core.move_to_team([reload(row)], red, actor=None)
    pk = gone(reload(row)).id
    seen = {name: services.find_deleted(pk, actor=who) for name, who in members.items()}
    assert seen["bob"] is None and seen["mia"] is not None and seen["mia"].team == red


def test_a_secret_of_then_goes_nowhere_else_and_waits_for_its_host(
    fake: Any, administrator: Any, settings: Any
):
    settings.CONNECTIONS_EGRESS_ALLOW = ["fake.example.com", "dead.example"]
    row = connect(settings={"api_key": SECRET, "base_url": "https://dead.example/v1"})
    found = gone(row)
    settings.CONNECTIONS_EGRESS_ALLOW = ["fake.example.com"]
    with pytest.raises(Invalid, match=r"dead\.example"):
        services.restore_deleted(found, actor=administrator, with_secrets=True)


def test_the_command_lists_compares_restores_and_brings_back(connection: Connection, capsys: Any):
    core.update_connection(
        connection, actor=None, name="Renamed", settings={"api_key": OTHER_SECRET}
    )
    call_command("versions", "list", "connection", "production")
    call_command("versions", "compare", "connection", "production", "1", "2")
    call_command("versions", "restore", "connection", "production", "1")
    call_command("versions", "name", "connection", "production", "1", "--name", "First", "--pin")
    pk = str(connection.pk)
    core.delete_connection(reload(connection), actor=None)
    call_command("versions", "deleted")
    call_command("versions", "revive", pk, "--with-secrets")
    said = capsys.readouterr().out
    assert "name: Production -> Renamed" in said and "api_key: *** -> ***" in said
    assert "Production is as in version 1; it is at version 3 now." in said
    assert "Version 1 is called 'First', pinned." in said and "Production is back." in said
    assert SECRET not in said and OTHER_SECRET not in said
    assert reload(Connection(pk=pk)).credentials == {"api_key": OTHER_SECRET}
