"""Versions of connections and profiles: compared, planned, restored; nothing comes back that may
not, and nothing is half done.
"""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from connections import services as core
from connections.history import services
from connections.models import Connection, HostApproval, Profile
from connections.services import Invalid, Stale, undo_last_act
from tests.fakes import (
    NEWEST_KEY,
    OLDER_KEY,
    OTHER_SECRET,
    SECRET,
    connect,
    fake_provider,
    profile_of,
    reload,
)
from tests.people import person

pytestmark = pytest.mark.django_db
ELSEWHERE = "https://elsewhere.example/v1"


def change(row: Connection, actor: Any = None, **changes: Any) -> Connection:
    return core.update_connection(row, actor=actor, **changes).row


def restore(row: Any, number: int, actor: Any = None, **how: Any) -> services.Restored:
    subject = services.subject_of(str(row._meta.model_name), reload(row))
    return services.restore(subject, number, actor=actor, **how)


def said(refused: Any) -> str:
    return " ".join(one.message for one in refused.value.errors)


@pytest.mark.server
def test_a_version_comes_back_as_the_next_one_and_says_so(connection: Connection, operator: Any):
    change(connection, name="Renamed", settings={"region": "us"}, merge=True, tags=["new"])
    made = restore(connection, 1, operator)
    row = reload(connection)
    assert (row.name, row.settings, row.tags) == ("Production", connection.settings, [])
    assert (row.version, made.changed, row.credentials) == (3, True, {"api_key": SECRET})
    _total, found = services.list_versions(made.subject)
    assert found[0].changes[-1] == "restored from version 1" and found[0].is_current


@pytest.mark.server
def test_a_restored_version_is_undone_like_any_other_change(connection: Connection, operator: Any):
    change(connection, name="Renamed")
    assert restore(connection, 1, operator).step
    undo_last_act(operator)
    assert reload(connection).name == "Renamed"


def test_a_secret_of_then_stays_away_unless_somebody_asks_who_may_export_it(
    connection: Connection, administrator: Any, operator: Any
):
    change(connection, name="Renamed", settings={"api_key": OTHER_SECRET})
    restore(connection, 1, operator)
    assert reload(connection).credentials == {"api_key": OTHER_SECRET}
    with pytest.raises(PermissionDenied):
        restore(connection, 1, operator, with_secrets=True)
    assert reload(connection).credentials == {"api_key": OTHER_SECRET}
    restore(connection, 1, administrator, with_secrets=True)
    assert reload(connection).credentials == {"api_key": SECRET}


def test_references_of_then_come_back(connection: Connection, settings: Any):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": OTHER_SECRET}}
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    change(row, settings={"api_key": SECRET})
    restore(row, 1)
    assert (reload(row).settings["api_key"], reload(row).credentials) == ("$Fake:ApiKey", None)


def test_no_stored_key_follows_an_address_of_then(connection: Connection, operator: Any):
    change(connection, settings={"base_url": ELSEWHERE, "api_key": OTHER_SECRET})
    with pytest.raises(Invalid) as refused:
        restore(connection, 1, operator)
    assert "again, because the endpoint changed" in said(refused)
    assert (
        reload(connection).settings == {"base_url": ELSEWHERE} and reload(connection).version == 2
    )


