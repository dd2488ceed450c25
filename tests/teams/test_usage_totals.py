"""Totals tell each viewer what the records tell, whatever is filtered and however far they are
counted.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from connections.models import Membership
from connections.standing import viewer_of
from connections.viewing import Viewer, viewing
from gateway.models import UsageAttempt, UsageRecord
from gateway.usage import counting, routes, scoped_counting, selectors
from gateway.usage.asked import asked_targets
from gateway.usage.buckets import DAY, HOUR
from gateway.usage.course import course
from gateway.usage.records import Period
from gateway.usage.stored import answer_to
from tests.gateway.records import NOWHERE, used
from tests.people import person

from .rows import Owner, owner, profile, share, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.server]
SEED, COUNT, TRIED = 4, 80, 3
START = datetime(2026, 3, 26, 22, 7, tzinfo=UTC)
WHOLE = Period(datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
ODD = Period(START + timedelta(minutes=9), START + timedelta(days=3, hours=5, minutes=3))
BREAKDOWNS = (["profile", "outcome"], selectors.DIMENSIONS)


class World:
    """Three owners, what they ask, and who looks."""

    def __init__(self) -> None:
        self.owners = [owner("ours"), owner("theirs"), owner("all", is_team=False)]
        ours, theirs, _ = self.owners
        share(theirs.connection, ours.team, "use")
        theirs.connection.tags = ["blue"]
        theirs.connection.save()
        self.profiles = [one.profile for one in self.owners]
        self.profiles.append(profile("ours-lent", theirs.connection, ours.team, tags=["blue"]))
        self.tokens = [
            token_of(one.people["operator"], f"{one.name}-token", team=one.team)[0]
            for one in (ours, theirs)
        ]
        both = person("both")
        for one in (ours, theirs):
            Membership.objects.create(team=one.team, user=both, role="operator")
        boss = viewer_of(person("ada", "Administrators"))
        self.viewers: dict[str, Viewer | None] = {
            "nobody": None,
            "administrator": boss,
            "stranger": viewer_of(person("sten")),
            "of both": viewer_of(both),
            "ours": viewer_of(ours.people["operator"]),
            "theirs": viewer_of(theirs.people["operator"]),
            "tagged": Viewer(boss.standing, ours.team.pk if ours.team else None, ("blue",)),
        }

    def ask(self, chance: random.Random) -> None:
        """One request by chance."""
        asker: Owner = chance.choice(self.owners[:2])
        token = chance.choice([*self.tokens, None])
        told: dict[str, Any] = {
            "key": uuid4(),
            "started_at": START + timedelta(seconds=chance.randrange(4 * 86400)),
            "user_id": asker.people["operator"].pk,
            "user_name": f"{asker.name}-operator",
            "token_id": token and token.pk,
            "token_name": token.name if token else "",
            "latency_ms": chance.randrange(2000),
            "input_tokens": chance.choice([None, 5, 70]),
        }
        if chance.random() < 0.15:
            used(**NOWHERE | told | {"profile_alias": f"text-{chance.randrange(4)}"})
            return
        way = chance.sample(self.profiles, chance.choice([1, 1, 1, 2, 3]))
        ended = chance.choice(["ok", "ok", "client_closed", "timeout", "quota"])
        passed_over = chance.random() < 0.3
        asked = way[:-2] + way[-1:] if passed_over and len(way) > 2 else way
        used(
            **told | of(way[-1]),
            profile_id=way[0].pk,
            profile_alias=way[0].alias,
            answered_profile_id=way[-1].pk if ended == "ok" else None,
            attempts=len(asked),
            outcome=ended,
        )
        for position, one in enumerate(way):
            outcome = "failed" if one in asked else "passed_over"
            UsageAttempt.objects.create(
                record_key=told["key"],
                position=position,
                started_at=told["started_at"],
                profile_id=one.pk,
                profile_alias=one.alias,
                outcome=ended if one is way[-1] and ended in ("ok", "client_closed") else outcome,
                latency_ms=5,
                **of(one),
            )

    def filters(self, chance: random.Random) -> Iterator[dict[str, str]]:
        """None, and some by chance."""
        choices = {
            "profile": ["ours-chat", "theirs-chat", "text-1", str(self.profiles[3].pk)],
            "connection": ["ours-line", "theirs-line", str(self.owners[2].connection.pk)],
            "provider": ["ours-provider", "all-provider"],
            "model": ["ours-model", "theirs-model"],
            "outcome": ["ok", "failed", "timeout", "client_closed", "profile_not_found"],
            "attempts": ["several", "fallback"],
            "user": ["ours-operator", "theirs-operator"],
            "token": [str(one.pk) for one in self.tokens],
        }
        yield {}
        for name in chance.sample(list(choices), TRIED):
            yield {name: chance.choice(choices[name])}
        for _ in range(TRIED):
            names = chance.sample(list(choices), chance.choice([2, 2, 3]))
            yield {name: chance.choice(choices[name]) for name in names}


def of(row: Any) -> dict[str, Any]:
    """What a request to this profile asks."""
    line = row.connection
    name = line.alias.removesuffix("-line")
    return {
        "connection_id": line.pk,
        "connection_alias": line.alias,
        "connection_version": 1,
        "provider_id": f"{name}-provider",
        "model": f"{name}-model",
    }


def numbers(period: Period, filters: dict[str, str]) -> list[Any]:
    """Everything that is told, without latencies."""

    def plain(totals: Any) -> dict[str, Any]:
        return {name: value for name, value in vars(totals).items() if name != "latencies"}

    reports = [selectors.usage_report(period, filters, by, len(by) > 1) for by in BREAKDOWNS]
    return [
        plain(selectors.usage_report(period, filters).totals),
        [plain(report.totals) for report in reports],
        [plain(one) for report in reports for shares in report.shares.values() for one in shares],
        [asked_targets(one, period, filters) for one in ("connection", "model")],
        [course(period, filters, step) for step in (DAY, HOUR)],
    ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A World with COUNT requests by chance."""
    monkeypatch.setattr(scoped_counting, "CHUNK", COUNT // 4)
    chance, found = random.Random(SEED), World()
    for _ in range(COUNT):
        found.ask(chance)
    return found


def told(world: World, who: str, period: Period) -> list[Any]:
    """What is told this viewer, filter by filter."""
    chance = random.Random(f"{SEED} {who}")
    with viewing(world.viewers[who]):
        return [(one, numbers(period, one)) for one in world.filters(chance)]


@pytest.mark.parametrize(
    "who", ["nobody", "administrator", "stranger", "of both", "ours", "theirs", "tagged"]
)
def test_totals_tell_each_viewer_what_the_records_tell(
    world: World, who: str, monkeypatch: pytest.MonkeyPatch
):
    expected = told(world, who, ODD)
    assert any(numbers[0]["requests"] > 0 for _, numbers in expected) or who == "stranger"
    half = UsageRecord.objects.order_by("pk")[COUNT // 2].pk
    with monkeypatch.context() as patch:
        patch.setattr(counting, "settled_id", lambda: half)
        scoped_counting.count_scopes()
    assert told(world, who, ODD) == expected
    scoped_counting.count_scopes()
    assert told(world, who, ODD) == expected


@pytest.mark.parametrize("who", ["administrator", "ours", "of both", "tagged"])
def test_what_filters_leave_needs_no_records_of_whole_days(world: World, who: str):
    """All but what names a token or a user, and the shares of these that no total has."""
    chance = random.Random(SEED)
    filters = [one for one in world.filters(chance) if "user" not in one and "token" not in one]
    scoped_counting.count_scopes()
    with viewing(world.viewers[who]):
        assert all(answer_to(one, WHOLE, ["profile"]) for one in filters)
        before = [numbers_of_routes(one) for one in filters]
        UsageRecord.objects.all().delete()
        assert [numbers_of_routes(one) for one in filters] == before


def numbers_of_routes(filters: dict[str, str]) -> list[Any]:
    """What routes alone tell of whole days."""
    report = selectors.usage_report(WHOLE, filters, ["provider", "profile", "connection"])
    return [report, asked_targets("model", WHOLE, filters), course(WHOLE, filters, HOUR)]


@pytest.mark.parametrize("filters", [{}, {"provider": "ours-provider"}, {"outcome": "timeout"}])
def test_callers_under_one_value_need_no_records(world: World, filters: dict[str, str]):
    with viewing(world.viewers["administrator"]):
        expected = selectors.usage_report(WHOLE, filters, ["user"]).shares["user"]
        scoped_counting.count_scopes()
        UsageRecord.objects.all().delete()
        found = selectors.usage_report(WHOLE, filters, ["user"]).shares["user"]
    assert [(one.name, one.requests) for one in found] == [
        (one.name, one.requests) for one in expected
    ]
    assert found


def test_callers_of_what_a_team_sees_need_no_records(world: World):
    """Whoever sees only some routes of each profile: others answered as fallbacks, which totals
    tell apart.
    """
    first, second, *_ = world.profiles
    UsageRecord.objects.exclude(profile_id__in=[first.pk, second.pk]).delete()
    fallbacks = UsageRecord.objects.filter(attempts__gt=1)
    fallbacks.exclude(outcome="ok", answered_profile_id=second.pk).delete()
    assert fallbacks.filter(profile_id=first.pk).exists()
    scoped_counting.count_scopes()
    with viewing(world.viewers["ours"]):
        assert answer_to({}, WHOLE, ["user"])
        assert selectors.usage_report(WHOLE, {}, ["user"]).shares["user"]


def test_texts_beyond_those_that_are_kept_are_read_from_records(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(routes, "MOST_TEXTS", 2)
    filters = {"profile": "text-1", "outcome": "profile_not_found"}
    expected = {who: told_of_texts(world, who, filters) for who in world.viewers}
    assert any(requests for requests in expected.values())
    scoped_counting.count_scopes()
    assert {who: told_of_texts(world, who, filters) for who in world.viewers} == expected


def told_of_texts(world: World, who: str, filters: dict[str, str]) -> tuple[int, int]:
    """The requests that these filters leave, and all."""
    with viewing(world.viewers[who]):
        return (
            selectors.usage_report(WHOLE, filters, ["profile"]).totals.requests,
            selectors.usage_report(WHOLE, {}, ["profile"]).totals.requests,
        )


def test_routes_without_totals_are_forgotten(world: World):
    scoped_counting.count_scopes()
    assert counting.UsageTotal.objects.filter(dimension="route").exists()
    counting.UsageTotal.objects.all().delete()
    scoped_counting.forget_routes()
    assert not routes.UsageRoute.objects.exists()
    assert not routes.UsageRouteAttempt.objects.exists()


def test_a_route_has_the_same_id_whatever_the_database_writes_ids_as():
    one = routes.Route("0" * 32, "chat", None, "1" * 32, "line", "echo", "m", "ok", 1)
    other = one._replace(profile_id=str(UUID(int=0)), connection_id=str(UUID("1" * 32)))
    assert routes.id_of(one) == routes.id_of(other) != routes.id_of(one._replace(attempts=2))
