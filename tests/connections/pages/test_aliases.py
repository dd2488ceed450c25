"""The pages that change an alias, show who uses the former ones, and take them away."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from connections import services
from connections.former_aliases import note_use, note_uses
from connections.models import FormerAlias
from tests.fakes import connect, profile_of, reload
from tests.pages import html, told, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["connection", "profile"])
def row(request: pytest.FixtureRequest, fake: Any) -> Any:
    """One whose alias is `old`, and its kind; another of it is `other`."""
    if request.param == "connection":
        connect(name="Other")
        return connect(name="Old")
    connection = connect()
    profile_of(connection, name="Other")
    return profile_of(connection, name="Old")


def page_of(row: Any) -> str:
    return reverse(f"{row._meta.model_name}-alias", args=[row.pk])


def former_of(row: Any) -> FormerAlias:
    services.change_alias(row, "fresh", actor=None)
    return FormerAlias.objects.get()


def test_an_administrator_changes_it(row: Any, administrator: Any):
    client = browser(administrator)
    shown = client.get(page_of(row))
    assert "old" in words(shown) and "It goes on answering" in words(shown)
    posted = {"alias": " fresh ", "version": value_of(shown, "version")}
    answer = client.post(page_of(row), posted)
    assert answer["Location"] == row.get_absolute_url() and reload(row).alias == "fresh"
    assert told(answer) == [
        "Old has the alias fresh now. old goes on answering until somebody takes it away."
    ]


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        ("", "This is missing. Enter or choose a value."),
        ("Not One", "Use lower case letters"),
        ("other", "The alias other is taken."),
    ],
)
def test_what_is_refused_is_told_at_the_field(row: Any, administrator: Any, alias: str, text: str):
    shown = browser(administrator).post(page_of(row), {"alias": alias})
    assert text in words(shown) and value_of(shown, "alias") in (alias, None)
    assert reload(row).alias == "old"


def test_the_same_alias_says_nothing(row: Any, administrator: Any):
    answer = browser(administrator).post(page_of(row), {"alias": "old"})
    assert answer.status_code == 302 and told(answer) == []


def test_a_change_of_somebody_else_is_told(row: Any, administrator: Any):
    services.change_alias(row, "theirs", actor=None)
    shown = browser(administrator).post(page_of(row), {"alias": "fresh", "version": "1"})
    assert "changed this while you were editing" in words(shown)
    assert (reload(row).alias, value_of(shown, "version")) == ("theirs", "2")


def test_everybody_who_sees_the_row_sees_who_uses_its_former_aliases(row: Any, viewer: Any):
    assert "Former aliases" not in words(browser(viewer).get(row.get_absolute_url()))
    former = former_of(row)
    shown = browser(viewer).get(row.get_absolute_url())
    assert "Former aliases" in words(shown) and "Nobody has used it since." in words(shown)
    note_use(former, "olga, token CI")
    shown = browser(viewer).get(row.get_absolute_url())
    assert "by olga, token CI" in words(shown)
    assert page_of(row) not in html(shown) and str(former.pk) not in html(shown)


def test_administrators_find_the_ways_from_the_pages_of_the_row(row: Any, administrator: Any):
    former, client = former_of(row), browser(administrator)
    shown = html(client.get(row.get_absolute_url()))
    assert page_of(row) in shown and reverse("former-alias-remove", args=[former.pk]) in shown
    edited = client.get(reverse(f"{row._meta.model_name}-update", args=[row.pk]))
    assert page_of(row) in html(edited)


def test_an_operator_is_told_who_can(row: Any, operator: Any):
    edited = browser(operator).get(reverse(f"{row._meta.model_name}-update", args=[row.pk]))
    assert page_of(row) not in html(edited) and "An administrator can change it" in words(edited)


def test_who_used_it_lately_is_told_before_it_is_taken_away(row: Any, administrator: Any):
    former, client = former_of(row), browser(administrator)
    note_uses([(former.pk, "olaf", timezone.now() - timedelta(days=31))])
    page = reverse("former-alias-remove", args=[former.pk])
    shown = words(client.get(page))
    assert "Nobody asked by it in the last 30 days" in shown and "olaf" not in shown
    note_use(former, "ada, token CI")
    assert "ada, token CI" in words(client.get(page))
    answer = client.post(page)
    assert answer["Location"] == row.get_absolute_url() and told(answer) == [
        "old finds Old no longer."
    ]
    assert not FormerAlias.objects.exists() and client.get(page).status_code == 404


def test_a_list_is_searched_by_a_former_alias_too(row: Any, viewer: Any):
    for alias in ("zebra", "fresh"):
        services.change_alias(row, alias, actor=None)
    found = browser(viewer).get(reverse(f"{row._meta.model_name}-list"), {"q": "ZEB"})
    assert list(found.context["page"].object_list) == [row]
