"""The page of usage, its CSV, and where else usage is shown."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import ApiToken, Connection
from gateway.models import UsageAttempt
from gateway.templatetags.usage import duration, percent, short
from gateway.usage import stored, views
from gateway.usage.views import BREAKDOWNS
from tests.fakes import profile_of
from tests.gateway.records import NOON, NOWHERE, WEBSITE, gone_round, used
from tests.pages import HTMX, html, words
from tests.people import browser

pytestmark = pytest.mark.django_db


OTHER = {
    "profile_alias": "other",
    "connection_alias": "other",
    "provider_id": "other",
    "model": "other",
    "user_name": "other",
    "token_id": UUID(int=99),
}


def ago(**duration: float) -> Any:
    return timezone.now() - timedelta(**duration)


@pytest.fixture
def page(operator: Any) -> Client:
    """An operator's browser, and requests of an hour ago, three days ago and twenty days ago."""
    used(started_at=ago(hours=1), latency_ms=1500)
    used(
        started_at=ago(days=3), outcome="timeout", profile_alias="other", connection_alias="second"
    )
    used(started_at=ago(days=20), input_tokens=2_000_000)
    return browser(operator)


PEOPLE = {"administrator": 200, "operator": 200, "viewer": 403, "stranger": 403, "nobody": 302}


@pytest.mark.parametrize("path", ["/usage/", "/usage/export/"])
def test_operators_and_administrators_see_who_asked_what(people: dict[str, Any], path: str):
    assert {name: browser(user).get(path).status_code for name, user in people.items()} == PEOPLE


def test_a_refusal_names_the_role_and_whom_to_ask(viewer: Any, administrator: Any):
    text = words(browser(viewer).get("/usage/"))
    assert "You may not see who asked what. Your role is Viewers. Administrators or Op" in text
    assert "Ask ada : they give roles" in text


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_only_who_may_finds_usage_in_the_navigation_and_on_the_dashboard(
    people: dict[str, Any], connection: Connection, who: str
):
    text = html(browser(people[who]).get("/"))
    assert ('href="/usage/"' in text, "Usage, last 24 h" in text) == (who == "operator",) * 2


@pytest.mark.server
@pytest.mark.parametrize(
    ("period", "count"), [("", 1), ("24h", 1), ("7d", 2), ("30d", 3), ("nonsense", 1)]
)
def test_a_period_counts_its_requests(page: Client, period: str, count: int):
    assert page.get(f"/usage/?period={period}").context["usage"].totals.requests == count


@pytest.mark.parametrize("where", ["/usage/", "/usage/requests/"])
def test_yesterday_is_one_click(page: Client, where: str):
    text = html(page.get(f"{where}?period=7d"))
    found = re.search(r'href="(\?[^"]*)">Yesterday<', text)
    assert found
    there = page.get(f"{where}{unescape(found[1])}")
    period = there.context["period"]
    assert (period.end - period.start).days == 1 and period.end <= timezone.now()
    assert re.search(r'aria-current="page">Yesterday<', html(there))


def test_two_dates_are_a_period_with_both_days(page: Client):
    used(started_at=NOON), used(started_at=NOON + timedelta(hours=13))
    context = page.get("/usage/?from=2026-03-10&to=2026-03-10&period=30d").context
    assert (context["usage"].totals.requests, context["period_name"]) == (1, "")


@pytest.mark.server
def test_dates_are_days_of_the_installations_time_zone(page: Client, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    (
        used(started_at=NOON.replace(hour=18, minute=29)),
        used(started_at=NOON.replace(hour=18, minute=30)),
    )
    response = page.get("/usage/?from=2026-03-10&to=2026-03-10")
    assert response.context["usage"].totals.requests == 1
    assert "2026-03-10 00:00 to 2026-03-11 00:00 (all times in Asia/Kolkata)" in words(response)


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "from=2026-02-30",
        "from=0001-01-01",
        "from=2026-03-10&to=2026-03-01",
        "to=2026-03-10",
    ],
)
def test_dates_that_make_no_period_are_not_used(page: Client, query: str):
    assert page.get(f"/usage/?{query}").context["period_name"] == "24h"


