"""Events: who did what, on what, from where, and what became of it."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction

from connections import services
from connections.audit import writing
from connections.audit.services import Origin, Subject, act, coming_from, record
from connections.errors import Invalid
from connections.models import ApiToken, AuditEvent, AuditMention, Connection, HostApproval
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def events(**columns: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(**columns).order_by("id"))


def last() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def body(event: AuditEvent) -> Any:
    return json.loads(event.body) if event.body else {}


def test_a_change_says_who_what_and_from_where(connection: Connection, operator: Any):
    meta = {"REMOTE_ADDR": "192.0.2.7"}
    with coming_from(Origin("page", meta)):
        services.update_connection(connection, actor=operator, name="Renamed", tags=["eu"])
    event = last()
    assert (event.action, event.outcome) == ("connection.update", "done")
    assert (event.actor_kind, event.actor_id) == ("person", str(operator.pk))
    assert (event.actor_name, event.address) == (operator.get_username(), "192.0.2.7")
    assert (event.object_kind, event.object_id) == ("connection", str(connection.pk))
    assert body(event)["changes"] == [["name", "Production", "Renamed"], ["tags", "", "eu"]]


def test_a_secret_is_told_by_its_fingerprint_and_never_in_clear(
    connection: Connection, operator: Any
):
    services.update_connection(
        connection, actor=operator, settings={"api_key": OTHER_SECRET}, merge=True
    )
    [[field, before, after]] = body(last())["changes"]
    assert field == "api_key" and before != after
    assert before.startswith("secret ") and after.startswith("secret ")
    assert not any(SECRET in event.body or OTHER_SECRET in event.body for event in events())


def test_the_token_that_somebody_came_with_is_named(connection: Connection, operator: Any):
    token = ApiToken.objects.create(name="ci", user=operator, prefix="sb_x", digest="x")
    operator.token = token
    services.set_active(connection, False, actor=operator)
    assert (last().token_kind, last().token_id) == ("api_token", str(token.pk))
    assert (last().token_name, last().action) == ("ci", "connection.deactivate")


def test_the_operator_of_the_machine_is_named_by_the_command(connection: Connection):
    with coming_from(Origin("command", program="root: connection")):
        services.set_active(connection, False, actor=None)
    assert (last().actor_kind, last().actor_name) == ("command", "root: connection")
    assert last().actor_id == ""


def test_a_refusal_leaves_an_event_without_what_was_typed(connection: Connection, viewer: Any):
    with pytest.raises(PermissionDenied):
        services.update_connection(connection, actor=viewer, settings={"api_key": OTHER_SECRET})
    event = last()
    assert (event.action, event.outcome) == ("connection.update", "refused")
    assert event.code == "missing_right, connections.change_connection"
    assert (event.object_id, event.body) == (str(connection.pk), "")


def test_a_refused_value_is_told_by_its_field(connection: Connection, operator: Any):
    with pytest.raises(Invalid):
        services.update_connection(connection, actor=operator, name="")
    assert (last().outcome, last().code) == ("refused", "name: required")


def test_what_changes_nothing_leaves_no_event(connection: Connection, operator: Any):
    before = len(events())
    services.update_connection(connection, actor=operator, name=connection.name)
    services.set_active(connection, True, actor=operator)
    assert len(events()) == before


def test_several_rows_are_one_event_that_is_found_at_each(fake: Any, operator: Any):
    rows = [connect(name=name) for name in ("One", "Two", "Three")]
    before = len(events())
    services.switch([(row, False) for row in rows], actor=operator)
    assert len(events()) == before + 1
    named = {last().object_id, *last().mentions.values_list("object_id", flat=True)}
    assert named == {str(row.pk) for row in rows}


def test_an_act_that_is_undone_by_its_transaction_leaves_no_event(
    connection: Connection, operator: Any
):
    before = len(events())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.set_active(connection, False, actor=operator)
        raise ZeroDivisionError
    assert len(events()) == before


def test_an_act_inside_of_another_is_told_by_the_outer(connection: Connection, operator: Any):
    profile = profile_of(connection)

    @act("connection.restore")
    def both() -> None:
        services.update_connection(connection, actor=operator, name="Renamed")
        services.update_profile(profile, actor=operator, name="Renamed too")
        record(connection, actor=operator)

    before = len(events())
    both()
    assert len(events()) == before + 1 and last().action == "connection.restore"
    assert body(last())["changes"] == [["name", "Production", "Renamed"]]
    assert body(last())["inside"] == {
        f"profile {profile.alias}": [["name", profile.name, "Renamed too"]]
    }
    assert AuditMention.objects.filter(object_id=str(profile.pk), event=last()).exists()


def test_what_is_deleted_is_named_as_it_was(connection: Connection, administrator: Any):
    pk = str(connection.pk)
    services.delete_connection(connection, actor=administrator)
    assert (last().action, last().object_id) == ("connection.delete", pk)
    assert last().object_name == connection.alias


def test_texts_that_no_database_stores_are_stored_all_the_same(db: None):
    event = record(
        Subject("person", "1", "a\x00b\ud800" + "c" * 300),
        actor=person("eve"),
        action="person.update",
    )
    assert event is not None
    stored = AuditEvent.objects.get(pk=event.pk)
    assert stored.object_name.startswith("a\ufffdb?c") and len(stored.object_name) == 255


def test_an_action_without_words_is_refused():
    with pytest.raises(ValueError, match="no words"):
        act("connection.juggle")


def test_a_host_that_a_save_approves_is_named_by_its_event(fake: Any, administrator: Any):
    settings = {"api_key": "$Fake:ApiKey", "base_url": "https://own.example/v1"}
    saved = services.create_connection("fake", actor=administrator, name="New", settings=settings)
    assert body(last())["others"] == [["host", "", "https://own.example (fake)"]]
    services.forget_host(HostApproval.objects.get(), actor=administrator)
    before = len(events())
    services.update_connection(saved.row, actor=administrator, settings=settings)
    assert len(events()) == before + 1 and last().object_id == str(saved.row.pk)


def test_a_refusal_that_cannot_be_recorded_is_a_refusal_all_the_same(
    connection: Connection, viewer: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    def broken(_values: Any) -> None:
        raise DatabaseError("readonly database")

    monkeypatch.setattr(writing, "append", broken)
    with pytest.raises(PermissionDenied):
        services.set_active(connection, False, actor=viewer)
    assert "left no event" in caplog.text
