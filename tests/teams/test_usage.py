"""Usage and teams: who sees which requests, in pages, CSV, API and search."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import services
from connections.models import Membership
from connections.standing import viewer_of
from connections.viewing import viewing
from gateway.models import UsageAttempt, UsageRecord
from gateway.usage import selectors
from gateway.usage.records import Period
from gateway.usage.scoped_counting import count_scopes
from tests.gateway.records import used
from tests.people import browser, person

from .rows import Owner, owner, profile, share, token_of

pytestmark = pytest.mark.django_db
SUMS = ("summary", "by-provider", "by-model", "by-profile", "by-connection", "by-user", "records")


@pytest.fixture
def ours() -> Owner:
    return owner("ours")


@pytest.fixture
def theirs() -> Owner:
    return owner("theirs")


@pytest.fixture
def everybodys() -> Owner:
    return owner("all", is_team=False)


def asked(whose: Owner, **changes: Any) -> UsageRecord:
    """A request of just now to somebody's profile, with an attempt."""
    row, line = whose.profile, whose.connection
    names = {
        "profile_id": row.pk,
        "profile_alias": row.alias,
        "answered_profile_id": row.pk,
        "answered_profile_alias": row.alias,
        "connection_id": line.pk,
        "connection_alias": line.alias,
        "provider_id": "echo",
        "model": f"{whose.name}-model",
        "user_name": f"{whose.name}-user",
        "token_id": None,
        "token_name": "",
        "request_id": f"{whose.name}-request",
        "started_at": timezone.now() - timedelta(minutes=5),
        "key": uuid4(),
    }
    record = used(**names | changes)
    if record.connection_id is None:
        return record
    attempt = ("profile_id", "profile_alias", "connection_id", "connection_alias", "model")
    UsageAttempt.objects.create(
        record_key=record.key,
        position=0,
        started_at=record.started_at,
        connection_version=1,
        provider_id="echo",
        outcome="ok",
        latency_ms=5,
        **{name: getattr(record, name) for name in attempt},
    )
    return record


def shown(client: Client, records: list[UsageRecord], **query: str) -> str:
    """Everything that tells of usage, as one text."""
    now = timezone.now()
    period = {"from": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}", "to": "2100-01-01"}
    found = [client.get("/usage/", query | {"by": by}) for by in ("profile", "model", "token")]
    found += [client.get(one, query) for one in ("/usage/requests/", "/usage/export/")]
    found += [client.get(f"/api/v1/analytics/usage-{one}", period | query) for one in SUMS]
    found += [client.get(f"/usage/{one.key}/") for one in records]
    found += [client.get(f"/api/v1/analytics/usage-records/{one.key}") for one in records]
    found += [client.get("/find/", {"q": one.request_id}) for one in records]
    texts = []
    for one in found:
        assert one.status_code in (200, 404), one
        content = b"".join(one.streaming_content) if one.streaming else one.content
        texts.append(content.decode().replace(one.request["QUERY_STRING"], ""))
    return "\n".join(texts)


def total(client: Client, **query: str) -> int:
    period = {"from": "2000-01-01", "to": "2100-01-01"}
    return int(
        client.get("/api/v1/analytics/usage-summary", period | query).json()["totalRequests"]
    )


def test_a_team_sees_its_own_requests_and_those_to_what_is_shared(
    ours: Owner, theirs: Owner, everybodys: Owner
):
    records = [asked(ours), asked(theirs), asked(everybodys)]
    client = browser(ours.people["operator"])
    text = shown(client, records)
    for kind in ("chat", "line", "model", "user"):
        assert f"ours-{kind}" in text and f"all-{kind}" in text
        assert f"theirs-{kind}" not in text
    assert total(client) == 2


@pytest.mark.parametrize("is_counted", [False, True])
def test_numbers_are_the_same_whether_counted_in_totals_or_not(
    ours: Owner, theirs: Owner, is_counted: bool
):
    for whose in (ours, ours, theirs, theirs, theirs):
        asked(whose, started_at=timezone.now() - timedelta(days=2))
    if is_counted:
        count_scopes()
    found = {
        name: total(browser(user))
        for name, user in {
            "ours": ours.people["operator"],
            "theirs": theirs.people["operator"],
            "group": person("olaf", "Operators"),
            "all": person("ada", "Administrators"),
        }.items()
    }
    assert found == {"ours": 2, "theirs": 3, "group": 0, "all": 5}


@pytest.mark.parametrize("what", ["profile", "connection", "provider", "model", "user", "request"])
def test_a_filter_by_a_name_of_another_team_finds_nothing(ours: Owner, theirs: Owner, what: str):
    asked(ours)
    record = asked(theirs)
    wanted = {
        "profile": record.profile_alias,
        "connection": record.connection_alias,
        "provider": "nobody",
        "model": record.model,
        "user": record.user_name,
        "request": record.request_id,
    }[what]
    client = browser(ours.people["operator"])
    assert total(client, **{what: wanted}) == 0
    assert total(browser(theirs.people["operator"]), **{what: wanted}) == (what != "provider")