def test_a_very_long_time_is_cut(page: Client):
    assert len(page.get("/usage/?from=2000-01-01").context["points"]) <= 1102


def test_the_numbers_are_there_to_read(page: Client):
    text = words(page.get("/usage/?period=30d"))
    assert (
        "Requests 3 2 succeeded , 1 failed" in text
        and "Tokens 2.0 M" in text
        and "66.7 %" in text
        and "all times in UTC" in text
    )


def test_htmx_gets_the_part_of_the_page_that_the_page_has(page: Client):
    part = html(page.get("/usage/?period=7d", headers=HTMX))
    assert part.lstrip().startswith('<section id="usage"') and "<html" not in part
    assert 'id="usage"' in html(page.get("/usage/?period=7d"))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("profile=other", 1),
        ("connection=production", 2),
        (f"token={WEBSITE}", 3),
        ("outcome=failed", 1),
    ],
)
def test_filters_narrow_the_page(page: Client, query: str, count: int):
    response = page.get(f"/usage/?period=30d&{query}")
    assert (
        response.context["usage"].totals.requests,
        len(response.context["page"].object_list),
    ) == (count, count)


def test_the_name_of_a_share_leads_to_its_own_usage(page: Client):
    text = html(page.get("/usage/?period=30d&page=1"))
    links = re.findall(r'href="(\?[^"]*profile=other[^"]*)"', text)
    assert (
        page.get("/usage/" + links[0].replace("&amp;", "&")).context["usage"].totals.requests == 1
    )
    assert "page=" not in links[0]


def test_connections_that_failed_before_a_fallback_answered_are_shown(page: Client):
    gone_round(started_at=ago(minutes=5))
    text = words(page.get("/usage/"))
    assert "production 1 1 0 second 1 0 0 third 0 0 1" in text


def test_usage_leads_to_profiles_connections_and_tokens_and_back(
    administrator: Any, connection: Connection
):
    page, profile = browser(administrator), profile_of(connection, name="Support")
    used(started_at=ago(minutes=6))
    used(started_at=ago(minutes=5), profile_alias="gone", outcome="timeout")
    text = html(page.get("/usage/"))
    for row in (profile, connection):
        assert text.count(f'href="{row.get_absolute_url()}"') >= 2  # the share and the request
    assert 'href="/tokens/"' in text and "Open the profile gone" not in text
    token = ApiToken.objects.create(name="Website", user=administrator, prefix="sb_1", digest="1")
    assert f'href="/usage/?period=7d&amp;token={token.pk}"' in html(page.get("/tokens/"))


@pytest.mark.parametrize("by", BREAKDOWNS)
def test_every_number_of_a_breakdown_leads_to_its_requests(operator: Any, by: str):
    gone_round(started_at=ago(minutes=5))
    used(started_at=ago(minutes=6), outcome="timeout")
    used(**OTHER, started_at=ago(minutes=7))
    page = browser(operator)
    text = html(page.get(f"/usage/?by={by}"))
    links = re.findall(r'href="(/usage/requests/\?[^"]*)"', text)
    mine = [one.replace("&amp;", "&") for one in links if f"{by}=" in one]
    number = {
        f"{'outcome=failed' in one} {'attempts=fallback' in one}": len(
            page.get(one).context["lines"]
        )
        for one in mine
        if "other" not in one and str(OTHER["token_id"]) not in one
    }
    assert number["True False"] == number["False True"] == 1
    assert page.get(mine[0]).context["page"].paginator.count < 3


@pytest.mark.server
def test_more_requests_than_are_read_have_no_breakdown(page: Client, monkeypatch: Any):
    monkeypatch.setattr(views, "MOST_READ", 0)
    text = words(page.get("/usage/?period=30d&user=ada"))
    assert "more requests than are read one by one" in text and "By outcome" not in text
    assert "By outcome" in words(page.get("/usage/?period=30d&outcome=timeout"))


def test_shares_that_no_total_has_leave_the_others(page: Client, monkeypatch: Any):
    monkeypatch.setattr(views, "MOST_READ", 0)
    address = "/usage/?period=30d&model=gpt-4o&profile=support&by="
    monkeypatch.setattr(stored, "scopes_of_filters", lambda *_: None)
    text = words(page.get(f"{address}user"))
    assert "more requests than are read one by one" in text and "By outcome" in text
    assert "more requests than are read" not in words(page.get(f"{address}model"))


