"""The pages and the API of the list of faults."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, HostApproval, Snooze
from tests.connections.api.calls import Api, token_of
from tests.fakes import SECRET, connect
from tests.pages import html, told, words
from tests.people import browser

from .test_attention import fail

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(fake: Any) -> Connection:
    found = connect(name="Main")
    fail(found)
    return found


@pytest.fixture
def client(operator: Any) -> Client:
    return browser(operator)


@pytest.mark.parametrize(
    ("who", "seen", "done"),
    [
        ("administrator", 200, 302),
        ("operator", 200, 302),
        ("viewer", 200, 403),
        ("stranger", 403, 403),
        ("nobody", 302, 302),
    ],
)
def test_viewers_see_and_operators_snooze(
    people: Any, row: Connection, who: str, seen: int, done: int
):
    there, given = browser(people[who]), {"fault": f"connection:{row.pk}", "reason": "Known."}
    assert there.get("/attention/").status_code == seen
    assert there.post("/attention/snooze/", {**given, "hours": "4"}).status_code == done
    assert Snooze.objects.exists() == (who in ("administrator", "operator"))


def test_a_viewer_is_offered_no_cure(row: Connection, viewer: Any, client: Client):
    HostApproval.objects.create(section="fake", host="https://gateway.example")
    assert "Test" not in words(browser(viewer).get("/attention/")).partition("Main")[2]
    page = html(client.get("/attention/"))
    assert f'action="/connections/{row.pk}/test/"' in page and "Approve" not in page


def test_the_dashboard_has_the_first_ten_and_the_number_of_the_others(fake: Any, client: Client):
    for number in range(13):
        fail(connect(name=f"Row {number:02}"))
    text = words(client.get("/"))
    assert "and 3 more" in text and "Row 09" in text and "Row 10" not in text
    assert "13 need attention" in text


def test_a_snooze_is_told_and_ended_on_the_page(row: Connection, client: Client, operator: Any):
    given = {"fault": f"connection:{row.pk}", "reason": "The vendor knows.", "hours": "24"}
    answer = client.post("/attention/snooze/", {**given, "next": "/attention/"})
    assert answer["Location"] == "/attention/" and "Snoozed until" in told(answer)[0]
    text = words(client.get("/attention/?snoozed=yes"))
    assert "The vendor knows." in text and f"by {operator}" in text
    client.post(f"/attention/snoozes/{Snooze.objects.get().pk}/wake/")
    assert "Main" in words(client.get("/attention/"))


def test_a_snooze_without_a_reason_is_refused(row: Connection, client: Client):
    answer = client.post("/attention/snooze/", {"fault": f"connection:{row.pk}", "hours": "4"})
    assert "Say why" in told(answer)[0] and not Snooze.objects.exists()


def test_ticked_faults_are_snoozed_together_but_for_those_that_are_over(
    row: Connection, client: Client
):
    fail(connect(name="Second"))
    keys = [f"connection:{one.pk}" for one in Connection.objects.all()]
    given = {"ids": [*keys, "over"], "reason": "Maintenance.", "hours": "4"}
    answer = client.post("/attention/snooze/", given | {"next": "/attention/?sort=kind"})
    assert answer["Location"] == "/attention/?sort=kind"
    assert told(answer)[0].startswith("2 snoozed until")
    assert set(Snooze.objects.values_list("fault", flat=True)) == set(keys)
    assert told(client.post("/attention/snooze/", {}))[-1] == "Tick the faults first."
    assert client.post("/attention/snooze/", given | {"ids": ["over"]}).status_code == 404


def test_faults_are_sorted_filtered_and_kept_as_a_view(row: Connection, client: Client):
    connect(name="Early", settings={"api_key": "$Fake:Missing"})

    def kinds(query: str) -> list[str]:
        lines = client.get(f"/attention/?{query}").context["lines"]
        return [line.ranked.fault.kind for line in lines]

    assert kinds("") == ["failing", "reference"] == kinds("sort=kind")
    assert kinds("sort=-worst") == kinds("sort=-kind") == ["reference", "failing"]
    assert kinds("kind=reference") == ["reference"]
    given = {"name": "Missing", "query": "kind=reference&sort=-since&page=2"}
    saved = client.post("/lists/attention/views/", given)
    assert saved["Location"] == "/attention/?kind=reference&sort=-since"
    assert 'aria-label="Without Kind: Reference"' in html(client.get(saved["Location"]))


def test_the_api_lists_and_snoozes(row: Connection, operator: Any):
    api = Api(token_of(operator))
    (item,) = api.read("/attention?kind=failing")["items"]
    assert (item["title"], item["connections"][0]["alias"]) == ("Main", "main")
    assert [one["action"] for one in item["cures"]] == ["test", "enter_key"]
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"fault": item["fault"], "reason": "Known.", "until": until}
    made = api("POST", "/attention/snoozes", body)
    assert made.status_code == 201 and api.read("/attention")["total"] == 0
    assert api.read("/attention?snoozed=true")["items"][0]["snooze"]["reason"] == "Known."
    assert api("DELETE", f"/attention/snoozes/{made.json()['id']}").status_code == 204
    assert api.read("/attention")["total"] == 1


def test_the_api_refuses_what_is_no_fault_and_a_time_that_is_over(row: Connection, operator: Any):
    api, now = Api(token_of(operator)), timezone.now()
    late = {"fault": f"connection:{row.pk}", "reason": "x", "until": now.isoformat()}
    none = {**late, "fault": "none", "until": (now + timedelta(hours=1)).isoformat()}
    answers = [api("POST", "/attention/snoozes", one) for one in (late, none)]
    assert [one.status_code for one in answers] == [400, 404]
    assert answers[0].json()["errors"][0]["pointer"] == "/until"


def test_the_page_of_a_connection_says_where_a_refused_value_came_from(
    fake: Any, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("Fake__ApiKey", SECRET)
    row = connect(name="Main", settings={"api_key": "$Fake:ApiKey"})
    before = words(client.get(row.get_absolute_url()))
    fail(row)
    after = words(client.get(row.get_absolute_url()))
    assert "Nothing: it is set. Its value came from environment (Fake__ApiKey)" in before
    assert "set another value. Its value came from environment (Fake__ApiKey)" in after
