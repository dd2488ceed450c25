"""Limits of a team: its tokens together, and each of them within its own."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.utils import timezone

from backoffice.people.service_accounts.services import add_service_account
from connections import services
from connections.models import IssuerRule, Team, TrustedIssuer
from gateway.models import TokenCount
from tests.connections.api.calls import Api, errors, problem
from tests.connections.api.calls import token_of as api_token
from tests.pages import words
from tests.people import browser, person

from .rows import Owner, owner, token_of
from .test_gateway import asked, chat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ours() -> Owner:
    return owner("ours", roles=("operator", "administrator"))


def limit(team: Team | None, requests: int | None = None, tokens: int | None = None) -> None:
    assert team is not None
    services.limit_team(team, requests_per_minute=requests, tokens_per_day=tokens, actor=None)


def texts(ours: Owner, *columns: dict[str, Any]) -> list[str]:
    """Tokens of the team."""
    user = ours.people["operator"]
    return [token_of(user, team=ours.team, **one)[1] for one in columns]


def statuses(*requests: Any) -> list[int]:
    return [status for status, _, _ in asked(*requests)]


def test_the_tokens_of_a_team_share_its_requests(ours: Owner):
    limit(ours.team, requests=3)
    one, two = texts(ours, {}, {})
    of_nobody = token_of(ours.people["operator"])[1]
    found = asked(*(chat(text, "ours-chat") for text in (one, two, one, two, one, of_nobody)))
    assert [status for status, _, _ in found] == [200, 200, 200, 429, 429, 200]
    assert found[3][1]["error"]["message"].startswith("This team may make 3 requests a minute.")
    assert found[0][2]["x-ratelimit-limit-requests"] == "3"
    assert "x-ratelimit-limit-requests" not in found[5][2]


def test_the_tokens_of_a_team_share_its_tokens_of_a_day(ours: Owner):
    limit(ours.team, tokens=5)
    one, two = texts(ours, {}, {})
    found = statuses(*(chat(text, "ours-chat") for text in (one, two, one, two)))
    assert found[0] == 200 and found[-1] == 429
    count = TokenCount.objects.get(token_id=ours.team.pk)  # type: ignore[union-attr]
    assert count.reserved == 0 and count.count >= 5


def test_what_the_team_refuses_is_given_back_to_the_token(ours: Owner):
    limit(ours.team, requests=1)
    (text,) = texts(ours, {"more": {"tokens_per_day": 1000}})
    assert statuses(chat(text, "ours-chat"), chat(text, "ours-chat")) == [200, 429]
    row = TokenCount.objects.exclude(token_id=ours.team.pk).get()  # type: ignore[union-attr]
    assert row.reserved == 0 and row.count < 50


def test_a_token_keeps_its_own_limit_within_that_of_the_team(ours: Owner):
    limit(ours.team, requests=9)
    (text,) = texts(ours, {"more": {"requests_per_minute": 1}})
    found = asked(chat(text, "ours-chat"), chat(text, "ours-chat"))
    assert [status for status, _, _ in found] == [200, 429]
    assert found[1][1]["error"]["message"].startswith("This token may make 1 request a minute.")


def test_a_team_is_limited_by_whoever_manages_all(ours: Owner):
    for user in (ours.people["administrator"], person("olaf", "Operators")):
        with pytest.raises(PermissionDenied):
            services.limit_team(
                ours.team,  # type: ignore[arg-type]
                requests_per_minute=None,
                tokens_per_day=None,
                actor=user,
            )
    call_command("team", "limit", "ours", "--tokens-per-day", "7")
    team = Team.objects.get(name="ours")
    assert (team.requests_per_minute, team.tokens_per_day) == (None, 7)
    with pytest.raises(services.Invalid):
        limit(team, tokens=0)


def test_the_page_of_a_team_sets_its_limits_for_whoever_manages_all(ours: Owner):
    assert ours.team is not None
    address = f"/teams/{ours.team.pk}/"
    boss, hers = browser(person("anna", "Administrators")), browser(ours.people["administrator"])
    posted = {"action": "limits", "requests_per_minute": "60", "tokens_per_day": ""}
    assert hers.post(address, posted).status_code == 403
    assert boss.post(address, posted).status_code == 302
    shown = words(hers.get(address))
    assert "Requests a minute 60 Tokens a day no limit" in shown and "Save the limits" not in shown
    refused = words(boss.post(address, posted | {"requests_per_minute": "0"}))
    assert "or empty for no limit" in refused
    assert Team.objects.get(pk=ours.team.pk).requests_per_minute == 60


def test_the_api_reads_and_sets_limits_of_a_team(ours: Owner):
    boss, hers = (
        Api(api_token(one, "connections:read", "admin"))
        for one in (person("anna", "Administrators"), ours.people["administrator"])
    )
    changed = boss.patch("/teams/ours", {"requestsPerMinute": 60, "tokensPerDay": 9}).json()
    assert (changed["requestsPerMinute"], changed["tokensPerDay"]) == (60, 9)
    boss.patch("/teams/ours", {"tokensPerDay": None})
    assert hers.read("/teams/ours")["requestsPerMinute"] == 60
    assert hers.read("/teams/ours")["tokensPerDay"] is None
    problem(hers.patch("/teams/ours", {"name": "Mine", "tokensPerDay": 9}), 403)
    services.create_team("Taken", actor=None)
    both = {"name": "Taken", "tokensPerDay": 9}
    assert errors(boss.patch("/teams/ours", both), 409) == {"/name": "unique"}
    assert hers.patch("/teams/ours", {"name": "Ours"}).json()["name"] == "Ours"
    assert Team.objects.get(name="Ours").tokens_per_day is None


def test_a_team_that_has_used_its_day_is_a_fault_for_its_members(ours: Owner):
    limit(ours.team, tokens=5)
    (text,) = texts(ours, {})
    assert statuses(chat(text, "ours-chat"), chat(text, "ours-chat"))[0] == 200
    shown = {
        name: words(browser(one).get("/attention/"))
        for name, one in {**ours.people, "boss": person("anna", "Administrators")}.items()
    }
    outsider = owner("theirs", roles=("administrator",)).people["administrator"]
    assert all("Team ours" in text for text in shown.values())
    assert "Team ours" not in words(browser(outsider).get("/attention/"))


def test_a_rule_of_an_issuer_that_has_used_its_day_is_a_fault(roles: Any, administrator: Any):
    role = Group.objects.get(name="Operators")
    account = add_service_account("ci", role=role, contact="Platform team", actor=None)
    issuer = TrustedIssuer.objects.create(name="forge", issuer="https://forge.example.com")
    row = IssuerRule.objects.create(issuer=issuer, account=account, name="main", tokens_per_day=5)
    today = timezone.now().date().isoformat()
    TokenCount.objects.create(token_id=row.pk, window=today, count=5)
    assert "Rule main of forge" in words(browser(administrator).get("/attention/"))