def test_the_page_of_a_request_leads_to_all_that_it_names(
    administrator: Any, connection: Connection
):
    profile = profile_of(connection, name="Support")
    token = ApiToken.objects.create(name="Website", user=administrator, prefix="sb_1", digest="1")
    record = gone_round(profile_id=profile.pk, token_id=token.pk)
    UsageAttempt.objects.filter(record_key=record.key, position=0).update(
        profile_id=profile.pk, connection_id=connection.pk, code="rate_limited", status=429
    )
    page = browser(administrator).get(f"/usage/{record.key}/")
    for one in (profile, connection, token):
        assert f'href="{one.get_absolute_url()}"' in html(page)
    assert "Failed Too many requests rate_limited HTTP 429" in words(page)
    assert 'href="/usage/requests/?period=7d&amp;user=ada"' in html(page)


def test_the_page_of_a_token_says_what_it_may_do_and_did(administrator: Any):
    token = ApiToken.objects.create(
        name="Website", user=administrator, prefix="sb_1", digest="1", scopes=["gateway:use"]
    )
    used(started_at=ago(hours=1), token_id=token.pk, outcome="timeout")
    text = words(browser(administrator).get(token.get_absolute_url()))
    assert "Used 1 time in 7 days" in text and "gateway:use" in text and "all profiles" in text
    assert "No answer in time timeout" in text


def test_a_breakdown_has_a_column_of_failures(page: Client):
    table = words(page.get("/usage/?period=30d")).partition("User Token ")[2]
    heads = "Profile Requests Failed Fallback Share Tokens Median"
    assert table.startswith(f"{heads} support 2 0 0 66.7 % 2.0 M")
    assert "other 1 1 0 33.3 % 15" in table


def test_charts_and_table_have_the_same_numbers(page: Client):
    response = page.get("/usage/?period=7d")
    text, points = html(response), response.context["points"]
    assert len(points) == 169 and sum(one.requests for one, _ in points) == 2
    for point, latency in points:
        assert (
            f"{point.start:%Y-%m-%d %H:%M}: succeeded {point.succeeded}, "
            f"caller hung up {point.closed}, failed {point.failed}<" in text
        )
        assert (latency.p50 is None) == (point.requests == 0)
    assert text.count("p95 ") == 2
    assert text.count('<td class="number">1</td>') > 2


@pytest.mark.server
def test_the_latest_requests_have_pages(operator: Any):
    for number in range(14):
        used(started_at=ago(minutes=number + 1), latency_ms=number)
    response = browser(operator).get("/usage/?page=2")
    assert "Page 2 of 2, 14 in all" in words(response)
    assert [one.latency_ms for one in response.context["page"].object_list] == [10, 11, 12, 13]


def test_what_was_asked_for_in_vain_is_shown(operator: Any):
    used(started_at=ago(hours=1), **NOWHERE | {"profile_alias": "<b>bold</b>"})
    text = html(browser(operator).get("/usage/"))
    assert "&lt;b&gt;bold&lt;/b&gt;" in text and "<b>" not in text and "profile_not_found" in text


def test_texts_of_prompts_are_not_on_the_page_nor_in_the_csv(operator: Any):
    used(started_at=ago(hours=1), prompt="the prompt text", answer="the answer text")
    shown = html(browser(operator).get("/usage/")) + read(browser(operator), "")
    assert "the prompt text" not in shown and "the answer text" not in shown


def test_an_empty_page_says_how_to_make_the_first_request(operator: Any, connection: Connection):
    profile_of(connection, name="Support")
    text = words(browser(operator).get("/usage/"))
    assert (
        "No request yet." in text
        and "curl http://testserver/v1/chat/completions" in text
        and '"model": "support"' in text
    )


def test_an_empty_time_is_not_an_empty_backoffice(page: Client):
    assert "No request fits these filters in this time." in words(
        page.get("/usage/?profile=nobody-asks")
    )
    assert "No request was made in this time." in words(
        page.get("/usage/?from=2025-01-01&to=2025-01-02")
    )


