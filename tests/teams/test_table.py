"""Nobody who is not in team B meets anything of it: on every page and by every operation of the
API, also who has every right but to manage teams, and by a token of theirs that is narrowed to A.

Pages come from the addresses, operations from the OpenAPI document, so that a new one is in it.
What is new for a team to have gets a row in foreign.py. Who may what is in test_rule.py.
"""

import json
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from tests.people import browser

from .foreign import FOR_SHARING, WORD, Foreign, Ours, foreign, ours

pytestmark = pytest.mark.django_db
CHANGING = re.compile(
    r'(?:csrfmiddlewaretoken|CSRFToken)\S*\s\S+|<time.*?</time>|name="once" value="\w+"'
    r'|name="task" value="[\w-]+"|/tasks/[\w-]+/',
    re.DOTALL,
)
# Django's administration lists users, whichever team they are in
OF_PEOPLE = ("/admin/auth/user/", "/people/")
# pages of a person's own, and what has no rows
SKIPPED = ("sign-", "your-sign-in", "you/", "password", "health/", "styleguide", "api/v1/schema")
GATEWAY = ("api/v1/chat/", "api/v1/embeddings/")  # works in threads of its own
NOBODY = str(uuid.UUID(int=7))  # the id of nothing
NOTHING = "zqbnothing"
# What belongs to no team: one id of B stands for all.
OF_NO_TEAM = {"issuers", "trusted", "auth"}
# Not there, not allowed, not with this method, or a body that makes no sense.
REFUSED = (400, 403, 404, 405)
# Queries that are not made each time: they note when somebody was here.
ONCE = ("django_session", "SAVEPOINT", "usersessions_", 'SET "last_used_at"')
# Django's administration, and what passes by itself, lead back to where one came from.
GONE_ALIKE = ("/admin/", "/packages/import/", "/tasks/")
# An alias is unique among all rows: that it is taken is told, and nothing more.
TELLS_TAKEN = re.compile(r"/(?:connections|profiles)/[^/]+/exists$")


@cache
def patterns() -> list[tuple[str, str]]:
    """Every address with its name, Django's administration included."""
    return [*_walk(get_resolver())]


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, str]]:
    for one in resolver.url_patterns:
        route = f"{prefix}{_plain(str(one.pattern))}"
        if isinstance(one, URLResolver):
            yield from _walk(one, route)
        elif isinstance(one, URLPattern):
            yield route, str(one.name)


def _plain(route: str) -> str:
    """A route without the marks of a regular expression."""
    return route.replace("^", "").replace("$", "").replace("\\Z", "")


def pages(of_api: bool) -> list[tuple[str, str]]:
    """The addresses of pages, or those of the API."""
    return [
        (route, name)
        for route, name in patterns()
        if route.startswith("api/") == of_api and not route.startswith(SKIPPED)
        if "(?P" not in route and f"/{route}" not in OF_PEOPLE
    ]


def plain_addresses() -> list[str]:
    """All addresses without arguments."""
    every = [*pages(of_api=False), *pages(of_api=True)]
    return sorted({f"/{route}" for route, _name in every if "<" not in route})


def filled(route: str, value: str) -> str:
    """The address with this value for each of its arguments."""
    return "/" + re.sub(r"<[^>]*>", value, route)


def values_for(route: str, name: str, found: Foreign) -> list[str]:
    """The ids and aliases of B that may stand in this address: those of the kind that its name or
    its path says, else all.
    """
    said = {*name.split("-"), *route.replace("-", "/").split("/")}
    kinds = [kind for kind in found.ids if {kind, f"{kind}s", f"{kind}es"} & said]
    values = [one for kind in kinds or found.ids for one in found.ids[kind] + found.aliases[kind]]
    if "<uuid:" in route:
        values = [one for one in values if is_uuid(one)]
    else:
        values = [one for one in values if one.isdecimal() == ("<int:" in route)]
    return values[:1] if OF_NO_TEAM & said else values


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def of_nothing(value: str) -> str:
    """A value of the same kind that names nothing."""
    return NOBODY if is_uuid(value) else "8800088" if value.isdecimal() else NOTHING


