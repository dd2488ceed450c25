"""The gateway and teams. Who finds which profile at which door is in test_doors.py."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections import services
from connections.models import DefaultProfile, Membership
from gateway.core.config_cache import ConfigCache
from gateway.routing.gateway import start_gateway, stop_gateway
from providers.core.base import Capability
from tests.people import browser, person

from .asking import HELLO, ask, asked
from .rows import Owner, owner, profile, share, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ours() -> Owner:
    return owner("ours")


@pytest.fixture
def theirs() -> Owner:
    return owner("theirs")


def chat(text: str, alias: str) -> tuple[str, str, Any]:
    return text, "/v1/chat/completions", {"model": alias, **HELLO}


def test_one_who_is_in_the_team_may_use_it_and_what_is_shared_by_all(ours: Owner, theirs: Owner):
    everybodys = owner("all", is_team=False)
    _, text = token_of(ours.people["operator"])
    *answers, models = asked(
        chat(text, ours.profile.alias),
        chat(text, everybodys.profile.alias),
        (text, "/v1/models", None),
    )
    assert [status for status, _, _ in answers] == [200, 200]
    assert [one["id"] for one in models[1]["data"]] == ["all-chat", "ours-chat"]
    assert answers[0][2]["x-switchboard-connection"] == "ours-line"
    assert theirs.profile.alias not in json.dumps(models)


def test_a_viewer_of_the_team_uses_nothing(ours: Owner):
    _, text = token_of(ours.people["viewer"])
    (status, body, _), models = asked(chat(text, ours.profile.alias), (text, "/v1/models", None))
    assert (status, body["error"]["code"]) == (403, "permission_denied")
    assert models[1]["data"] == []


def test_somebody_of_a_group_and_no_team_uses_what_is_shared_by_all(ours: Owner):
    everybodys = owner("all", is_team=False)
    _, text = token_of(person("olaf", "Operators"))
    own, foreign = asked(chat(text, everybodys.profile.alias), chat(text, ours.profile.alias))
    assert (own[0], foreign[0]) == (200, 404)


def test_an_administrator_of_all_uses_everything(ours: Owner, theirs: Owner):
    _, text = token_of(person("ada", "Administrators"))
    found = asked(chat(text, ours.profile.alias), chat(text, theirs.profile.alias))
    assert [status for status, _, _ in found] == [200, 200]


@pytest.mark.parametrize(("level", "status"), [("see", 404), ("use", 200)])
def test_a_share_lets_use_only_where_it_says_so(
    ours: Owner, theirs: Owner, level: str, status: int
):
    share(theirs.profile, ours.team, level)
    _, text = token_of(ours.people["operator"])
    (got, body, headers), models = asked(
        chat(text, theirs.profile.alias), (text, "/v1/models", None)
    )
    assert got == status
    assert ("theirs-chat" in json.dumps(models)) is (status == 200)
    # the connection was not shared with them
    assert "x-switchboard-connection" not in headers and "theirs-line" not in json.dumps(body)


def test_a_connection_that_one_may_not_see_is_not_named_where_it_fails(ours: Owner, theirs: Owner):
    share(theirs.profile, ours.team, "use")
    services.set_active(theirs.connection, False, actor=None)
    mine, own = token_of(ours.people["operator"])[1], token_of(theirs.people["operator"])[1]
    hidden, told = asked(chat(mine, "theirs-chat"), chat(own, "theirs-chat"))
    assert hidden[0] == told[0] == 409
    assert hidden[1]["error"]["code"] == told[1]["error"]["code"] == "connection_inactive"
    assert "theirs-line" not in json.dumps(hidden) and "theirs-line" in json.dumps(told)


@pytest.mark.parametrize(
    ("columns", "own", "everybodys"),
    [({}, 200, 200), ({"team": "other"}, 404, 200), ({"tags": ["red"]}, 200, 404)],
    ids=["as its person", "narrowed to another team", "narrowed to a tag"],
)
def test_a_token_is_narrowed_by_its_team_and_tags(
    ours: Owner, columns: dict[str, Any], own: int, everybodys: int
):
    user, other = ours.people["operator"], owner("other", roles=())
    Membership.objects.create(team=other.team, user=user, role="operator")
    services.update_profile(ours.profile, actor=None, tags=["red", "blue"])
    shared = owner("all", is_team=False)
    if columns.get("team"):
        columns = {"team": other.team}
    _, text = token_of(user, **columns)
    found = asked(chat(text, ours.profile.alias), chat(text, shared.profile.alias))
    assert [status for status, _, _ in found] == [own, everybodys]


def test_a_token_for_some_profiles_is_narrowed_by_teams_too(ours: Owner, theirs: Owner):
    both = [ours.profile.alias, theirs.profile.alias]
    _, text = token_of(ours.people["operator"], more={"profiles": both})
    found = asked(chat(text, both[0]), chat(text, both[1]))
    assert [status for status, _, _ in found] == [200, 404]


def test_the_default_of_another_team_is_none(ours: Owner, theirs: Owner):
    _, text = token_of(ours.people["operator"])
    request = (text, "/v1/chat/completions", HELLO)
    (before,) = asked(request)
    DefaultProfile.objects.create(capability="Chat", profile=theirs.profile)
    (after,) = asked(request)
    assert before[:2] == after[:2] and after[0] == 404


def test_a_fallback_whose_connection_the_team_may_not_use_is_passed_over(
    ours: Owner, theirs: Owner
):
    lent = share(theirs.connection, ours.team, "use")
    second = profile("ours-second", theirs.connection, ours.team)
    services.update_profile(ours.profile, actor=None, fallbacks=[second])

    def target() -> Any:
        async def read() -> Any:
            config = ConfigCache()
            await config.start()
            route = await config.route(ours.profile.alias, Capability.CHAT)
            await config.stop()
            return route.targets[1]

        return asyncio.run(read())

    assert target().refusal is None
    lent.delete()
    assert target().refusal.code == "not_shared" and target().pooled is None
    _, text = token_of(ours.people["operator"])
    services.set_active(ours.connection, False, actor=None)
    ((status, body, _),) = asked(chat(text, ours.profile.alias))
    assert (status, body["error"]["code"]) == (409, "connection_inactive")


def test_a_profile_whose_connection_was_taken_back_is_refused(ours: Owner, theirs: Owner):
    borrowed = profile("ours-second", theirs.connection, ours.team)
    _, text = token_of(ours.people["operator"])
    ((status, body, _),) = asked(chat(text, borrowed.alias))
    assert (status, body["error"]["code"]) == (409, "not_shared")
    assert "theirs" not in json.dumps(body)


def test_a_change_of_members_or_shares_reaches_a_worker_at_its_next_request(
    ours: Owner, theirs: Owner
):
    user = ours.people["operator"]
    _, text = token_of(user)

    async def story() -> list[int]:
        await start_gateway()
        found = []

        async def status(alias: str) -> None:
            found.append((await ask(*chat(text, alias)))[0])

        async def change(act: Callable[[], Any]) -> None:
            await asyncio.to_thread(act)

        try:
            await status("theirs-chat")
            joined = Membership(team=theirs.team, user=user, role="operator")
            await change(joined.save)
            await status("theirs-chat")
            joined.role = "viewer"
            await change(joined.save)
            await status("theirs-chat")
            await change(joined.delete)
            await status("theirs-chat")
            await change(lambda: share(theirs.profile, ours.team, "use"))
            await status("theirs-chat")
            await change(theirs.profile.shares.all().delete)
            await status("theirs-chat")
        finally:
            await stop_gateway()
        return found

    assert asyncio.run(story()) == [404, 200, 404, 404, 200, 404]


def test_a_request_costs_no_query_once_its_caller_is_known(ours: Owner, theirs: Owner):
    """Neither one that is answered, nor one that is refused."""
    _, text = token_of(ours.people["operator"])

    async def count() -> list[int]:
        await start_gateway()
        requests = [chat(text, "ours-chat"), chat(text, "theirs-chat"), chat(text, "nobody-chat")]
        read: list[Any] = []
        config = (await start_gateway()).config
        try:
            for one in requests:
                await ask(*one)
            kept = config._readings.read

            def noted(what: Any, *arguments: Any) -> Any:
                read.append(what)
                return kept(what, *arguments)

            config._readings.read = noted  # type: ignore[method-assign]
            for one in requests:
                await ask(*one)
        finally:
            await stop_gateway()
        return read

    assert asyncio.run(count()) == []


def test_who_makes_no_teams_pays_no_query(django_assert_num_queries: Any):
    _, text = token_of(person("olaf", "Operators"))
    services.find_caller(text)  # notes when the token was used
    with CaptureQueriesContext(database) as found:
        caller = services.find_caller(text)
    assert caller is not None and caller.narrowing is None and len(found) == 2


def test_the_playground_keeps_to_teams(ours: Owner, theirs: Owner):
    client = browser(ours.people["operator"])
    page = client.post(f"/profiles/{theirs.profile.pk}/playground/", {"message": "Hello"})
    assert page.status_code == 404
    page = client.post(f"/profiles/{ours.profile.pk}/playground/", {"message": "Hello"})
    assert page.status_code == 200 and b"Echo: Hello" in page.content


def test_a_profile_that_one_may_only_see_is_not_tried_in_the_playground(ours: Owner, theirs: Owner):
    share(theirs.profile, ours.team, "see")
    client = browser(ours.people["operator"])
    for path in ("playground", "call"):
        assert client.get(f"/profiles/{theirs.profile.pk}/{path}/").status_code == 403
