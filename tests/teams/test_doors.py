"""The doors of the gateway as one table: who finds which profile there, by their role and by whose
it is. One that is not for them is answered exactly as one that nobody has.

The addresses are those that the doors go by, so that a new one is in it. What its body is stands in
BODIES.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as current
from django.test import Client

from connections import services
from connections.models import FormerAlias, Membership, Profile, RevealToken
from connections.promptflow import services as flows
from gateway.api.chat import GatewayView
from gateway.api.urls import urlpatterns as of_browsers
from gateway.doors.operations import MANAGEMENT, ONE_MODEL, OPENAI
from tests.people import browser, person

from .asking import HELLO, Answer, Request, asked
from .conftest import Teams
from .rows import owner, profile, share, token_of

pytestmark = pytest.mark.django_db(transaction=True)
# what is asked, by the first word of an address: the same for both protocols, but for embeddings
BODIES: dict[str, dict[str, Any]] = {"chat": HELLO, "embeddings": {"input": "a"}}
VALUES = {"chat": HELLO, "embeddings": {"values": ["a"]}}
# Who finds which: "all" is of no team and shared by all, "own" of the team of whoever asks.
TABLE = {
    "viewer": "",
    "operator": "all own used",
    "administrator": "all own used",
    "operator in both": "all own foreign seen used",
    "global viewer": "",
    "global operator": "all",
    "global administrator": "all own foreign seen used",
    "stranger": "",
    "operator, token of the team": "all own used",
    "operator in both, token of the team": "all own used",
    "global administrator, token of the team": "all own used",
    "global operator, token of the team": "all",
    "operator, token with a tag": "own",
    "operator, token for two": "own",
}
Door = Callable[[str, str], Request]  # the request with this token about this profile


def doors() -> Iterator[tuple[str, Door]]:
    """Every address of the gateway with each way to name a profile there."""
    for path, operation in OPENAI.items():
        if operation.method == "GET":
            yield path, lambda token, name: (token, f"{ONE_MODEL}{name}", None)
            continue
        body = BODIES[path.split("/")[2]]
        for stream in ({}, {"stream": True}) if body is HELLO else ({},):
            yield path, _naming_in_body(path, "model", body | stream)
    for kind, act in MANAGEMENT:
        for prefix in ["api/v1", *current.API_EXTRA_PREFIXES]:
            yield from _of_management(f"/{prefix}/{kind}", act, VALUES[kind])


def _of_management(path: str, act: str, body: Any) -> Iterator[tuple[str, Door]]:
    yield f"{path}/*/{act}", lambda token, name: (token, f"{path}/{name}/{act}", body)
    yield f"{path}/{act} header", lambda token, name: (token, f"{path}/{act}", body, name)
    yield f"{path}/{act} body", _naming_in_body(f"{path}/{act}", "profileIdOrAlias", body)


def _naming_in_body(path: str, field: str, body: Any) -> Door:
    return lambda token, name: (token, path, {field: name, **body})


@pytest.fixture
def rows(settings: Any) -> dict[str, Profile]:
    """A profile of each kind of belonging, with its former alias."""
    settings.API_EXTRA_PREFIXES = ["umbraco/ai/v1"]
    ours, theirs, all_ = owner("own"), owner("foreign"), owner("all", is_team=False)
    found = {"all": all_.profile, "own": ours.profile, "foreign": theirs.profile}
    for name, level in (("seen", "see"), ("used", "use")):
        found[name] = profile(f"{name}-chat", theirs.connection, theirs.team)
        share(found[name], ours.team, level)
    for name, row in found.items():
        FormerAlias.objects.create(alias=f"{name}-former", profile=row)
    services.update_profile(ours.profile, actor=None, tags=["red"])
    return found


@pytest.fixture
def tokens(rows: dict[str, Profile]) -> dict[str, str]:
    """A token of each who is in the table."""
    ours, theirs = rows["own"].team, rows["foreign"].team
    members = {one.role: one.user for one in Membership.objects.filter(team=ours)}
    both = person("both")
    for team in (ours, theirs):
        Membership.objects.create(team=team, user=both, role="operator")
    people = members | {
        "operator in both": both,
        "global viewer": person("gv", "Viewers"),
        "global operator": person("go", "Operators"),
        "global administrator": person("ga", "Administrators"),
        "stranger": person("sten"),
    }
    narrow: dict[str, dict[str, Any]] = {
        "": {},
        "of the team": {"team": ours},
        "with a tag": {"tags": ["red"]},
        "for two": {"more": {"profiles": ["own-chat", "foreign-chat"]}},
    }
    named = [(one, *one.partition(", token ")[::2]) for one in TABLE]
    return {one: token_of(people[who], one, **narrow[how])[1] for one, who, how in named}


def is_found(answer: Answer) -> bool:
    """True if a profile answered, or said that it is of another kind; False if it is not there or
    one may use none.
    """
    return answer[0] not in (403, 404)


def test_who_finds_which_profile_at_every_door(rows: dict[str, Profile], tokens: dict[str, str]):
    every = list(doors())
    asking = [(who, door, row) for who in tokens for door in every for row in rows]
    answers = asked(*(door(tokens[who], f"{row}-chat") for who, (_, door), row in asking))
    wrong = []
    for (who, (door, _), row), answer in zip(asking, answers, strict=True):
        if is_found(answer) != (row in TABLE[who].split()):
            wrong.append(f"{who}, {row} at {door}: {answer[0]} {str(answer[1])[:99]}")
    assert not wrong, f"{len(wrong)} of {len(asking)}\n" + "\n".join(wrong)
    assert len(every) > 20


def test_the_list_of_models_has_what_calling_allows(
    rows: dict[str, Profile], tokens: dict[str, str]
):
    answers = asked(*((token, "/v1/models", None) for token in tokens.values()))
    listed = {
        who: {one["id"] for one in body["data"]}
        for who, (_, body, _) in zip(tokens, answers, strict=True)
    }
    assert listed == {who: {f"{one}-chat" for one in cells.split()} for who, cells in TABLE.items()}


NAMES: dict[str, Callable[[Profile], str]] = {
    "alias": lambda one: one.alias,
    "in capitals": lambda one: one.alias.upper(),
    "former alias": lambda one: one.alias.replace("chat", "former"),
    "id": lambda one: str(one.pk),
}


def of_nobody(name: str) -> str:
    """A name of the same form and length that nobody has."""
    return str(UUID(int=7)) if len(name) == 36 else "n" * len(name)


def test_what_one_does_not_find_is_answered_as_what_nobody_has(
    rows: dict[str, Profile], tokens: dict[str, str]
):
    """Status, headers and body are the same, at every door and however it is named. That none of
    this takes a query is in test_gateway.py.
    """
    asking = [
        (who, door, row, way)
        for who, cells in TABLE.items()
        for row in ("foreign", "seen")
        if row not in cells.split() and cells
        for door in doors()
        for way in NAMES
    ]
    pairs = []
    for who, (_, door), row, way in asking:
        name = NAMES[way](rows[row])
        pairs += [door(tokens[who], name), door(tokens[who], of_nobody(name))]
    answers, wrong = asked(*pairs), []
    for at, (who, (door, _), row, way) in enumerate(asking):
        theirs, nobodys = answers[2 * at], answers[2 * at + 1]
        name = NAMES[way](rows[row])
        if json.dumps(theirs).replace(name, of_nobody(name)) != json.dumps(nobodys):
            wrong.append(f"{who}, {row} by {way} at {door}: {str(theirs)[:200]} {nobodys[0]}")
    assert not wrong, f"{len(wrong)} of {len(asking)}\n" + "\n".join(wrong)


def test_browsers_find_no_more_at_the_addresses_of_the_api(rows: dict[str, Profile]):
    client = browser(Membership.objects.get(team=rows["own"].team, role="operator").user)
    found = [one for one in of_browsers if issubclass(one.callback.view_class, GatewayView)]
    assert len(found) == 6
    for one in found:
        route, body = str(one.pattern), VALUES[str(one.pattern).split("/")[0]]
        said = [_by_browser(client, route, body, name) for name in ("foreign-chat", "nobody-chat")]
        assert said[0].status_code == 404
        assert said[0].content.replace(b"foreign", b"nobody") == said[1].content, route
        assert _headers(said[0]) == _headers(said[1]), route


def _by_browser(client: Client, route: str, body: Any, name: str) -> Any:
    path = "/api/v1/" + route.replace("<str:profile_id_or_alias>", name)
    sent = body if "<" in route else {"profileIdOrAlias": name, **body}
    return client.post(path, sent, "application/json")


def _headers(response: Any) -> dict[str, str]:
    told = dict(response.headers)
    return {
        one: value for one, value in told.items() if one not in ("X-Request-ID", "Content-Length")
    }


# What a token for flows reads of all that it was made for, by whose token it is.
READS = {
    "viewer": [],
    "operator": [],
    "administrator": ["own"],
    "global viewer": [],
    "global operator": [],
    "global administrator": ["foreign", "of all", "own", "seen", "used"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("who", READS)
def test_a_flow_reads_what_its_person_administers(
    client: Client, teams: Teams, who: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.promptflow.endpoint.REFUSAL_SECONDS", 0)
    rows = {name: connection for name, (connection, _) in teams.rows.items()}
    _, text = flows.create_reveal_token(
        "flow",
        user=teams.people["global administrator"],
        actor=None,
        connections=[one.alias for one in rows.values()],
    )
    RevealToken.objects.update(user=teams.people[who])
    route = f"/promptflow/{text}/connections"
    listed = client.get(route)
    found = [one["name"] for one in listed.json()] if listed.status_code == 200 else []
    assert found == [rows[one].name for one in READS[who]]
    nobody = client.get(f"{route}/nobody")
    for name, row in rows.items():
        for asked_for in (row.alias, row.name, str(row.pk)):
            answer = client.get(f"{route}/{asked_for}")
            if name in READS[who]:
                assert answer.status_code == 200
                continue
            assert answer.content.decode().replace(asked_for, "nobody") == nobody.content.decode()
            assert answer.status_code == 404 and _headers(answer) == _headers(nobody)
