"""What a person chooses for a list: columns, density, views with a name; filters as chips."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.template.loader import get_template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import services
from connections.models import ApiToken, ListChoice
from connections.templatetags import rows
from tests.fakes import connect, profile_of
from tests.pages import html, told, words
from tests.people import browser, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(fake, operator) -> Client:
    """The operator's browser, and a connection with a profile."""
    profile_of(connect(name="Alpha", tags=["prod"]))
    return browser(operator)


@pytest.mark.server
@pytest.mark.parametrize("where", ["connection", "profile"])
def test_columns_are_each_persons_own(client: Client, viewer, where: str):
    there = f"/{where}s/?sort=-name"
    chosen = {"columns": ["health", "tags"], "dense": "on", "next": there}
    assert client.post(f"/lists/{where}/columns/", chosen)["Location"] == there
    mine, other = html(client.get(there)), html(browser(viewer).get(there))
    assert "of-tags" in mine and "of-changed" not in mine and "rows dense" in mine
    assert "of-tags" not in other and "of-changed" in other and "rows dense" not in other


def test_a_row_that_is_replaced_has_the_chosen_columns(client: Client):
    client.post("/lists/connection/columns/", {"columns": ["tags"]})
    row = connect(name="Beta")
    answer = client.post(
        f"/connections/{row.pk}/toggle/", {"part": "row"}, headers={"HX-Request": "true"}
    )
    assert 'data-label="Tags"' in html(answer) and 'data-label="Changed"' not in html(answer)


def test_rows_that_are_alike_have_their_own_names_and_rights(client: Client, monkeypatch):
    made = []
    monkeypatch.setattr(rows, "get_template", lambda name: made.append(name) or get_template(name))
    for name in ('<b>&"Beta"', "\ue000pk\ue001", "Gamma"):
        connect(name=name)
    connect(name="Delta", is_active=False)
    page = html(client.get("/connections/"))
    for name in ("&lt;b&gt;&amp;&quot;Beta&quot;", "\ue000pk\ue001", "Gamma", "Delta"):
        assert page.count(f'aria-label="Edit {name}"') == 1
    assert 'aria-label="Switch off Gamma"' in page and "Switch off Delta" not in page
    assert made.count("connections/_connection_acts.html") == 2  # of those on, and of those off


def test_a_row_says_that_its_key_ends_soon(client: Client):
    row = connect(name="Beta", expires_at=timezone.now().date() + timedelta(days=5))
    assert words(client.get("/connections/")).count("Key ends in 5 days") == 1
    answer = client.post(
        f"/connections/{row.pk}/test/", {"part": "row"}, headers={"HX-Request": "true"}
    )
    assert "Key ends in 5 days" in words(answer)


@pytest.mark.server
def test_a_view_keeps_filters_and_order_under_its_name(client: Client):
    given = {"name": " In  production ", "query": "tag=prod&sort=-used&page=2&evil=1"}
    saved = client.post("/lists/connection/views/", given)
    assert saved["Location"] == "/connections/?tag=prod&sort=-used"
    assert told(saved) == ["The view In production is saved."]
    page = html(client.get(saved["Location"]))
    assert '?tag=prod&amp;sort=-used" aria-current="page">In production' in page
    client.post("/lists/connection/views/", {"name": "In production", "remove": "on"})
    assert ListChoice.objects.get().views == []


@pytest.mark.parametrize("name", ["", "x" * 61])
def test_a_view_without_a_proper_name_is_refused_and_the_name_kept(client: Client, name: str):
    given = {"name": name, "query": "health=failed"}
    page = client.post("/lists/connection/views/", given, follow=True)
    assert "Give the view a name" in words(page) and not ListChoice.objects.exists()
    assert f'value="{name}" placeholder' in html(page)


def test_a_chip_takes_one_filter_away_and_keeps_the_others(client: Client):
    page = html(client.get("/connections/?q=alp&tag=prod&health=never&sort=-used&page=1"))
    assert 'aria-label="Without Health: Not tested"' in page
    assert 'class="chip" href="/connections/?q=alp&amp;tag=prod&amp;sort=-used"' in page


def test_there_is_no_other_list(client: Client):
    assert client.post("/lists/keys/columns/").status_code == 404


@pytest.mark.parametrize("where", ["connections", "profiles"])
def test_rows_are_counted_without_what_is_read_beside_them(client: Client, where: str):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/{where}/").status_code == 200
    counts = [one["sql"] for one in captured.captured_queries if '"__count"' in one["sql"]]
    assert len(counts) == 1 and " JOIN " not in counts[0], counts


def references(client: Client, query: str) -> list[str]:
    lines = client.get(f"/references/?{query}").context["lines"]
    return [line.row.resolution.reference for line in lines]


def test_references_are_filtered_and_sorted(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("Fake__Set", "a-value-of-a-key")
    for name, key in (("Beta", "Key10"), ("Gamma", "Key2"), ("Delta", "Set"), ("Epsilon", "Set")):
        connect(name=name, settings={"api_key": f"$Fake:{key}"})
    assert references(client, "") == ["$Fake:Key2", "$Fake:Key10", "$Fake:Set"]
    assert references(client, "sort=-name") == ["$Fake:Set", "$Fake:Key10", "$Fake:Key2"]
    assert references(client, "sort=-users")[0] == "$Fake:Set"
    assert references(client, "q=gamma") == ["$Fake:Key2"]
    assert references(client, "state=resolved&source=environment") == ["$Fake:Set"]
    assert references(client, "state=denied") == []
    page = client.get("/references/?state=missing")
    assert "2 of 3 need attention" in words(page)
    assert 'aria-label="Without State: missing"' in html(page)


@pytest.mark.parametrize("where", ["connections", "profiles", "references", "attention"])
def test_filters_fold_and_say_how_many_are_on(client: Client, where: str):
    connect(name="Beta", settings={"api_key": "$Fake:ApiKey"})
    page = html(client.get(f"/{where}/?q=a&tag=prod&kind=failing&state=missing"))
    number = {"connections": 1, "profiles": 1, "references": 1, "attention": 2}[where]
    assert '<details class="fold">' in page and f'"filters-on">({number})</span>' in page
    part = html(client.get(f"/{where}/", headers={"HX-Request": "true"}))
    assert '<span id="filters-on" hx-swap-oob="innerHTML"></span>' in part


def test_tokens_are_filtered_sorted_and_revoked_by_what_matches(fake: Any, administrator: Any):
    client = browser(administrator)
    other = person("mira", "Operators")
    for name, owner, days in (("Site 10", other, 30), ("site 2", administrator, 60)):
        scopes = ["gateway:use"] if owner is other else ["admin"]
        services.create_token(name, user=owner, actor=None, scopes=scopes, expires_in_days=days)

    def names(query: str) -> list[str]:
        return [line.row.name for line in client.get(f"/tokens/?{query}").context["lines"]]

    assert names("") == ["site 2", "Site 10"] == names("sort=name") == names("sort=-ends")
    assert names("sort=-whose") == [*names("scope=gateway%3Ause"), "site 2"]
    assert names("q=mira") == ["Site 10"] == names("q=SITE+10")
    given = {"all": "match", "match": "scope=gateway:use"}
    assert "Site 10" in words(client.post("/tokens/revoke/", given))
    ids = [str(one.pk) for one in ApiToken.objects.filter(user=other)]
    client.post("/tokens/revoke/", {"ids": ids, "agreed": "on"})
    assert names("state=revoked") == ["Site 10"] and names("state=active") == ["site 2"]
    assert 'aria-label="Without State: revoked"' in html(client.get("/tokens/?state=revoked"))
