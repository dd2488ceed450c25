"""The list of requests: what it shows, its places, its filters, and where it is linked."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import ApiToken, Connection, ListChoice
from gateway.models import UsageRecord
from gateway.usage import paging
from gateway.usage.counting import count_all
from gateway.usage.records import Period, last
from gateway.usage.scoped_counting import count_scopes
from tests.fakes import profile_of
from tests.gateway.records import NOON, NOWHERE, WEBSITE, gone_round, used
from tests.pages import HTMX, html, words
from tests.people import browser

pytestmark = pytest.mark.django_db

THERE = "/usage/requests/"
PEOPLE = {"administrator": 200, "operator": 200, "viewer": 403, "stranger": 403, "nobody": 302}


def ago(**duration: float) -> Any:
    return timezone.now() - timedelta(**duration)


@pytest.fixture
def page(operator: Any) -> Client:
    """An operator's browser, and requests of an hour ago, three days ago and twenty days ago."""
    used(started_at=ago(hours=1), key=uuid4(), latency_ms=1500)
    used(started_at=ago(days=3), outcome="timeout", profile_alias="other", user_name="eve")
    used(started_at=ago(days=20), model="claude")
    return browser(operator)


def shown(client: Client, query: str = "") -> list[UsageRecord]:
    return list(client.get(f"{THERE}?{query}").context["lines"])


def pages(client: Client, query: str) -> list[list[int]]:
    """The ids of each page, one behind the other."""
    found, address = [], f"{THERE}?{query}"
    while address:
        response = client.get(address)
        found.append([one.pk for one in response.context["lines"]])
        older = re.search(r'rel="next" href="([^"]*)"', html(response))
        address = THERE + unescape(older[1]) if older else ""
    return found


def test_it_is_for_whoever_sees_usage(people: dict[str, Any]):
    assert {name: browser(user).get(THERE).status_code for name, user in people.items()} == PEOPLE


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("period=7d", 2),
        ("period=30d", 3),
        ("period=nonsense", 1),
        ("period=30d&outcome=failed", 1),
        ("period=30d&profile=other", 1),
        ("period=30d&connection=production", 3),
        (f"period=30d&token={WEBSITE}", 3),
        (f"period=30d&token={UUID(int=9)}", 0),
        ("period=30d&user=eve", 1),
        ("period=30d&user=eve&profile=other&model=gpt-4o", 1),
        ("period=30d&model=claude", 1),
        ("period=30d&provider=openai", 3),
        ("period=30d&attempts=several", 0),
        ("period=30d&request=no-such", 0),
        ("period=30d&user=%00", 3),
    ],
)
@pytest.mark.parametrize("is_counted", [False, True])
def test_filters_leave_rows_and_their_number(
    page: Client, query: str, count: int, is_counted: bool
):
    if is_counted:
        count_all(), count_scopes()
    context = page.get(f"{THERE}?{query}").context
    assert (len(context["lines"]), context["page"].paginator.count) == (count, count)


def test_two_dates_are_a_period_and_stand_before_a_name(page: Client):
    used(started_at=NOON), used(started_at=NOON + timedelta(hours=13))
    response = page.get(f"{THERE}?from=2026-03-10&to=2026-03-10&period=30d")
    assert len(response.context["lines"]) == 1
    chips = [str(one.label) for one in response.context["chips"]]
    assert chips == ["From", "To, inclusive"]


@pytest.mark.parametrize("is_counted", [False, True])
@pytest.mark.parametrize("query", ["period=30d", "period=30d&outcome=failed", "period=7d&user=ada"])
def test_pages_have_each_request_once_the_newest_first(
    operator: Any, monkeypatch: pytest.MonkeyPatch, query: str, is_counted: bool
):
    same = ago(days=2, hours=3)
    for number in range(60):
        at = same if number % 3 else ago(hours=number * 2)
        used(started_at=at, outcome="timeout" if number % 2 else "ok")
    if is_counted:
        count_all(), count_scopes()
    client = browser(operator)
    rows = UsageRecord.objects.all()
    if "failed" in query:
        rows = rows.filter(outcome="timeout")
    found = pages(client, query)
    assert [pk for one in found for pk in one] == [one.pk for one in rows]
    assert [len(one) for one in found[:-1]] == [25] * (len(found) - 1) and len(found) > 1


