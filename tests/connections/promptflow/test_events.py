"""What promptflow's commands and flows do leaves events, and so does what they are refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.utils import timezone

from connections.errors import InUse, Invalid
from connections.models import AuditEvent, Connection, RevealRecord, RevealToken
from connections.promptflow import services
from connections.promptflow.format.documents import read_document
from connections.promptflow.services import apply as apply_module
from connections.promptflow.services.reveal import REFUSALS_A_MINUTE
from connections.services import set_active
from tests.events import body_of, left_by, told
from tests.fakes import SECRET, connect

from .test_reveal import ask, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.server]
DOCUMENT = {"name": "mine", "type": "open_ai", "api_key": "sk-of-the-file-01"}
OTHER = {"name": "two", "type": "custom", "secrets": {"token": "secret-of-the-file"}}


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect("openai", name="My OpenAI", alias="my-openai")


@pytest.fixture
def token(administrator: Any, row: Connection) -> str:
    return token_for(administrator, row)


def apply(who: Any, *documents: dict[str, Any], **options: Any) -> Any:
    """Applies documents as a folder."""
    read = [(f"{one['name']}.yaml", read_document(one)) for one in documents]
    return services.apply_documents(read, actor=who, label="flows", **options)


def create_token(who: Any, row: Connection) -> Any:
    return services.create_reveal_token("flow", user=who, actor=who, connections=[row.alias])


# What the door offers to people, the action of the event that a call leaves, and the call
ACTS: dict[str, tuple[str, Callable[[Any, Connection], Any]]] = {
    "apply_documents": ("promptflow.import", lambda who, _row: apply(who, DOCUMENT)),
    "create_reveal_token": ("flow_token.create", create_token),
    "promptflow_file": (
        "promptflow.export",
        lambda who, row: services.promptflow_file(row, actor=who),
    ),
    "promptflow_files": (
        "promptflow.export",
        lambda who, row: services.promptflow_files([row], actor=who),
    ),
    "save_promptflow": (
        "connection.create",
        lambda who, _row: services.save_promptflow(read_document(DOCUMENT), actor=who),
    ),
}
OTHERS = {"prune_reveals", "prune_reveals_by_settings", "reveal_connection", "reveal_connections"}
READERS = frozenset(
    {
        "applied_tag",
        "behind_lost_keys",
        "declare_versions",
        "document_view",
        "execution_dict",
        "find_promptflow",
    }
    | {"find_to_change", "find_to_write", "keeping_answers", "needed_answers", "promptflow_rows"}
    | {"promptflow_view", "promptflow_views", "reads_of_the_last_hour", "reveal_records"}
    | {"reveal_tokens", "revealable"}
)


@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_and_what_is_refused_leaves_one_event(
    row: Connection,
    name: str,
    administrator: Any,
    stranger: Any,
):
    action, act = ACTS[name]
    [refused] = left_by(lambda: act(stranger, row), PermissionDenied)
    assert (refused.action, refused.outcome, refused.actor_name) == (action, "refused", "sten")
    [done] = left_by(lambda: act(administrator, row))
    assert (done.action, done.outcome, done.actor_name) == (action, "done", "ada")
    assert "sk-" not in repr(list(AuditEvent.objects.values()))


def test_every_act_of_the_door_is_in_the_table():
    acts = {one for one in services.__all__ if one[0].islower()}
    assert acts == {*ACTS, *OTHERS, *READERS}


def test_a_folder_is_one_event_with_what_it_changed(db: None):
    [event] = left_by(lambda: apply(None, DOCUMENT, OTHER))
    assert body_of(event)["detail"] == {"create": 2, "update": 0, "delete": 0}
    [mentioned] = event.mentions.all()
    assert {event.object_id, mentioned.object_id} == {
        str(one) for one in Connection.objects.values_list("pk", flat=True)
    }
    assert left_by(lambda: apply(None, DOCUMENT, OTHER)) == []
    [pruned] = left_by(lambda: apply(None, DOCUMENT, prune=True))
    assert (pruned.object_name, body_of(pruned)["detail"]["delete"]) == ("two", 1)


def test_a_folder_with_a_conflict_is_refused_and_a_dry_run_is_no_act(db: None):
    assert told(lambda: apply(None, DOCUMENT, DOCUMENT)) == [
        ("promptflow.import", "refused", "conflict")
    ]
    assert told(lambda: apply(None, DOCUMENT, dry_run=True)) == []
    assert told(lambda: apply(None, DOCUMENT, DOCUMENT, dry_run=True)) == []


def test_an_unanswered_file_is_refused_by_the_names_of_its_fields(db: None):
    document = read_document({**DOCUMENT, "api_key": "<user-input>"})
    found = told(lambda: services.save_promptflow(document, actor=None), Invalid)
    assert found == [("promptflow.import", "refused", "api_key: required")]


def test_a_dump_of_several_is_one_event(row: Connection):
    other = connect("openai", name="Other")
    [event] = left_by(lambda: call_command("connection", "dump"))
    assert {event.object_name, body_of(event)["others"][0][2]} == {row.alias, other.alias}
    assert event.actor_kind == "command" and event.actor_name.endswith(": connection")


# Flows


def test_a_read_names_the_token_its_person_the_connection_and_the_address(
    administrator: Any,
    row: Connection,
    token: str,
):
    [event] = left_by(lambda: ask(token, "connections/my-openai", REMOTE_ADDR="192.0.2.4"))
    assert (event.action, event.outcome, event.surface) == ("secret.read", "done", "api")
    assert (event.actor_name, event.token_kind, event.token_name) == ("ada", "flow_token", "flow")
    assert event.token_id == str(RevealToken.objects.get().pk)
    assert (event.object_id, event.address) == (str(row.pk), "192.0.2.4")
    assert token not in repr(vars(event)) and SECRET not in repr(vars(event))


def test_a_read_of_all_names_each_and_how_many_were_left_out(administrator: Any, fake: Any):
    rows = [connect("openai", name=name) for name in ("One", "Two", "Three")]
    text = token_for(administrator, *rows)
    set_active(rows[2], False, actor=None)
    [event] = left_by(lambda: services.reveal_connections(text, address="192.0.2.4"))
    named = {event.object_id, *event.mentions.values_list("object_id", flat=True)}
    assert named == {str(rows[0].pk), str(rows[1].pk)} and event.address == "192.0.2.4"
    assert body_of(event)["detail"] == {"left_out": 1}


def test_a_refused_read_says_why(
    row: Connection,
    token: str,
):
    set_active(row, False, actor=None)
    one = told(lambda: ask(token, "connections/my-openai"))
    none = left_by(lambda: ask(token, "connections/typed-by-somebody"))
    RevealToken.objects.update(revoked_at=timezone.now())
    revoked = told(lambda: ask(token))
    assert one == [("secret.read", "refused", "connection_inactive")]
    assert [(each.code, each.body) for each in none] == [("not_found", "")]
    assert revoked == [("secret.read", "refused", "revoked")]


def test_guesses_leave_no_more_events_than_records(db: None):
    cache.clear()

    def guess() -> None:
        for number in range(200):
            with pytest.raises(services.NotRevealed):
                services.reveal_connections(f"sbr_guess-{number}", address="192.0.2.9")

    events = left_by(guess)
    assert len(events) <= 2 * REFUSALS_A_MINUTE  # a minute may end meanwhile
    assert len(events) == RevealRecord.objects.count()
    assert {(one.code, one.actor_kind, one.address) for one in events} == {
        ("unknown", "nobody", "192.0.2.9")
    }
    assert not AuditEvent.objects.filter(body__contains="guess").exists()


def test_the_deletion_of_old_records_is_one_event_if_there_were_any(db: None):
    old = RevealRecord.objects.create(address="", outcome="read", token_name="x", connections=[])
    RevealRecord.objects.filter(pk=old.pk).update(read_at=timezone.now() - timedelta(days=400))
    assert told(lambda: services.prune_reveals(30, dry_run=True)) == []
    [event] = left_by(lambda: services.prune_reveals(30))
    assert (event.action, body_of(event)["detail"]) == ("flow_reads.prune", {"rows": 1, "days": 30})
    assert left_by(lambda: services.prune_reveals(30)) == []


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_was_taken_back_leaves_no_event(
    row: Connection, monkeypatch: pytest.MonkeyPatch
):
    apply(None, DOCUMENT, OTHER)
    delete, judge, judged = apply_module.delete_connection, apply_module._judged, []

    def delete_what_is_used_meanwhile(one: Connection, **more: Any) -> None:
        delete(one, **more)
        raise InUse([row])

    def judge_what_is_kept_meanwhile(*arguments: Any) -> Any:
        judged.append(arguments)
        if len(judged) == 2:
            Connection.objects.filter(name="two").update(tags=[])
        return judge(*arguments)

    monkeypatch.setattr(apply_module, "delete_connection", delete_what_is_used_meanwhile)
    monkeypatch.setattr(apply_module, "_judged", judge_what_is_kept_meanwhile)
    assert left_by(lambda: apply(None, DOCUMENT, prune=True)) == []
    assert len(judged) == 2 and Connection.objects.filter(name="two").exists()