def test_a_request_that_a_connection_of_another_team_answered_is_not_told(
    ours: Owner, theirs: Owner
):
    elsewhere = {"connection_id": theirs.connection.pk, "connection_alias": "theirs-line"}
    asked(ours, **elsewhere)
    asked(ours, **elsewhere | {"answered_profile_id": theirs.profile.pk})
    assert total(browser(ours.people["operator"])) == 0
    assert total(browser(theirs.people["operator"])) == 0
    share(theirs.connection, ours.team, "use")
    assert total(browser(ours.people["operator"])) == 1


def test_an_attempt_at_a_connection_of_another_team_is_not_told(ours: Owner, theirs: Owner):
    record = asked(ours, attempts=2)
    first = UsageAttempt.objects.get(record_key=record.key)
    first.pk, first.position, first.outcome, first.error = None, 1, "failed", "theirs-error"
    first.connection_id, first.connection_alias = theirs.connection.pk, "theirs-line"
    first.save()
    client = browser(ours.people["operator"])
    assert "theirs" not in shown(client, [record])
    assert total(client, connection="theirs-line") == 0
    assert "theirs-line" in shown(browser(person("ada", "Administrators")), [record])


def test_the_name_of_a_token_of_another_team_is_not_told(
    ours: Owner, theirs: Owner, everybodys: Owner
):
    own, _ = token_of(ours.people["operator"], "ours-token", team=ours.team)
    other, _ = token_of(theirs.people["operator"], "theirs-token", team=theirs.team)
    records = [
        asked(everybodys, token_id=one.pk, token_name=one.name, user_name="all-user")
        for one in (own, other)
    ]
    client = browser(ours.people["operator"])
    text = shown(client, records)
    assert "ours-token" in text and "theirs-token" not in text and str(other.pk) not in text
    assert total(client) == 2  # what is shared is counted whole
    assert (total(client, token=str(own.pk)), total(client, token=str(other.pk))) == (1, 0)


def test_a_request_for_no_profile_is_told_to_whoever_made_it(ours: Owner, theirs: Owner):
    of_token, _ = token_of(theirs.people["operator"], team=theirs.team)
    nothing = {
        "profile_id": None,
        "profile_alias": "a-typing-error",
        "answered_profile_id": None,
        "answered_profile_alias": "",
        "connection_id": None,
        "connection_alias": "",
        "outcome": "profile_not_found",
    }
    asked(ours, **nothing, user_id=ours.people["operator"].pk)
    asked(theirs, **nothing, user_id=theirs.people["viewer"].pk, token_id=of_token.pk)
    assert total(browser(ours.people["operator"])) == 1
    assert total(browser(ours.people["administrator"])) == 0
    assert total(browser(theirs.people["operator"])) == 1  # by its token


def test_what_was_deleted_is_told_to_those_whose_it_was(
    ours: Owner, theirs: Owner, everybodys: Owner
):
    for whose in (ours, theirs, everybodys):
        asked(whose)
        services.delete_profile(whose.profile, actor=None)
        services.delete_connection(whose.connection, actor=None)
    text = shown(browser(ours.people["operator"]), [])
    assert "ours-chat" in text and "all-chat" in text and "theirs-chat" not in text


def test_one_of_two_teams_sees_both(ours: Owner, theirs: Owner):
    Membership.objects.create(team=theirs.team, user=ours.people["operator"], role="operator")
    asked(ours)
    asked(theirs)
    assert total(browser(ours.people["operator"])) == 2


def test_a_token_of_a_team_reads_that_team_s_usage(ours: Owner, theirs: Owner):
    user = ours.people["operator"]
    Membership.objects.create(team=theirs.team, user=user, role="operator")
    asked(ours)
    asked(theirs)
    row, text = services.create_token("t", user=user, actor=None, scopes=["usage:read"])
    row.team = theirs.team
    row.save()
    period = {"from": "2000-01-01", "to": "2100-01-01"}
    answer = Client(headers={"Authorization": f"Bearer {text}"}).get(
        "/api/v1/analytics/usage-by-profile", period
    )
    assert [one["dimensionName"] for one in answer.json()] == ["theirs-chat"]


def test_the_use_on_the_page_of_a_row_is_of_what_one_sees(ours: Owner, theirs: Owner):
    share(ours.connection, theirs.team, "use")
    borrowed = profile("theirs-second", ours.connection, theirs.team)
    theirs.profile, theirs.connection = borrowed, ours.connection
    asked(theirs)
    page = browser(ours.people["operator"]).get(f"/connections/{ours.connection.pk}/")
    assert b"theirs-" not in page.content  # the team itself is told: the row is shared with it


def test_whoever_sees_everything_asks_what_was_asked_before(ours: Owner, theirs: Owner):
    """Teams cost administrators no query, and their numbers come from totals."""
    for whose in (ours, theirs):
        asked(whose, started_at=timezone.now() - timedelta(days=2))
    count_scopes()
    period = Period(timezone.now() - timedelta(days=5), timezone.now())

    def queries(viewer: Any) -> int:
        with viewing(viewer), CaptureQueriesContext(database) as found:
            usage = selectors.usage_report(period, {}, ["profile"])
        assert usage.totals.requests == 2
        return len(found)

    boss = person("ada", "Administrators")
    assert boss.has_perm("connections.manage_teams")
    assert queries(viewer_of(boss)) == queries(None)
