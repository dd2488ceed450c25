"""The consequences that pages tell, from the requests of the last hour."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import services
from connections.consequences import switching_off
from connections.models import ApiToken, Connection, Profile, RevealToken
from connections.promptflow.services import create_reveal_token
from gateway.models import UsageRecord
from tests.fakes import connect, profile_of, reload
from tests.gateway.attention.test_attention import ask
from tests.pages import HTMX, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")


@pytest.fixture
def covered(row: Connection) -> Profile:
    """A profile of it with a fallback on another connection."""
    spare = profile_of(connect(name="Other"), name="Spare")
    return profile_of(row, name="Covered", fallbacks=[spare])


def token_of(user: Any, **more: Any) -> ApiToken:
    given = {"scopes": ["gateway:use"], **more}
    return services.create_token("CI", user=user, actor=None, **given)[0]


def test_requests_hurt_although_a_fallback_answers(
    row: Connection, covered: Profile, administrator: Any
):
    assert not switching_off([row]).hurts
    token = token_of(administrator)
    ask(covered, 3, token.pk)
    found = switching_off([row])
    assert (found.hurts, found.requests, found.tokens, found.refused) == (True, 3, [token], [])
    assert [str(one) for one in found.stood_in_for] == ["covered is answered by spare"]
    UsageRecord.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    assert not switching_off([row]).hurts


def test_requests_that_it_answered_as_a_fallback_count(row: Connection, covered: Profile):
    spare = Connection.objects.get(alias="other")
    ask(covered, 2)
    UsageRecord.objects.update(connection_id=spare.pk)
    profile_of(spare, name="Idle")
    assert (switching_off([spare]).requests, switching_off([row]).requests) == (2, 2)
    assert switching_off([row, spare]).requests == 2


def test_what_is_off_or_unused_hits_nobody(row: Connection):
    ask(profile_of(row, is_active=False), 2)
    assert not switching_off([row]).hurts
    profile_of(row, name="Second")
    assert switching_off([row]).hurts
    services.set_active(row, False, actor=None)
    assert not switching_off([reload(row)]).hurts


@pytest.mark.server
def test_flows_that_read_it_within_the_hour_are_hit(row: Connection, administrator: Any):
    given = {"user": administrator, "actor": administrator, "connections": [row.alias]}
    token, _ = create_reveal_token("Nightly", **given)
    found = switching_off([row])
    assert (found.flow_tokens, found.hurts) == ([token], False)
    RevealToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=59))
    assert switching_off([row]).hurts
    RevealToken.objects.update(revoked_at=timezone.now())
    assert not switching_off([row]).hurts


def test_many_are_asked_for_with_the_queries_of_one(row: Connection, covered: Profile):
    with CaptureQueriesContext(
        database,
    ) as one:
        switching_off([row])
    rows = [row, *(connect(name=f"No {number}") for number in range(5))]
    for number, each in enumerate(rows):
        profile_of(each, name=f"P {number}", fallbacks=[Profile.objects.get(alias="spare")])
    with CaptureQueriesContext(database) as many:
        switching_off(rows)
    assert len(many) == len(one) <= 6


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_switch_with_requests_asks_and_tells_them(
    row: Connection, covered: Profile, administrator: Any, operator: Any, headers: dict[str, str]
):
    ask(covered, 3, token_of(administrator).pk)
    given = {"is_active": "false", "part": "row"}
    answer = browser(operator).post(f"/connections/{row.pk}/toggle/", given, headers=headers)
    page = answer["HX-Redirect" if headers else "Location"]
    shown = words(browser(operator).get(page))
    assert "3 requests in the last hour, with 1 token. A fallback answers" in shown
    assert "is answered by spare" in shown and "CI sb_" not in shown and reload(row).is_active
    assert "CI sb_" in words(browser(administrator).get(page))


def test_the_page_that_ends_a_token_says_what_that_hits(row: Connection, administrator: Any):
    profile = profile_of(row, name="Answers")
    token = token_of(administrator, profiles=["answers"])
    ask(profile, 2, token.pk)
    ask(profile, 5)
    shown = words(browser(administrator).get(f"/tokens/{token.pk}/revoke/"))
    assert "2 requests with it in the last hour." in shown
    assert "Last used never" in shown and "Profiles Answers" in shown
    assert ApiToken.objects.get().state == "active"
