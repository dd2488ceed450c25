"""What is deleted once it is old, and what stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from connections import services
from connections.jobs import declared
from connections.models import Connection, ConnectionCheck, RevealRecord, RowVersion, VersionMark
from tests.fakes import connect, profile_of, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]
LONG_AGO = timedelta(days=30)


def run(name: str) -> str:
    return next(one for one in declared() if one.name == name).run()


def test_every_room_has_declared_its_jobs():
    assert [one.name for one in declared()] == [
        "ask-providers",
        "bind-secrets",
        "count-usage",
        "end-unused-tokens",
        "fingerprint-keys",
        "issuer-keys",
        "partition-usage",
        "prune-audit",
        "prune-checks",
        "prune-history",
        "prune-notices",
        "prune-reveals",
        "prune-sessions",
        "prune-sign-ins",
        "prune-undo",
        "prune-usage",
        "purge-secrets",
        "renew-tokens",
        "resume-tests",
        "sign-audit",
        "stream-audit",
        "tell-notices",
        "watch-keys",
    ]


def test_of_checks_that_nobody_asked_for_the_last_stay(connection: Connection, fake: Any):
    other = connect(name="Other")
    people = services.test_connection(connection, actor=None)
    for row, number in ((connection, services.CHECKS_KEPT + 3), (other, 2)):
        services.record_scheduled([(row, services.CheckResult(True, "ok", "It works."))] * number)
    assert services.prune_checks() == 3
    kept = ConnectionCheck.objects.filter(is_scheduled=True, connection=connection)
    assert kept.count() == services.CHECKS_KEPT
    assert ConnectionCheck.objects.filter(connection=other).count() == 2
    assert ConnectionCheck.objects.filter(pk=people.pk).exists()
    assert reload(connection).last_check == kept.first()


def test_of_old_versions_the_newest_of_each_row_stays(connection: Connection, fake: Any):
    profile_of(connection)
    gone = connect(name="Gone")
    services.update_connection(connection, actor=None, name="Renamed")
    services.delete_connection(gone, actor=None)
    Connection.history.update(history_date=timezone.now() - LONG_AGO)
    services.update_connection(reload(connection), actor=None, name="Again")
    assert services.prune_history(10) == 4  # two of the connection, two of the one that is gone
    assert [one.name for one in Connection.history.all()] == ["Again"]


def test_the_newest_version_stays_however_old_it_is(connection: Connection):
    Connection.history.update(history_date=timezone.now() - LONG_AGO)
    assert (services.prune_history(10), Connection.history.count()) == (0, 1)


def test_a_pinned_version_stays_and_so_do_the_newest_of_each(connection: Connection, settings: Any):
    for number in range(4):
        services.update_connection(reload(connection), actor=None, name=f"Name {number}")
    mark = {"kind": "connection", "object_id": str(connection.pk), "is_pinned": True}
    VersionMark.objects.create(number=2, **mark)
    settings.CONNECTIONS_HISTORY_VERSIONS = 2
    assert run("prune-history") == "2 versions beyond 2 of a row deleted."
    Connection.history.update(history_date=timezone.now() - LONG_AGO)
    assert services.prune_history(10) == 1
    assert sorted(Connection.history.values_list("version", flat=True)) == [2, 5]


def test_states_of_teams_are_deleted_by_their_age_but_for_the_newest():
    team = services.create_team("Red", actor=None)
    services.rename_team(team, "Blue", actor=None)
    RowVersion.objects.update(date=timezone.now() - LONG_AGO)
    assert services.prune_history(10) == 1
    assert RowVersion.objects.get().content["name"] == "Blue"


def test_versions_stay_for_ever_unless_the_setting_says_otherwise(
    connection: Connection, settings: Any
):
    services.update_connection(connection, actor=None, name="Renamed")
    Connection.history.update(history_date=timezone.now() - LONG_AGO)
    said = [run("prune-history")]
    settings.CONNECTIONS_HISTORY_DAYS = 10
    said.append(run("prune-history"))
    assert said == [
        "Nothing is deleted: CONNECTIONS_HISTORY_DAYS is 0.",
        "1 version older than 10 days deleted.",
    ]


def test_reads_and_usage_are_deleted_by_their_settings(settings: Any):
    for days in (1, django_settings.CONNECTIONS_REVEAL_DAYS + 1):
        row = RevealRecord.objects.create(address="127.0.0.1", outcome="unknown")
        RevealRecord.objects.filter(pk=row.pk).update(read_at=timezone.now() - timedelta(days=days))
    assert run("prune-reveals") == "1 record of reads older than 400 days deleted."
    assert run("prune-usage").startswith("0 usage records older than 400 days")
    settings.GATEWAY_USAGE_DAYS = settings.CONNECTIONS_REVEAL_DAYS = 0
    assert [run(name)[:18] for name in ("prune-reveals", "prune-usage")] == [
        "Nothing is deleted"
    ] * 2