def test_a_secret_that_nothing_of_now_stands_for_is_named_as_lacking(connection: Connection):
    change(connection, settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    change(connection, settings={"spare_key": None})
    made = restore(connection, 2)
    row = reload(connection)
    assert row.credentials == {"api_key": SECRET} and row.lacking == ["spare_key"]
    assert any("spare_key is not brought back" in one.message for one in made.notices)


def test_a_secret_that_it_did_not_have_then_goes(connection: Connection):
    change(connection, settings={"spare_key": OTHER_SECRET})
    restore(connection, 1)
    assert reload(connection).credentials == {"api_key": SECRET}


def test_the_end_of_a_key_comes_back_with_the_key_alone(connection: Connection):
    change(connection, expires_at="2031-02-03")
    change(connection, settings={"api_key": OTHER_SECRET}, expires_at="2032-02-03", name="Other")
    restore(connection, 2)
    assert str(reload(connection).expires_at) == "2032-02-03"
    restore(connection, 2, with_secrets=True)
    assert str(reload(connection).expires_at) == "2031-02-03"


def test_a_host_that_is_not_approved_is_asked_for_whoever_restores(
    administrator: Any, fake: Any, settings: Any
):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": SECRET}}
    row = connect(settings={"api_key": "$Fake:ApiKey", "base_url": ELSEWHERE})
    change(row, settings={"api_key": SECRET})
    HostApproval.objects.all().delete()
    made = restore(row, 1, administrator)
    assert "host_not_approved" in [one.code for one in made.notices]
    assert {one.state for one in HostApproval.objects.all()} == {"requested"}


@pytest.mark.server
def test_whoever_edits_meanwhile_is_not_overwritten(connection: Connection, operator: Any):
    change(connection, name="Renamed")
    with pytest.raises(Stale):
        restore(connection, 1, operator, expected_version=1)
    assert reload(connection).name == "Renamed"


def test_who_may_change_it_may_restore_it(
    connection: Connection, operator: Any, viewer: Any, stranger: Any
):
    change(connection, name="Renamed")
    for somebody in (viewer, stranger):
        with pytest.raises(PermissionDenied):
            restore(connection, 1, somebody)
    assert restore(connection, 1, operator).changed


@pytest.mark.server
def test_a_version_that_is_not_kept_is_refused(connection: Connection):
    with pytest.raises(Invalid, match="not kept"):
        restore(connection, 7)


@pytest.mark.server
def test_a_plan_says_the_same_and_changes_nothing(connection: Connection, operator: Any):
    change(connection, settings={"base_url": ELSEWHERE, "api_key": OTHER_SECRET}, name="Renamed")
    change(connection, settings={"region": "us", "api_key": OTHER_SECRET}, name="Third")
    subject = services.subject_of("connection", reload(connection))
    plan = services.plan(subject, 2, actor=operator)
    assert "because the endpoint changed" in plan.refusals[0].message
    plan = services.plan(subject, 1, actor=operator)
    changes = {one.field: (one.before, one.after) for one in plan.differences}
    assert changes == {"name": ("Third", "Production"), "region": ("us", "")}
    assert reload(connection).version == 3


@pytest.mark.server
def test_two_versions_are_compared_field_by_field_without_a_secret(connection: Connection):
    change(connection, settings={"api_key": OTHER_SECRET, "region": "us"})
    change(connection, name="Renamed")
    subject = services.subject_of("connection", reload(connection))
    found = {one.field: one for one in services.compare(subject, 1, 3)}
    assert (found["region"].before, found["region"].after) == ("", "us")
    assert found["api_key"].is_secret and SECRET not in repr(found) + OTHER_SECRET
    back = {one.field: one for one in services.compare(subject, 3, 1)}
    assert back["name"].after == "Production"


def test_of_a_version_all_is_shown_but_its_secrets(connection: Connection):
    subject = services.subject_of("connection", reload(connection))
    _entry, fields = services.show_version(subject, 1)
    assert {"name", "provider_id", "api_key"} <= {one.field for one in fields}
    assert SECRET not in repr(fields)


# -- hostile old versions ------------------------------------------------------------------------


def test_an_endpoint_that_may_not_be_asked_any_more_is_refused(
    connection: Connection, settings: Any
):
    change(connection, settings={"base_url": ELSEWHERE, "api_key": SECRET})
    change(connection, settings={"api_key": SECRET})
    settings.CONNECTIONS_EGRESS_ALLOW = ["fake.example.com"]
    with pytest.raises(Invalid) as refused:
        restore(connection, 2, with_secrets=True)
    assert "elsewhere.example" in said(refused) and reload(connection).version == 3


def test_without_the_key_that_encrypted_them_all_but_the_secrets_comes_back(
    fake: Any, settings: Any
):
    settings.FERNET_KEYS = [OLDER_KEY]
    row = connect()
    settings.FERNET_KEYS = [NEWEST_KEY]
    change(row, settings={"api_key": OTHER_SECRET}, name="Renamed")
    with pytest.raises(Invalid, match="cannot be decrypted"):
        restore(row, 1, with_secrets=True)
    assert reload(row).name == "Renamed"
    restore(row, 1)
    assert (reload(row).name, reload(row).credentials) == ("Production", {"api_key": OTHER_SECRET})


def test_while_its_own_secrets_are_lost_they_are_kept_as_they_are(fake: Any, settings: Any):
    settings.FERNET_KEYS = [OLDER_KEY]
    row = connect()
    change(row, name="Renamed")
    settings.FERNET_KEYS = [NEWEST_KEY]
    restore(row, 1)
    settings.FERNET_KEYS = [OLDER_KEY]
    assert (reload(row).name, reload(row).credentials) == ("Production", {"api_key": SECRET})


def test_without_its_provider_nothing_comes_back(administrator: Any):
    with fake_provider(id="passing"):
        row = connect("passing")
        change(row, name="Renamed")
    with pytest.raises(Invalid) as refused:
        restore(row, 1)
    assert "passing" in said(refused) and reload(row).name == "Renamed"
    subject = services.subject_of("connection", reload(row))
    assert services.plan(subject, 1, actor=None).refusals
    assert SECRET not in repr(services.compare(subject, 1, 2))


def test_a_setting_that_the_provider_no_longer_has_is_left_out_and_named(connection: Connection):
    history = Connection.history.filter(id=connection.pk)
    history.update(settings={"region": "us", "vanished": "yes"})
    change(connection, name="Renamed")
    made = restore(connection, 1)
    assert reload(connection).settings == {"region": "us"}
    assert any("vanished is not a setting" in one.message for one in made.notices)


def test_a_value_that_the_schema_refuses_today_is_refused_in_words(connection: Connection):
    Connection.history.filter(id=connection.pk).update(settings={"region": "moon"})
    change(connection, name="Renamed")
    with pytest.raises(Invalid) as refused:
        restore(connection, 1)
    assert "eu, us" in said(refused) and reload(connection).name == "Renamed"


def test_the_alias_stays_and_that_is_said(connection: Connection):
    core.change_alias(connection, "other", actor=None)
    change(reload(connection), name="Renamed")
    made = restore(connection, 1)
    assert reload(connection).alias == "other" and reload(connection).name == "Production"
    assert [one.code for one in made.notices] == ["alias_stays"]


def test_another_team_than_of_then_stays(connection: Connection):
    team = core.create_team("Red", actor=None)
    core.move_to_team([connection], team, actor=None)
    change(reload(connection), name="Renamed")
    restore(connection, 1)
    assert reload(connection).team == team
    olaf = person("elsewhere", "Operators")
    with pytest.raises(PermissionDenied):
        restore(connection, 1, olaf)


# -- profiles ------------------------------------------------------------------------------------


@pytest.mark.server
def test_a_profile_gets_its_fallbacks_of_then(connection: Connection, operator: Any):
    first, second = profile_of(connection, name="One"), profile_of(connection, name="Two")
    row = profile_of(connection, fallbacks=[first])
    other = connect(name="Other")
    core.update_profile(row, actor=None, fallbacks=[second], model="fake-any", connection=other)
    core.update_profile(row, actor=None, fallbacks=[], name="Three")
    restore(row, 1, operator)
    row = reload(row)
    assert (row.model, row.connection, [*row.fallbacks.all()]) == (
        "fake-chat",
        connection,
        [first],
    )
    subject = services.subject_of("profile", row)
    found = {one.field: (one.before, one.after) for one in services.compare(subject, 1, 2)}
    assert found["fallbacks"] == ("one", "two")
    assert found["connection"] == ("production", "other")
    undo_last_act(operator)
    assert reload(row).name == "Three" and not reload(row).fallbacks.exists()


def test_a_fallback_that_is_gone_is_left_out_and_a_connection_that_is_gone_is_refused(
    connection: Connection, administrator: Any
):
    spare, other = profile_of(connection, name="Spare"), connect(name="Other")
    row = profile_of(other, fallbacks=[spare])
    core.update_profile(row, actor=None, fallbacks=[], name="Renamed")
    core.delete_profile(spare, actor=None)
    made = restore(row, 1)
    assert [one.code for one in made.notices] == ["not_found"]
    core.update_profile(row, actor=None, connection=connection, name="Renamed")
    core.delete_connection(other, actor=None)
    with pytest.raises(Invalid, match="connection it had is gone"):
        restore(row, 1)
    assert reload(row).name == "Renamed"
    subject = services.subject_of("profile", reload(row))
    assert services.list_versions(subject)[0] == reload(row).version


def test_a_profile_setting_that_is_gone_is_left_out(connection: Connection):
    row = profile_of(connection)
    Profile.history.filter(id=row.pk).update(settings={"temperature": 0.5, "vanished": 1})
    core.update_profile(row, actor=None, name="Renamed")
    made = restore(row, 1)
    assert reload(row).settings == {"temperature": 0.5}
    assert "vanished" in made.notices[0].message


# -- names and pins ------------------------------------------------------------------------------


def test_a_version_is_named_and_pinned_by_whoever_may_change_it(
    connection: Connection, operator: Any, viewer: Any
):
    subject = services.subject_of("connection", connection)
    services.mark_version(subject, 1, actor=operator, name=" Before the  move ", is_pinned=True)
    entry, _fields = services.show_version(subject, 1)
    assert (entry.name, entry.is_pinned) == ("Before the move", True)
    with pytest.raises(PermissionDenied):
        services.mark_version(subject, 1, actor=viewer, is_pinned=False)
    with pytest.raises(Invalid):
        services.mark_version(subject, 1, actor=operator, name="x" * 101)
    services.mark_version(subject, 1, actor=operator, name="", is_pinned=False)
    assert not services.show_version(subject, 1)[0].is_pinned
