"""What is done with connection types leaves events, and so does what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from connections import catalog
from connections import services as core
from connections.errors import Invalid
from connections.models import Connection
from connections.types import services
from providers.core.errors import ProviderError
from tests.events import body_of, left_by
from tests.fakes import connect
from tests.people import person

from .authorizing import REFRESH, Service, row_of
from .manifests import SETTINGS, document, second

pytestmark = [pytest.mark.django_db, pytest.mark.server]
KEY = "acme.helpdesk"

# What the door offers, with the action of the event that a call leaves, and the call
Act = Callable[[Any], Any]
ACTS: dict[str, tuple[str, Act]] = {
    "give_type": (
        "type.move",
        lambda who: services.give_type(KEY, core.team_named("Red", actor=None), actor=who),
    ),
    "install_type": ("type.install", lambda who: services.install_type(second(), actor=who)),
    "install_types": ("type.install", lambda who: services.install_types(second(), actor=who)),
    "remove_type": ("type.delete", lambda who: services.remove_type(KEY, actor=who)),
}
WITH_A_SERVICE = {"finish_authorization", "sync_types"}
READERS = frozenset(
    {
        "ask_authorization",
        "connection_type",
        "connection_types",
        "declare_versions",
        "hosts_of",
        "is_allowed",
    }
    | {"keep_question", "open_question", "preview_type", "preview_types", "read_types"}
    | {"rows_behind", "take_question", "type_users"}
)


@pytest.fixture
def installed() -> None:
    services.install_type(document(), actor=None)
    core.create_team("Red", actor=None)


@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_and_what_is_refused_leaves_one_event(
    installed: None, name: str, administrator: Any, stranger: Any
):
    action, act = ACTS[name]
    [refused] = left_by(lambda: act(stranger), PermissionDenied)
    assert (refused.action, refused.outcome, refused.actor_name) == (action, "refused", "sten")
    [done] = left_by(lambda: act(administrator))
    assert (done.action, done.outcome, done.actor_name) == (action, "done", "ada")
    assert (done.object_kind, done.object_id) == ("type", KEY)


def test_every_act_of_the_door_is_in_the_table():
    acts = {one for one in services.__all__ if one[0].islower()}
    assert acts == {*ACTS, *WITH_A_SERVICE, *READERS}


def test_a_new_version_names_the_connections_that_it_brought_up(installed: None):
    row = connect(KEY, settings=SETTINGS)
    [event] = left_by(lambda: services.install_type(second(), actor=None))
    assert body_of(event) == {
        "changes": [["version", "1", "2"]],
        "others": [["connection", str(row.pk), row.alias]],
    }
    assert event.mentions.get().object_id == str(row.pk)


def test_what_is_there_already_leaves_no_event(installed: None):
    assert left_by(lambda: services.install_type(document(), actor=None)) == []
    assert left_by(lambda: services.give_type(KEY, None, actor=None)) == []


def test_a_refused_document_is_told_by_codes(installed: None):
    bad = document(version=2, base_url="ftp://typed-by-somebody.example")
    [event] = left_by(lambda: services.install_types(bad, actor=None), Invalid)
    assert (event.action, event.outcome, event.object_kind) == ("type.install", "refused", "")
    assert event.code and "typed-by-somebody" not in event.code + event.body


def test_connections_of_a_file_that_are_brought_up_are_one_event(
    settings: Any, tmp_path: Any, stranger: Any
):
    settings.CONNECTIONS_TYPES_DIR = str(tmp_path)
    path = tmp_path / "acme.yaml"
    path.write_text(document())
    row = connect(KEY, settings=SETTINGS)
    path.write_text(second())
    catalog.forget()
    [event] = left_by(lambda: services.sync_types(actor=None))
    assert (event.action, event.object_id) == ("type.update", KEY)
    assert body_of(event)["others"] == [["connection", str(row.pk), row.alias]]
    assert left_by(lambda: services.sync_types(actor=None)) == []
    [refused] = left_by(lambda: services.sync_types(actor=stranger), PermissionDenied)
    assert (refused.action, refused.outcome) == ("type.update", "refused")


def answer_of(server: Service, asked: services.Asked) -> str:
    """The address at which the browser of whoever allows it ends."""
    return f"{asked.attempt.redirect_uri}?state={asked.attempt.state}&code={server.code}"


def test_an_allowed_connection_is_one_event_without_the_token(stranger: Any):
    ada = person("ada", "Administrators")
    with Service() as server:
        server.code = "code-1"
        row: Connection = row_of(server)
        asked = services.ask_authorization(row, "http://localhost/", actor=ada)

        def finish(who: Any, answer: str) -> Callable[[], Any]:
            return lambda: services.finish_authorization(row, asked.attempt, answer, actor=who)

        good = answer_of(server, asked)
        [unlike] = left_by(finish(ada, "http://localhost/?state=other"), ProviderError)
        [unable] = left_by(finish(stranger, good), PermissionDenied)
        [done] = left_by(finish(ada, good))
    found = [(one.action, one.outcome) for one in (unlike, unable, done)]
    assert found == [("connection.authorize", one) for one in ("refused", "refused", "done")]
    assert (done.object_id, unlike.object_id) == (str(row.pk), str(row.pk))
    assert [one[0] for one in body_of(done)["changes"]] == ["refresh_token"]
    assert REFRESH not in done.body and "code-1" not in unlike.code + done.body