def body_of(response: Any) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


def seen(response: Any) -> tuple[int, str]:
    """The status and the text, without what is different each time. No cache keeps them."""
    assert "no-store" in response.headers.get("Cache-Control", ""), response.request
    text = CHANGING.sub("", body_of(response))
    return response.status_code, text + response.headers.get("Location", "")


@pytest.fixture
def world(fake: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Ours:
    """All of A, at one moment: charts move over an hour between two looks."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Zqbsection"]
    return ours()


def callers(world: Ours, *names: str) -> dict[str, Client]:
    """The people of these names in a browser each, and a program with the token."""
    bearer = {"Authorization": f"Bearer {world.token}"}
    found = {"token": Client(raise_request_exception=False, headers=bearer)}
    for name in names:
        found[name] = browser(world.people[name], raise_request_exception=False)
    return found


def differences(before: dict[Any, Any], after: dict[Any, Any]) -> list[str]:
    """What is different, a line each: who asked what, and the first words that changed."""
    lines = []
    for key, was in before.items():
        now = after[key]
        if was != now:
            lines.append(f"{' '.join(key)}: {was[0]} {now[0]} {first_difference(was[1], now[1])}")
    return lines


def first_difference(was: str, now: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), 0)
    return f"...{was[max(0, at - 60) : at + 60]!r} -> {now[max(0, at - 60) : at + 90]!r}"


def test_what_b_has_changes_no_page_and_no_answer(world: Ours):
    """Lists, counts, charts, searches: all is as if B had nothing."""
    addresses = plain_addresses()
    addresses += [one.get_absolute_url() for one in world.rows if hasattr(one, "get_absolute_url")]
    who = callers(world, "nearly all", "operator of all")

    def look() -> dict[tuple[str, str], tuple[int, str]]:
        return {(name, path): seen(c.get(path)) for name, c in who.items() for path in addresses}

    before = look()
    foreign(world)
    after = look()
    wrong = differences(before, after)
    for key, (_status, text) in after.items():
        if met := set(re.findall(WORD, text)) - {FOR_SHARING}:
            wrong.append(f"{' '.join(key)}: {met}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)


Call = tuple[str, str, Any]  # method, address, body


def calls_about(found: Foreign) -> list[tuple[Call, Call]]:
    """Every call whose address names something of B, each with the same about nothing.

    Pages are asked by GET and POST, the API by the methods of its document.
    """
    pairs = []
    for route, name in pages(of_api=False):
        if "<" in route and "<slug:" not in route and not route.startswith("promptflow/"):
            for value in values_for(route, name, found):
                for method in ("GET", "POST"):
                    pairs.append(_pair(method, route, value))
    for route, methods in operations():
        if "<" in route and not route.startswith(GATEWAY):
            for value in values_for(route, "", found):
                pairs += [_pair(method, route, value) for method in methods]
    return pairs


def _pair(method: str, route: str, value: str) -> tuple[Call, Call]:
    return (method, filled(route, value), value), (method, filled(route, of_nothing(value)), value)


@cache
def operations() -> list[tuple[str, list[str]]]:
    """The addresses below /api of the API's document, with their methods: /v1 is no view."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    verbs = ("get", "put", "patch", "post", "delete")
    return [
        (re.sub(r"{\w+}", "<str:one>", path)[1:], [one.upper() for one in verbs if one in methods])
        for path, methods in paths.items()
        if path.startswith("/api/")
    ]


def ask(client: Client, method: str, path: str, body: Any = None) -> tuple[int, str, list[str]]:
    """One call: its status, text and queries; what it changed is taken back."""
    is_api = path.startswith("/api/")
    queries: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        if not any(one in sql for one in ONCE):
            queries.append(sql)
        return execute(sql, *more)

    with transaction.atomic(), database.execute_wrapper(note):
        if method == "GET":
            response = client.get(path)
        elif is_api:
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            response = client.generic(
                method, path, json.dumps(body or {}), kind, headers={"If-Match": "*"}
            )
        else:
            response = client.post(path, body or {})
        answer = seen(response)
        client.cookies.pop("messages", None)
        transaction.set_rollback(True)
    return *answer, queries


def test_what_b_has_is_as_if_it_did_not_exist(world: Ours, monkeypatch: pytest.MonkeyPatch):
    """Whoever names something of B in an address is answered as if they had named nothing, after
    the same queries. The event of a refused call, one a minute, would be among those of the first.
    """
    monkeypatch.setattr("backoffice.middleware.times_due", lambda *_what: 0)
    found = foreign(world)
    who = callers(world, "nearly all")
    nothing: dict[tuple[str, str, str], tuple[int, str, list[str]]] = {}
    wrong = []
    for (method, path, value), (_method, other, _value) in calls_about(found):
        if TELLS_TAKEN.search(path):
            continue
        for name, client in who.items():
            if name == "token" and not path.startswith("/api/"):
                continue
            key = name, method, other
            if key not in nothing:
                nothing[key] = ask(client, method, other)
            was, now = nothing[key], ask(client, method, path)
            same = was[1].replace(of_nothing(value), "-"), now[1].replace(value, "-")
            is_found = now[0] not in REFUSED and not path.startswith(GONE_ALIKE)
            if was[0] != now[0] or same[0] != same[1] or is_found:
                said = first_difference(*same)
                wrong.append(f"{name} {method} {path}: {was[0]} {now[0]} {said}")
            if was[2] != now[2]:
                wrong.append(f"{name} {method} {path}: {set(was[2]) ^ set(now[2])}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)


# What the fields of forms are called in which a row is named.
NAMED_BY_ID = ("ids", "id", "pk", "team", "heir", "target", "service_account", "account", "person")
NAMED_BY_ALIAS = ("connection", "connections", "profile", "profiles", "fallbacks", "q", "tag")


def test_what_b_has_cannot_be_named_in_a_form(world: Ours):
    """Whatever of B a form names: it stays as it is, and nothing else of it is told."""
    found = foreign(world)
    client = callers(world, "nearly all")["nearly all"]
    ids = [one for kind in found.ids.values() for one in kind]
    aliases = [one for kind in found.aliases.values() for one in kind]
    body: dict[str, Any] = {"name": "Named", "action": "save", "role": "viewer", "agreed": "yes"}
    body |= dict.fromkeys(NAMED_BY_ID, ids) | dict.fromkeys(NAMED_BY_ALIAS, aliases)
    sent = {*re.findall(WORD, str(body))}
    addresses = plain_addresses()
    for row in world.rows[:4]:
        kind = type(row).__name__.lower()
        own = [route for route, _ in pages(of_api=False) if route.startswith(f"{kind}s/<uuid:pk>/")]
        addresses += [filled(route, str(row.pk)) for route in own]
    before, wrong = stored(found), []
    for path in addresses:
        with transaction.atomic():
            answer = client.post(path, body)
            after = stored(found)
            transaction.set_rollback(True)
        told = " ".join([body_of(answer), str(answer.cookies.get("messages", ""))])
        client.cookies.pop("messages", None)
        if after != before:
            wrong.append(f"POST {path}: changed {first_difference(str(before), str(after))}")
        if met := set(re.findall(WORD, told)) - sent - {FOR_SHARING}:
            wrong.append(f"POST {path}: {answer.status_code} {met}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)


def stored(found: Foreign) -> list[Any]:
    """The rows of B as the database has them."""
    return [
        type(row)._base_manager.filter(pk=row.pk).values().first()
        for rows in found.rows.values()
        for row in rows
    ]