def test_a_new_request_moves_no_page(operator: Any):
    for number in range(30):
        used(started_at=ago(minutes=number + 1))
    client = browser(operator)
    first = client.get(THERE)
    used(started_at=ago(seconds=1))
    second = client.get(THERE, {"behind": first.context["page"].behind})
    assert len(second.context["lines"]) == 5
    assert "Newest" in second.content.decode() and "31 in all" in words(second)


@pytest.mark.parametrize(
    "place",
    [
        "nonsense",
        "2026-01-01~1",
        "2026-13-01T00:00:00Z~1",
        "~",
        "é~é",
        "9999-12-31T23:59:59-14:00~1",
    ],
)
def test_a_text_that_is_no_place_is_told(page: Client, place: str):
    response = page.get(THERE, {"behind": place})
    assert response.status_code == 200 and "Begin with the newest" in words(response)


def test_what_no_total_counts_is_counted_so_far(operator: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 3)
    for number in range(5):
        used(started_at=ago(minutes=number + 1), request_id="order")
    response = browser(operator).get(f"{THERE}?request=order")
    assert "more than 3 requests" in words(response) and len(response.context["lines"]) == 5


def test_only_times_that_have_requests_are_looked_at(operator: Any):
    times = [ago(days=20), ago(days=19), ago(days=3)]
    for at in times:
        used(started_at=at, outcome="timeout")
    with CaptureQueriesContext(database) as asked:
        found = paging.find(last(timedelta(days=30)), {"outcome": "timeout"})
    assert [one.started_at for one in found.rows] == times[::-1]
    looked = [one for one in asked if "ORDER BY" in one["sql"] and '"latency_ms"' in one["sql"]]
    assert len(looked) == 2


def test_totals_of_requests_that_are_gone_are_not_counted(operator: Any):
    used(started_at=ago(days=9)), used(started_at=ago(days=2))
    count_all(), count_scopes()
    UsageRecord.objects.filter(started_at__lt=ago(days=5)).delete()
    assert paging.find(last(timedelta(days=30)), {}).number == 1
    assert paging.find(Period(ago(days=30), ago(days=8)), {}).number == 0


def test_how_long_requests_are_kept_is_said_where_it_matters(page: Client, settings: Any):
    settings.GATEWAY_USAGE_DAYS = 10
    assert "Requests are kept for 10 days." in words(page.get(f"{THERE}?period=30d"))
    assert "are kept for" not in words(page.get(f"{THERE}?period=7d"))


def test_filters_are_chips_in_words(page: Client, administrator: Any):
    token = ApiToken.objects.create(name="Website", user=administrator, prefix="x", digest="x")
    query = f"period=7d&outcome=failed&attempts=fallback&token={token.pk}&provider=openai"
    chips = page.get(f"{THERE}?{query}").context["chips"]
    assert [f"{one.label}: {one.text}" for one in chips] == [
        "Period: 7 days",
        "Token: Website",
        "Outcome: Failed",
        "Attempts: Answered by a fallback",
        "Provider: openai",
    ]
    assert "outcome" not in chips[2].query and "period=7d" in chips[2].query


def test_columns_are_chosen_and_all_can_be_shown(operator: Any):
    numbers = {"cached_tokens": 4321, "reasoning_tokens": 1234, "first_chunk_ms": 77}
    gone_round(started_at=ago(hours=1), request_id="order-17", **numbers)
    client = browser(operator)
    first = words(client.get(THERE))
    assert (
        "4,321" not in first and "answered by backup" in first and "Request id order" not in first
    )
    client.post("/lists/request/columns/", {"columns": ["cached", "reasoning", "chunk", "request"]})
    text = words(client.get(THERE)).partition("Request id ")[2]
    assert "4,321 1,234 77 ms order-17" in words(client.get(THERE))
    assert "Succeeded" not in text.partition("1 in all")[0]
    assert ListChoice.objects.get(list_name="request").hidden


