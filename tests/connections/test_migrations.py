"""One migration for each app; a database of the time before has nothing to do."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from connections import services
from connections.models import Connection, Fallback, HostApproval, Profile
from tests.fakes import profile_of

pytestmark = [pytest.mark.django_db, pytest.mark.server]
APPS = ("connections", "gateway")
# they belong to tables that are as new
WITHOUT_OLD_ROWS = {
    ("connections", "aliasuse"),
    ("connections", "issuerrule"),
    ("connections", "taskpart"),
    ("gateway", "noticedelivery"),
}
AS_NEW = {
    "connections.auditevent",
    "connections.team",
}  # tables whose rows the version before never deletes


@pytest.mark.parametrize("app", APPS)
def test_an_app_begins_with_one_migration(app: str):
    names = [name for label, name in MigrationLoader(None).disk_migrations if label == app]
    assert sorted(names)[0] == "0001_squashed" and not [one for one in names if "initial" in one]


def test_profiles_of_the_time_before_do_not_bypass_what_is_switched_off(connection):
    old, given = profile_of(connection), profile_of(connection, settings={"fallback_on": ["dns"]})
    alone = profile_of(connection)
    for profile in (old, given):
        Fallback.objects.create(profile=profile, fallback=alone, position=0)
    import_module("connections.migrations.0002_fallbacks_as_before").keep(apps, None)
    found = {row.pk: row.settings.get("fallback_on") for row in Profile.objects.all()}
    assert "connection_inactive" not in found[old.pk] and "timeout" in found[old.pk]
    assert (found[given.pk], found[alone.pk]) == (["dns"], None)


def test_names_of_the_time_before_get_their_keys(connection):
    Connection.objects.update(name="Ärger", name_key="", keyed_name="")
    fill = import_module("connections.migrations.0004_fill_name_keys").fill
    fill(apps, None)
    assert list(Connection.objects.values_list("name_key", "keyed_name")) == [("arger", "Ärger")]


def test_names_of_the_time_before_get_their_sort_keys(connection):
    Connection.objects.update(name="Ärger 2", sort_key="", sorted_name="")
    fill = import_module("connections.migrations.0023_fill_sort_keys").fill
    fill(apps, None)
    expected = [("arger 000000000002", "Ärger 2")]
    assert list(Connection.objects.values_list("sort_key", "sorted_name")) == expected


def test_what_a_connection_does_today_stays_allowed(settings):
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["TeamB"]
    addresses = {"base_url": "https://gateway.example:8443/v1", "api_key": "$TeamB:ApiKey"}
    row = services.create_connection(
        "openai-compatible", actor=None, name="Old", settings=addresses
    ).row
    before = set(HostApproval.objects.values_list("section", "host", "state"))
    HostApproval.objects.all().delete()
    approve = import_module("connections.migrations.0006_approve_todays_hosts").approve
    approve(apps, None)
    approve(apps, None)
    assert set(HostApproval.objects.values_list("section", "host", "state")) == before
    assert before == {("teamb", "https://gateway.example:8443", "approved")}
    assert HostApproval.objects.get().connection == row


def test_a_database_that_has_the_old_migrations_has_nothing_of_them_to_do():
    recorder = MigrationRecorder(database)
    replaced = [
        old
        for (label, _), migration in MigrationLoader(None).disk_migrations.items()
        if label in APPS
        for old in migration.replaces
    ]
    # with what stands on them, or the plan is the way back from it
    recorder.migration_qs.filter(app__in=[*APPS, "people"]).delete()
    for label, name in replaced:
        recorder.record_applied(label, name)
    executor = MigrationExecutor(database)
    first = [(app, "0001_squashed") for app in APPS]
    assert executor.migration_plan(first) == []


def test_what_later_migrations_add_holds_no_row_that_the_version_before_deletes():
    loader = MigrationLoader(None)
    first = loader.project_state([(app, "0001_squashed") for app in APPS])
    now = loader.project_state()
    held = [
        f"{model}.{name}"
        for (app, model), state in now.models.items()
        for name, field in state.fields.items()
        if app in APPS and field.is_relation and field.remote_field.model not in AS_NEW
        if (field.remote_field if field.many_to_many else field).db_constraint
        if (app, model) not in first.models or name not in first.models[app, model].fields
        if (app, model) not in WITHOUT_OLD_ROWS
    ]
    assert held == []
