"""Umbraco.AI's audit logs: its log of calls, of the usage records here."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from connections.models import AuditEvent
from gateway.models import UsageAttempt, UsageRecord, UsageTotal
from tests.connections.api.calls import Api, errors, problem, token_of
from tests.gateway.records import NOON, NOWHERE, PRODUCTION, SUPPORT, gone_round, used
from tests.people import person
from tests.teams.rows import owner
from tests.teams.test_usage import asked

from . import shapes
from .shapes import misfit, page
from .test_connections import fits

pytestmark = pytest.mark.django_db
LOGS = "/audit-logs"


def failed(**changes: Any) -> UsageRecord:
    """A call that failed because its service did not answer."""
    one = used(key=uuid4(), outcome="timeout", **changes)
    UsageAttempt.objects.create(
        record_key=one.key,
        position=0,
        started_at=one.started_at,
        profile_id=SUPPORT,
        profile_alias="support",
        connection_id=PRODUCTION,
        connection_alias="production",
        connection_version=1,
        provider_id="openai",
        model="gpt-4o",
        outcome="failed",
        code="timeout",
        error="api.openai.com did not answer in 10 seconds.",
        latency_ms=10,
    )
    return one


def test_a_call_is_an_item_and_has_its_details(umbraco: Api):
    """getAuditLogs and getAuditLogByIdentifier."""
    one = used(key=uuid4(), request_id="order-17")
    body = fits(umbraco.get(LOGS), page(shapes.AUDIT_ITEM))
    assert body["total"] == 1
    expected = {
        "id": str(one.key),
        "startTime": "2026-03-10T12:00:00Z",
        "durationMs": 100,
        "status": "Succeeded",
        "userId": "7",
        "userName": "ada",
        "capability": "Chat",
        "profileId": str(SUPPORT),
        "profileAlias": "support",
        "providerId": "openai",
        "modelId": "gpt-4o",
        "inputTokens": 10,
        "outputTokens": 5,
        "errorMessage": None,
    }
    assert body["items"][0].items() >= expected.items()
    detail = fits(umbraco.get(f"{LOGS}/{one.key}"), shapes.AUDIT_DETAIL)
    assert detail.items() >= body["items"][0].items()
    assert (detail["endTime"], detail["totalTokens"]) == ("2026-03-10T12:00:00.100000Z", 15)
    told = {one["key"]: one["value"] for one in detail["metadata"]}
    assert (told["requestId"], told["connectionAlias"]) == ("order-17", "production")
    assert told["connectionId"] == str(PRODUCTION)


def test_a_failed_call_says_why(umbraco: Api):
    one = failed()
    detail = fits(umbraco.get(f"{LOGS}/{one.key}"), shapes.AUDIT_DETAIL)
    assert (detail["status"], detail["errorCategory"]) == ("Failed", "NetworkError")
    assert detail["errorMessage"] == "api.openai.com did not answer in 10 seconds."


def test_a_call_for_nothing_has_every_field_that_must_be_there(umbraco: Api):
    one = used(key=uuid4(), **NOWHERE | {"user_id": None, "user_name": ""})
    detail = fits(umbraco.get(f"{LOGS}/{one.key}"), shapes.AUDIT_DETAIL)
    assert detail["profileId"] == str(UUID(int=0)) and detail["userId"] == ""
    assert (detail["errorCategory"], detail["totalTokens"]) == ("InvalidRequest", None)
    assert detail["errorMessage"]


def test_a_record_of_the_time_without_keys_has_an_id_of_its_number(umbraco: Api):
    one = used()
    shown = umbraco.read(LOGS)["items"][0]["id"]
    assert UUID(shown).int == one.pk
    assert umbraco.read(f"{LOGS}/{shown}")["id"] == shown
    assert umbraco.delete(f"{LOGS}/{shown}").status_code == 204
    assert not UsageRecord.objects.exists()


def test_prompts_and_answers_are_not_told(umbraco: Api):
    one = used(key=uuid4(), prompt="secret-prompt", answer="secret-answer")
    for path in (LOGS, f"{LOGS}/{one.key}"):
        assert b"secret-" not in umbraco.get(path).content


@pytest.fixture
def calls() -> dict[str, UsageRecord]:
    """Calls that the filters tell apart."""
    return {
        "good": used(key=uuid4(), started_at=NOON),
        "closed": used(key=uuid4(), started_at=NOON + timedelta(hours=1), outcome="client_closed"),
        "failed": failed(started_at=NOON + timedelta(hours=2)),
        "other": used(
            key=uuid4(),
            started_at=NOON + timedelta(hours=3),
            user_id=8,
            profile_id=UUID(int=9),
            profile_alias="other",
            provider_id="anthropic",
            model="claude",
        ),
    }


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "other failed closed good"),
        ("skip=1&take=2", "failed closed"),
        ("status=Succeeded", "other good"),
        ("status=failed", "failed"),
        ("status=Cancelled", "closed"),
        ("status=Running", ""),
        ("status=PartialSuccess", ""),
        ("status=Blocked", ""),
        ("userId=8", "other"),
        (f"userId={UUID(int=8)}", ""),
        (f"profileId={SUPPORT}", "failed closed good"),
        ("profileId=other", "other"),
        ("providerId=anthropic", "other"),
        ("entityId=1", ""),
        ("entityId=&status=&searchText=&fromDate=", "other failed closed good"),
        ("fromDate=2026-03-10T13:00:00.000Z", "other failed closed"),
        ("toDate=2026-03-10T13:00:00.000Z", "closed good"),
        ("fromDate=2026-03-10T13:00:00&toDate=2026-03-10T14:00:00", "failed closed"),
        ("searchText=CLAU", "other"),
        ("searchText=did+not+answer", "failed"),
        ("searchText=nothing", ""),
        ("providerId=openai&status=Succeeded&searchText=gpt", "good"),
    ],
)
def test_the_filters(umbraco: Api, calls: dict[str, UsageRecord], query: str, found: str):
    names = {str(one.key): name for name, one in calls.items()}
    body = umbraco.read(f"{LOGS}?{query}")
    assert [names[one["id"]] for one in body["items"]] == found.split()
    if "skip" not in query:
        assert body["total"] == len(found.split())


@pytest.mark.parametrize(
    "query", ["status=nonsense", "fromDate=yesterday", "toDate=0001-01-01", "take=-1"]
)
def test_what_makes_no_sense_is_refused(umbraco: Api, query: str):
    assert errors(umbraco.get(f"{LOGS}?{query}")).keys() == {f"/{query.partition('=')[0]}"}


@pytest.mark.parametrize("id", ["nothing", str(UUID(int=5)), "0" * 36])
def test_what_is_not_there_is_a_problem(umbraco: Api, id: str):
    for method in ("GET", "DELETE"):
        assert misfit(problem(umbraco(method, f"{LOGS}/{id}"), 404), shapes.PROBLEM) == []


@pytest.mark.server
def test_a_deleted_call_is_gone_with_its_attempts_and_counted_on(umbraco: Api):
    """deleteAuditLog."""
    one, other = gone_round(), used(key=uuid4())
    assert umbraco.delete(f"{LOGS}/{one.key}").status_code == 204
    assert [row.pk for row in UsageRecord.objects.all()] == [other.pk]
    assert not UsageAttempt.objects.filter(record_key=one.key).exists()
    days = UsageTotal.objects.filter(dimension="all", minutes=1440)
    assert sum(days.values_list("requests", flat=True)) == 2
    event = AuditEvent.objects.get(action="usage.delete")
    assert (event.object_id, event.actor_name) == (str(one.key), "ada")


@pytest.mark.server
def test_a_clean_up_deletes_what_is_too_old_and_says_how_many(umbraco: Api, settings: Any):
    """cleanupAuditLogs."""
    settings.GATEWAY_USAGE_DAYS = 30
    now = timezone.now()
    for days in (1, 31, 32):
        used(key=uuid4(), started_at=now - timedelta(days=days))
    done = umbraco.post(f"{LOGS}/cleanup")
    assert (done.status_code, done.json()) == (200, 2)
    assert UsageRecord.objects.count() == 1
    assert umbraco.post(f"{LOGS}/cleanup").json() == 0
    assert AuditEvent.objects.filter(action="usage.prune").exists()


@pytest.mark.server
def test_a_clean_up_deletes_nothing_where_records_are_kept_for_good(umbraco: Api, settings: Any):
    settings.GATEWAY_USAGE_DAYS = 0
    used(key=uuid4())
    assert umbraco.post(f"{LOGS}/cleanup").json() == 0
    assert UsageRecord.objects.exists()


@pytest.fixture
def theirs(prefix: str) -> UsageRecord:
    """A call to a profile of a team."""
    return asked(owner("theirs"))


@pytest.mark.server
def test_calls_of_a_team_are_not_there_for_others(prefix: str, theirs: UsageRecord, settings: Any):
    """Neither in the list, nor by id, nor by a search in what its service said."""
    UsageAttempt.objects.update(error="quota used up")
    settings.GATEWAY_USAGE_DAYS = 30
    nearly = person("nearly", "Administrators")
    group = nearly.groups.get()
    group.permissions.remove(*group.permissions.filter(codename="manage_teams"))
    api = Api(token_of(nearly), prefix=prefix)
    for query in ("", "?searchText=quota", f"?profileId={theirs.profile_id}"):
        assert api.read(f"{LOGS}{query}") == {"total": 0, "items": []}
    for method in ("GET", "DELETE"):
        was = problem(api(method, f"{LOGS}/{theirs.key}"), 404)
        nothing = problem(api(method, f"{LOGS}/{UUID(int=7)}"), 404)
        assert was["detail"] == nothing["detail"]
    UsageRecord.objects.update(started_at=timezone.now() - timedelta(days=40))
    assert api.post(f"{LOGS}/cleanup").json() == 0