def test_a_view_keeps_the_filters(page: Client):
    query = "period=7d&outcome=failed"
    page.post("/lists/request/views/", {"name": "Failing", "query": f"{query}&behind=x&other=y"})
    text = html(page.get(THERE))
    assert f'href="{THERE}?period=7d&amp;outcome=failed"' in text and "Failing" in text


def test_what_nobody_has_is_shown(operator: Any):
    used(started_at=ago(hours=1), **NOWHERE | {"profile_alias": "<b>bold</b>"})
    text = html(browser(operator).get(THERE))
    assert "&lt;b&gt;bold&lt;/b&gt;" in text and "<b>" not in text and "profile_not_found" in text


def test_texts_of_prompts_are_not_read(operator: Any):
    used(started_at=ago(hours=1), prompt="the prompt text", answer="the answer text")
    with CaptureQueriesContext(database) as asked:
        text = html(browser(operator).get(THERE))
    assert "the prompt text" not in text and '"answer"' not in str(asked.captured_queries)


def test_a_row_leads_to_its_request_and_back_to_the_place(page: Client):
    text = html(page.get(f"{THERE}?period=7d&user=ada"))
    (there,) = re.findall(r'data-open href="([^"]*)"', text)
    request = html(page.get(unescape(there)))
    assert f'href="{THERE}?period=7d&amp;user=ada">Requests' in request
    plain = html(page.get(there.partition("?")[0]))
    assert f'href="{THERE}">Requests' in plain


def test_the_way_back_is_to_the_list_alone(page: Client):
    record = UsageRecord.objects.exclude(key=None).get()
    for query in ("//evil.example", "next=//evil.example&user=ada", "%26%23"):
        text = html(page.get(f"/usage/{record.key}/", {"list": query}))
        assert f'href="{THERE}' in text and "evil" not in text


def test_the_file_has_what_the_filters_leave(page: Client):
    text = html(page.get(f"{THERE}?period=7d&outcome=failed&behind="))
    (there,) = re.findall(r'href="([^"]*)" download', text)
    assert there == "/usage/export/?period=7d&amp;outcome=failed"
    body = b"".join(page.get(unescape(there)).streaming_content).decode()
    assert [one["outcome"] for one in csv.DictReader(io.StringIO(body))] == ["timeout"]


def test_usage_leads_to_the_list_with_its_period_and_filters_and_back(page: Client):
    text = html(page.get("/usage/?period=30d&profile=support&by=model&page=1"))
    assert f'href="{THERE}?period=30d&amp;profile=support">All requests' in text
    back = html(page.get(f"{THERE}?period=30d&profile=support"))
    assert 'href="/usage/?period=30d&amp;profile=support">Totals' in back


def test_pages_of_rows_lead_to_their_requests(operator: Any, connection: Connection):
    profile_of(connection, name="Support")
    for number in range(9):
        used(started_at=ago(hours=number + 1), outcome="timeout")
    text = html(browser(operator).get(connection.get_absolute_url()))
    mine = f'href="{THERE}?period=7d&amp;connection=production'
    assert f'{mine}&amp;outcome=failed"' in text and f'{mine}&amp;outcome=timeout"' in text
    assert f'{mine}">All requests' in text


def test_it_is_found_by_what_people_call_it(operator: Any, viewer: Any):
    assert f'href="{THERE}"' in html(browser(operator).get("/find/?q=calls"))
    assert f'href="{THERE}"' not in html(browser(viewer).get("/find/?q=calls"))


def test_htmx_gets_the_rows_alone(page: Client):
    part = html(page.get(f"{THERE}?period=7d", headers=HTMX)).lstrip()
    assert part.startswith('<section id="rows"') and "<html" not in part


@pytest.mark.parametrize(
    ("query", "most"), [("period=30d", 18), ("period=30d&connection=production&user=ada", 33)]
)
def test_the_page_makes_few_queries_however_many_requests_there_are(
    page: Client, query: str, most: int
):
    page.get(f"{THERE}?{query}")  # the first request reads the connection types
    with CaptureQueriesContext(database) as few:
        page.get(f"{THERE}?{query}")
    for number in range(40):
        used(started_at=ago(minutes=number + 1), profile_alias=f"profile-{number}")
    with CaptureQueriesContext(database) as many:
        page.get(f"{THERE}?{query}")
    assert len(many) <= len(few) <= most
