"""The ends of tokens: their life, renewals, networks, and those that nobody uses."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.utils import timezone

from connections import services
from connections.jobs import declared
from connections.models import ApiToken, Connection
from tests.connections.api.calls import Api, problem, token_of
from tests.fakes import profile_of
from tests.pages import words
from tests.people import browser

pytestmark = pytest.mark.django_db


def made(user: Any, **values: Any) -> ApiToken:
    """A new token."""
    given = {"scopes": ["connections:read"], **values}
    return services.create_token("CI", user=user, actor=None, **given)[0]


def life(row: ApiToken) -> int | None:
    """The days that a token has left, as a whole number."""
    return row.expires_at and round((row.expires_at - timezone.now()) / timedelta(days=1))


@pytest.mark.parametrize(
    ("usual", "longest", "asked", "days"),
    [
        (90, 366, None, 90),
        (90, 30, None, 30),
        (0, 366, None, 366),
        (0, 0, None, None),
        (90, 0, 0, None),
        (90, 0, 3650, 3650),
        (90, 366, 366, 366),
    ],
)
def test_a_token_ends_as_the_settings_say(
    operator: Any, settings: Any, usual: int, longest: int, asked: int | None, days: int | None
):
    settings.CONNECTIONS_TOKEN_DAYS, settings.CONNECTIONS_TOKEN_DAYS_LONGEST = usual, longest
    assert life(made(operator, expires_in_days=asked)) == days


@pytest.mark.parametrize(("longest", "asked"), [(366, 367), (366, 0), (0, 3651), (0, -1)])
def test_a_life_that_the_settings_do_not_allow_is_refused(
    operator: Any, settings: Any, longest: int, asked: int
):
    settings.CONNECTIONS_TOKEN_DAYS_LONGEST = longest
    with pytest.raises(services.Invalid):
        made(operator, expires_in_days=asked)


# Renewals


def test_a_renewal_may_the_same_and_the_old_token_ends_soon(operator: Any, connection: Connection):
    profile_of(connection)
    limits = {"requests_per_minute": 5, "tokens_per_day": 9, "networks": ["10.0.0.0/8"]}
    old = made(operator, profiles=["answers"], expires_in_days=300, **limits)
    row, text = services.renew_token(old, actor=None, overlap_hours=2)
    same = ("name", "user", "scopes", "is_limited", *limits)
    assert [getattr(row, name) for name in same] == [getattr(old, name) for name in same]
    assert list(row.profiles.all()) == list(old.profiles.all()) and life(row) == 90
    old.refresh_from_db()
    left = old.expires_at - timezone.now()
    assert timedelta(hours=1.9) < left <= timedelta(hours=2) and row.renews == old
    assert services.find_caller(text)


def test_a_renewal_lengthens_no_token(operator: Any):
    old = made(operator)
    ends = timezone.now() + timedelta(minutes=5)
    ApiToken.objects.update(expires_at=ends)
    services.renew_token(old, actor=None)
    assert ApiToken.objects.get(pk=old.pk).expires_at == ends


def test_a_revoked_token_is_not_renewed(operator: Any):
    row = made(operator)
    services.revoke_token(row, actor=None)
    with pytest.raises(services.Invalid):
        services.renew_token(row, actor=None)
    assert ApiToken.objects.count() == 1


def test_nobody_renews_the_token_of_another(administrator: Any, operator: Any):
    row, client = made(operator), browser(administrator)
    with pytest.raises(PermissionDenied):
        services.renew_token(row, actor=administrator)
    assert client.post(f"/tokens/{row.pk}/renew/", {"overlap_hours": "1"}).status_code == 403
    assert "Renew" not in words(client.get(f"/tokens/{row.pk}/"))


def test_the_page_renews_a_token_and_shows_the_new_one_once(administrator: Any):
    old, client = made(administrator), browser(administrator)
    address = f"/tokens/{old.pk}/renew/"
    assert address in client.get(f"/tokens/{old.pk}/").content.decode()
    sent = {"overlap_hours": "0", "expires_in_days": "7", "once": "a" * 32}
    assert client.post(address, sent | {"overlap_hours": "9999"}).context["form"].errors
    text = client.post(address, sent).context["text"]
    assert Api(text).get("/connections").status_code == 200
    assert client.post(address, sent).status_code == 302 and ApiToken.objects.count() == 2
    assert "Renewed by" in words(client.get(f"/tokens/{old.pk}/"))


def test_the_command_renews_a_token(operator: Any):
    old, out, err = made(operator), StringIO(), StringIO()
    call_command("token", "renew", old.prefix, "--expires", "5", stdout=out, stderr=err)
    row = ApiToken.objects.exclude(pk=old.pk).get()
    assert services.find_caller(out.getvalue().strip()) and life(row) == 5
    assert old.prefix in err.getvalue()


# Networks


def test_a_token_for_networks_is_refused_from_elsewhere(administrator: Any, caplog: Any):
    text = token_of(administrator, networks=["203.0.113.0/24"])
    refused = problem(Api(text).get("/connections"), 403)
    assert "127.0.0.1" in refused["detail"] and text[:11] in caplog.text
    assert (
        Api(token_of(administrator, networks=["127.0.0.1"])).get("/connections").status_code == 200
    )


def test_a_proxy_of_ours_is_believed(administrator: Any, settings: Any):
    settings.TRUSTED_PROXIES = 1
    caller = Api(token_of(administrator, networks=["203.0.113.0/24"]))
    assert caller.get("/connections", x_forwarded_for="203.0.113.7").status_code == 200
    problem(caller.get("/connections", x_forwarded_for="203.0.113.7, 198.51.100.1"), 403)


def test_the_page_takes_networks_and_shows_them(administrator: Any):
    client, typed = browser(administrator), {"name": "CI", "scopes": ["admin"]}
    wrong = client.post("/tokens/", typed | {"networks": "10.0.0.1/8"})
    assert "Not a network: 10.0.0.1/8" in words(wrong)
    client.post("/tokens/", typed | {"networks": "10.0.0.0/8,\n192.0.2.1"})
    assert ApiToken.objects.get().networks == ["10.0.0.0/8", "192.0.2.1/32"]
    assert "from 10.0.0.0/8, 192.0.2.1/32" in words(client.get("/tokens/"))


@pytest.mark.parametrize("limit", [{"networks": ["127.0.0.1"]}, {"profiles": ["answers"]}])
def test_a_limited_token_makes_no_other(
    administrator: Any, connection: Connection, limit: dict[str, Any]
):
    profile_of(connection)
    administrator.token = made(administrator, **limit)
    with pytest.raises(PermissionDenied):
        services.create_token("x", user=administrator, actor=administrator, scopes=["admin"])


# What nobody uses


def test_a_token_that_nobody_uses_ends_by_itself(operator: Any):
    unused, used, fresh = (made(operator, expires_in_days=300) for _ in range(3))
    old, now = timezone.now() - timedelta(days=366), timezone.now()
    ApiToken.objects.filter(pk__in=[unused.pk, used.pk]).update(idle_from=old)
    ApiToken.objects.filter(pk=used.pk).update(last_used_at=now)
    job = next(one for one in declared() if one.name == "end-unused-tokens")
    assert job.run() == "1 token revoked that nobody used for 365 days."
    states = {row.pk: row.state for row in ApiToken.objects.all()}
    assert states == {unused.pk: "revoked", used.pk: "active", fresh.pk: "active"}
    assert ApiToken.objects.get(pk=unused.pk).revoked_because == "unused"


def test_with_0_days_no_token_ends_by_itself(operator: Any, settings: Any):
    settings.CONNECTIONS_TOKEN_UNUSED_END = 0
    made(operator)
    ApiToken.objects.update(idle_from=timezone.now() - timedelta(days=3000))
    assert services.end_unused_tokens() == 0


# Tests of values that are not saved


def test_the_scope_of_tests_alone_tests_no_values_that_are_not_saved(administrator: Any):
    body = {"providerId": "echo", "settings": {"prefix": "$Echo:Prefix"}}
    refused = Api(token_of(administrator, "connections:test")).post("/connections/test", body)
    assert "connections:write" in problem(refused, 403)["detail"]
    both = token_of(administrator, "connections:test", "connections:write")
    assert Api(both).post("/connections/test", body).status_code == 200