@pytest.mark.server
def test_the_page_makes_few_queries_however_many_requests_there_are(page: Client):
    page.get("/usage/?period=30d")  # the first request reads the connection types
    with CaptureQueriesContext(database) as few:
        page.get("/usage/?period=30d")
    for number in range(200):
        used(
            started_at=ago(minutes=number + 1), profile_alias=f"profile-{number}", latency_ms=number
        )
    with CaptureQueriesContext(database) as many:
        page.get("/usage/?period=30d")
    assert len(few) == len(many) <= 26


# CSV


def read(client: Client, query: str) -> str:
    response = client.get(f"/usage/export/?period=30d{query}")
    assert response["Content-Type"].startswith("text/csv") and response[
        "Content-Disposition"
    ].startswith('attachment; filename="usage-')
    return b"".join(response.streaming_content).decode()


def rows(client: Client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(client, query))))


@pytest.mark.server
def test_the_csv_has_the_requests_of_the_page_the_oldest_first(page: Client):
    found = rows(page)
    assert [one["outcome"] for one in found] == ["ok", "timeout", "ok"]
    assert [one["profile_alias"] for one in rows(page, "&outcome=failed")] == ["other"]


def test_the_csv_has_the_values(operator: Any):
    record = used(started_at=ago(hours=1), is_stream=True, first_chunk_ms=30)
    (row,) = rows(browser(operator))
    assert (
        row["started_at"]
        == f"{record.started_at:%Y-%m-%dT%H:%M:%S}.{record.started_at.microsecond // 1000:03}Z"
    )
    expected = {
        "model": "gpt-4o",
        "input_tokens": "10",
        "first_chunk_ms": "30",
        "is_stream": "True",
        "token_id": str(WEBSITE),
    }
    assert {name: row[name] for name in expected} == expected


def test_what_is_not_known_is_an_empty_cell(operator: Any):
    used(started_at=ago(hours=1), **NOWHERE)
    (row,) = rows(browser(operator))
    assert (row["profile_id"], row["input_tokens"], row["connection_alias"]) == ("", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(operator: Any, start: str):
    used(started_at=ago(hours=1), profile_alias=f"{start}cmd|'/c calc'!A1", user_name=f"{start}1")
    (row,) = rows(browser(operator))
    assert row["profile_alias"] == f"'{start}cmd|'/c calc'!A1" and row["user_name"] == f"'{start}1"


def test_a_cell_with_commas_quotes_and_lines_stays_one_cell(operator: Any):
    used(started_at=ago(hours=1), model='a "b", c\nd')
    assert [one["model"] for one in rows(browser(operator))] == ['a "b", c\nd']


# elsewhere


def test_the_dashboard_shows_the_last_day(page: Client, connection: Connection):
    text = words(page.get("/"))
    assert (
        "Usage, last 24 h" in text
        and "Requests 1 Tokens 15 Success rate 100 % Median latency 1.50 s" in text
    )


def test_profile_and_connection_say_how_often_they_were_used(operator: Any, connection: Connection):
    profile = profile_of(connection, name="Support")
    used(started_at=ago(days=1)), used(started_at=ago(days=6)), used(started_at=ago(days=8))
    for row, query in ((profile, "profile=support"), (connection, "connection=production")):
        text = html(browser(operator).get(row.get_absolute_url()))
        assert f'<a href="/usage/?period=7d&amp;{query}">Used 2 times in 7 days</a>' in text


def test_who_may_not_see_usage_does_not_learn_it_from_a_profile(
    viewer: Any, connection: Connection
):
    used(started_at=ago(days=1))
    assert "7 days" not in html(browser(viewer).get(connection.get_absolute_url()))


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (duration(None), "\N{EN DASH}"),
        (duration(999.4), "999 ms"),
        (duration(2412), "2.41 s"),
        (short(9999), "9,999"),
        (short(12_345), "12.3 k"),
        (short(12_345_678), "12.3 M"),
        (percent(1.0), "100 %"),
        (percent(0.99999), "> 99.9 %"),
        (percent(0.0), "0 %"),
        (percent(0.00001), "< 0.1 %"),
    ],
)
def test_numbers_are_written_for_people(shown: str, text: str):
    assert shown == text
