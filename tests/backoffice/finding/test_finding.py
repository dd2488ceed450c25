"""Finding anything: what is found by what, in which order, and by whom."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from backoffice.finding.hits import ELSEWHERE, EXACT, PART, PREFIX, WORD, rank
from backoffice.finding.services import find
from connections.models import Connection
from gateway.models import UsageRecord
from tests.fakes import SECRET, connect, profile_of
from tests.pages import HTMX, html, words, world
from tests.people import browser

pytestmark = pytest.mark.django_db


def titles(text: str, actor: User) -> dict[str, list[str]]:
    """The titles of what is found, by group."""
    return {one.name: [hit.title for hit in one.hits] for one in find(text, actor=actor)}


@pytest.fixture
def rows(fake) -> Connection:
    """A few connections, one of which has something of everything."""
    for name in ("EU West", "Museum", "Anything EU", "Other"):
        connect(name=name)
    row = connect(
        "openai",
        name="EU",
        tags=["Nightly"],
        settings={"api_key": "$OpenAI:ApiKey", "base_url": "https://eu.gateway.example:8443/v1"},
    )
    profile_of(row, name="Answers", model="gpt-4o-mini")
    return row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openai-eu", EXACT),
        ("open", PREFIX),
        ("EU", WORD),
        ("pena", PART),
        ("eu openai", ELSEWHERE),
        ("azure", None),
    ],
)
def test_the_closer_a_text_is_to_the_name_the_better_it_fits(text: str, expected: int | None):
    assert rank(text, "openai-eu") == expected


def test_what_is_called_so_comes_before_what_begins_so_and_what_has_it_in_it(rows, operator):
    assert titles("eu", operator)["Connections"] == ["EU", "EU West", "Anything EU", "Museum"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("text", "group", "title"),
    [
        ("eu", "Connections", "EU"),
        ("answers", "Profiles", "Answers"),
        ("nightly", "Tags", "Nightly"),
        ("gateway.example", "Hosts", "eu.gateway.example:8443"),
        ("openai:apikey", "References", "$OpenAI:ApiKey"),
        ("4o-mini", "Models", "gpt-4o-mini"),
        ("anthropic", "Providers", "Anthropic"),
        ("zendesk", "Connection types", "Zendesk"),
        ("what runs", "Pages", "What runs by itself"),
        ("new token", "Actions", "Make a token"),
        ("add anthropic", "Actions", "Add Anthropic"),
        ("switch off eu", "Actions", "Switch off EU"),
        ("test eu", "Actions", "Test EU"),
    ],
)
def test_one_search_finds_every_kind_of_thing(rows, administrator, text, group, title):
    assert title in titles(text, administrator)[group]


def test_an_id_finds_its_row_and_a_request(rows, operator):
    key = "3" * 8 + "-3333-4333-8333-" + "3" * 12
    UsageRecord.objects.create(
        key=key, request_id="order-17", started_at=timezone.now(), attempts=1, latency_ms=1
    )
    assert titles(str(rows.pk), operator)["Connections"] == ["EU"]
    assert titles(key, operator) == titles("order-17", operator) == {"Requests": ["order-17"]}


def test_what_fits_but_not_by_its_name_says_why(rows, operator):
    page = words(browser(operator).get("/find/", {"q": "nightly"}))
    assert "EU eu tag Nightly" in page


def test_each_finds_what_they_may_see_and_do(rows, operator, viewer, stranger):
    assert titles("eu", operator)["Actions"][:3] == ["Test EU", "Edit EU", "Switch off EU"]
    assert titles("delete eu", operator).get("Actions") is None
    assert titles("new token", operator).get("Actions") is None
    assert titles("eu", viewer)["Actions"] == ["Export EU"]
    assert "Tokens" not in titles("", viewer)["Pages"]
    assert titles("eu", stranger) == {}
    pages = {"Your sign-in", "Your settings", "Your e-mail address", "Keys", "Change password"}
    pages |= {"What I did", "Documents", "Search the documents"}
    assert set(titles("", stranger)["Pages"]) == pages


@pytest.mark.parametrize("text", ["test eu", "testen eu", "eu testen"])
def test_an_action_is_found_by_the_words_of_both_languages(rows, operator, text):
    with translation.override("de"):
        assert "EU testen" in titles(text, operator)["Actions"]


def test_headings_of_what_is_found_are_in_the_language_of_the_page(rows, operator):
    page = words(browser(operator).get("/find/", {"q": "eu"}, headers={"accept-language": "de"}))
    assert "Verbindungen" in page and "Connections" not in page


def test_asking_does_nothing_and_an_action_posts_with_a_token(rows, operator):
    before = world()
    page = html(browser(operator).get("/find/", {"q": "test eu"}, headers=HTMX))
    assert world() == before
    form = re.search(r'<form method="post" action="([^"]+)">.*?</form>', page, re.DOTALL)
    assert form[1] == f"/connections/{rows.pk}/test/"
    assert "csrfmiddlewaretoken" in form[0]


def test_switching_off_leads_to_the_page_that_asks(rows, operator):
    page = browser(operator).get("/find/", {"q": "switch off eu"})
    assert f'href="/connections/switch-off/?ids={rows.pk}"' in html(page)


def test_no_secret_is_found(operator, connection):
    assert titles(SECRET, operator) == {}


@pytest.mark.server
def test_null_characters_and_odd_texts_find_nothing_and_break_nothing(operator):
    for text in ("\x00", "a\x00b", "$", "%", "_", "'", "é", "switch off ", "x" * 500, "a " * 90):
        assert browser(operator).get("/find/", {"q": text}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_rows(rows, operator):
    client, numbers = browser(operator), []
    for _ in range(2):
        with CaptureQueriesContext(
            database,
        ) as queries:
            client.get("/find/", {"q": "eu"})
        numbers.append(len(queries))
        for number in range(9):
            connect(name=f"EU {number}")
    assert numbers[1] <= numbers[0] + 1  # the count of more than a group shows
