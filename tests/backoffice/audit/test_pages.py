"""The pages of the audit: who sees them, what they say, what they leave out."""

import json
from typing import Any

import pytest
from django.urls import reverse

from connections import services
from connections.audit.services import Origin, coming_from, sentence
from connections.models import ApiToken, AuditEvent, Connection
from tests.fakes import SECRET
from tests.people import browser

pytestmark = pytest.mark.django_db


def last() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode() if response.streaming else response.text


@pytest.fixture
def renamed(connection: Connection, operator: Any) -> AuditEvent:
    with coming_from(Origin("page", {"REMOTE_ADDR": "192.0.2.7"})):
        services.update_connection(connection, actor=operator, name="Renamed")
    return last()


def test_each_of_the_five_sees_what_they_may(
    renamed: AuditEvent, administrator: Any, operator: Any, viewer: Any, stranger: Any, nobody: Any
):
    people = (administrator, operator, viewer, stranger, nobody)
    table: list[tuple[str, list[int]]] = [
        (reverse("audit-list"), [200, 403, 403, 403, 302]),
        (reverse("own-acts"), [200, 200, 200, 200, 302]),
        (reverse("audit-event", args=[renamed.pk]), [200, 200, 404, 404, 302]),
        (reverse("audit-event", args=[10**30]), [404, 404, 404, 404, 302]),
    ]
    for address, expected in table:
        found = [browser(one).get(address).status_code for one in people]
        assert (address, found) == (address, expected)
    found = [
        browser(one).post(reverse("audit-export"), {"format": "csv"}).status_code for one in people
    ]
    assert found == [200, 403, 403, 403, 302]


def test_an_event_is_a_sentence_with_its_differences(renamed: AuditEvent, administrator: Any):
    client = browser(administrator)
    listed = client.get(reverse("audit-list")).text
    shown = client.get(reverse("audit-event", args=[renamed.pk])).text
    assert f"{renamed.actor_name} changed the connection" in listed and "192.0.2.7" in listed
    assert "<del><code>Production</code></del>" in shown
    assert "<ins><code>Renamed</code></ins>" in shown
    assert reverse("connection-detail", args=[renamed.object_id]) in shown
    assert SECRET not in listed + shown


def test_what_is_gone_has_no_link(connection: Connection, administrator: Any):
    services.delete_connection(connection, actor=administrator)
    shown = browser(administrator).get(reverse("audit-event", args=[last().pk])).text
    assert f"/connections/{connection.pk}/" not in shown and connection.alias in shown


def test_filters_are_chips_and_nonsense_is_said(renamed: AuditEvent, administrator: Any):
    client, there = browser(administrator), reverse("audit-list")
    by_object = client.get(there, {"object": f"connection:{renamed.object_id}"}).text
    assert "changed the connection" in by_object and 'class="chip"' in by_object
    nonsense = client.get(there, {"address": "everywhere"})
    assert nonsense.status_code == 200 and "An address, or a network" in nonsense.text
    assert "Begin again" in client.get(there, {"behind": "nonsense"}).text


def test_pages_go_on_behind_the_last_event(connection: Connection, administrator: Any):
    for number in range(30):
        services.update_connection(connection, actor=administrator, name=f"Name {number}")
    client, there = browser(administrator), reverse("audit-list")
    first = client.get(there, {"verb": "update"})
    second = client.get(there, {"verb": "update", "behind": first.context["page"].behind})
    assert len(first.context["lines"]) == 25 and len(second.context["lines"]) == 5
    assert "Older" in first.text and "Older" not in second.text and "Newest" in second.text


def test_a_person_sees_their_own_acts_and_no_others(
    renamed: AuditEvent, operator: Any, viewer: Any, administrator: Any
):
    assert "changed the connection" in browser(operator).get(reverse("own-acts")).text
    assert "changed the connection" not in browser(viewer).get(reverse("own-acts")).text


def test_an_export_is_a_file_and_an_event(renamed: AuditEvent, administrator: Any):
    client, there = browser(administrator), reverse("audit-export")
    found = body(client.post(there, {"format": "jsonl", "verb": "update"}))
    lines = [json.loads(line) for line in found.splitlines()]
    assert [one["action"] for one in lines] == ["connection.update"]
    assert lines[0]["changes"] == [
        {"object": "", "field": "name", "before": "Production", "after": "Renamed"}
    ]
    assert (last().action, last().actor_name) == ("audit.export", administrator.get_username())
    assert json.loads(last().body)["detail"] == {"format": "jsonl", "filters": {"verb": "update"}}


def test_no_cell_of_the_csv_is_a_formula(connection: Connection, administrator: Any):
    ApiToken.objects.create(name="=1+1", user=administrator, prefix="sb_x", digest="x")
    administrator.token = ApiToken.objects.get(name="=1+1")
    services.update_connection(connection, actor=administrator, name="=cmd()")
    found = body(browser(administrator).post(reverse("audit-export"), {"format": "csv"}))
    assert "'=1+1" in found and ",=" not in found


def test_pages_of_rows_lead_to_what_was_done(
    connection: Connection, administrator: Any, operator: Any
):
    client = browser(administrator)
    there = f"{reverse('audit-list')}?object=connection:{connection.pk}"
    assert there in client.get(connection.get_absolute_url()).text
    assert there not in browser(operator).get(connection.get_absolute_url()).text
    who = f"{reverse('audit-list')}?actor={operator.pk}"
    assert who in client.get(reverse("person-detail", args=[operator.pk])).text


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("done", "ann tested the connection eu"),
        ("failed", "ann tried to test the connection eu, which failed"),
        ("refused", "ann tried to test the connection eu and was refused"),
    ],
)
def test_what_failed_was_not_refused(outcome: str, said: str):
    assert sentence("connection.test", "ann", "eu", outcome) == said
