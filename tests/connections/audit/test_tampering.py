"""Who may write to the database, and no more, has nothing of the audit confirmed by the server."""

import pytest
from django.db import connection

from connections.audit.services import make_checkpoints, verify
from connections.models import AuditChain, AuditCheckpoint, AuditEvent

from .test_verification import codes, events, forged, sql, yesterday

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def test_a_forged_head_is_sealed_by_no_later_event():
    forged(events(5))
    events(3)
    assert codes() == {"head_changed"}


def test_a_head_of_a_key_that_is_not_here_is_no_excuse():
    forged(events(5))
    AuditChain.objects.update(key="elsewhere")
    assert codes() == {"seal_unknown"}


def test_a_forged_head_is_not_signed_as_if_it_were_whole(monkeypatch: pytest.MonkeyPatch):
    forged(yesterday(5, monkeypatch))
    AuditChain.objects.update(key="elsewhere")
    make_checkpoints()
    assert codes() == {"signed_unsealed"}


ODD = {
    "a body that is no object": "UPDATE connections_auditevent SET body = '[\"others\"]'",
    "others of another shape": "UPDATE connections_auditevent SET body = '{\"others\": [1]}'",
    "a broken body": "UPDATE connections_auditevent SET body = '{\"others\"'",
}
ODD_OF_A_DATABASE = {
    "sqlite": [
        "UPDATE connections_auditevent SET chain = 'no id' WHERE number = 2",
        "UPDATE connections_auditevent SET chain = upper(chain) || '-' WHERE number = 2",
        "UPDATE connections_auditchain SET id = 'x'",
        "UPDATE connections_auditevent SET at = 'yesterday' WHERE number = 2",
        "UPDATE connections_auditevent SET body = CAST(x'ff' AS TEXT) WHERE number = 2",
    ],
    "postgresql": ["UPDATE connections_auditevent SET at = 'infinity' WHERE number = 2"],
}


@pytest.mark.parametrize("name", ODD)
def test_what_has_another_shape_is_a_fault_and_no_crash(name: str):
    events(3)
    sql(ODD[name])
    assert "event_changed" in codes()


def test_what_cannot_be_read_is_a_fault_that_names_the_event():
    for text in ODD_OF_A_DATABASE[connection.vendor]:
        sql("DELETE FROM connections_auditevent"), sql("DELETE FROM connections_auditchain")
        rows = events(3)
        sql(text)
        found = [one.event for one in verify().problems]
        assert rows[1].pk in found or "auditchain" in text, text
        assert found


def test_an_id_that_is_written_in_another_way_hides_no_event():
    if connection.vendor != "sqlite":
        return
    rows = events(3)
    text = str(rows[0].chain)
    columns = [one.column for one in AuditEvent._meta.concrete_fields if one.column != "id"]
    values = ["%s" if one == "chain" else one for one in columns]
    names = ", ".join(["id", *columns])
    copy = f"INSERT INTO connections_auditevent ({names}) SELECT 999, {', '.join(values)}"
    sql(f"{copy} FROM connections_auditevent WHERE id = %s", text, rows[2].pk)
    assert [one.event for one in verify().problems] == [999]


@pytest.mark.parametrize("body", ["", "{", "[]", '{"day":"x","before":"","chains":[[]]}'])
def test_a_broken_checkpoint_is_a_fault_and_no_crash(body: str, monkeypatch: pytest.MonkeyPatch):
    yesterday(2, monkeypatch)
    make_checkpoints()
    AuditCheckpoint.objects.update(body=body)
    assert "checkpoint_changed" in codes()
