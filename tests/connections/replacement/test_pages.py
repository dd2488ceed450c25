"""The pages on which a key is replaced and looked for, as plain forms."""

from typing import Any

import pytest

from connections.models import Connection, KeyReplacement
from connections.replacement.services import replace_key, run_replacements
from tests.fakes import SECRET, connect, reload
from tests.pages import html, words
from tests.people import browser

from .conftest import NEXT

pytestmark = pytest.mark.django_db


def address(row: Connection, page: str = "replace-key") -> str:
    return f"/connections/{row.pk}/{page}/"


def post(person: Any, row: Connection, action: str, **entries: str) -> str:
    """What the page says after a button."""
    answer = browser(person).post(address(row), {"action": action, **entries}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_field_of_the_next_key_is_open(connection, operator):
    page = browser(operator).get(f"/connections/{connection.pk}/replace-key/")
    assert '<details class="kept" open>' in page.content.decode()


def test_enter_test_switch_and_go_back(connection, taken, operator):
    page = post(operator, connection, "enter", **{"settings-api_key": NEXT})
    assert "Both keys, tested" in page and "Switch to the next key" in page and NEXT not in page
    assert "is watched until" in post(operator, connection, "switch")
    assert reload(connection).credentials["api_key"] == NEXT
    assert "has its key from before again" in post(operator, connection, "go-back")
    assert reload(connection).credentials["api_key"] == SECRET


def test_a_refused_next_key_cannot_be_switched(connection, taken, operator):
    page = post(operator, connection, "enter", **{"settings-api_key": "sk-wrong-00112233"})
    assert "Does not work" in page
    assert "Switch to" not in page and "Replace anyway" not in page


def test_an_outage_offers_to_replace_anyway(connection, taken, operator):
    taken.add("away")
    page = post(operator, connection, "enter", **{"settings-api_key": NEXT})
    assert "Replace anyway" in page and "An outage says nothing about the key." in page
    assert "is watched until" in post(operator, connection, "switch-anyway")


def test_the_second_person_reads_who_was_first(connection, taken, operator, administrator):
    post(operator, connection, "enter", **{"settings-api_key": NEXT})
    page = post(administrator, connection, "enter", **{"settings-api_key": "sk-third-00112233"})
    assert "olaf began to replace this key" in page


def test_nothing_entered_is_refused_at_the_field(connection, taken, operator):
    assert "Enter the next value of api_key" in post(operator, connection, "enter")


def test_giving_up_forgets_the_next_key(connection, taken, operator):
    post(operator, connection, "enter", **{"settings-api_key": NEXT})
    assert "The next key is given up." in post(operator, connection, "forget")
    assert KeyReplacement.objects.get().credentials is None


def test_the_page_of_the_connection_says_that_it_went_back(connection, taken, operator):
    replace_key(connection, {"api_key": NEXT}, actor=None)
    taken.discard(NEXT)
    run_replacements()
    page = browser(operator).get(f"/connections/{connection.pk}/").content.decode()
    assert "gone back to the one before, by itself" in page
    attention = browser(operator).get("/attention/").content.decode()
    assert "Key went back" in attention and address(connection) in attention


def test_a_leak_is_asked_about_and_switches_off(connection, fake, operator):
    other = connect(name="Other")
    page = browser(operator).get(address(connection, "leaked")).content.decode()
    assert other.name in page and reload(connection).is_active
    answer = browser(operator).post(address(connection, "leaked"), follow=True)
    assert "The same key is in Other" in answer.content.decode()
    assert not reload(connection).is_active


def test_the_search_says_whose_a_key_is_and_does_not_show_it(connection, fake, operator):
    client = browser(operator)
    for key, said in ((SECRET, "It is ours."), ("sk-nobody-has-this", "It is not ours.")):
        page = client.post("/connections/find-key/", {"key": key}).content.decode()
        assert said in page and key not in page


def test_a_key_that_cannot_be_looked_for_is_not_sent_back_even_sealed(operator):
    page = browser(operator).post("/connections/find-key/", {"key": "x" * 20_001})
    assert "Enter the key that leaked." in words(page) and len(page.content) < 20_000
    assert 'name="key-sealed"' not in html(page)


@pytest.mark.parametrize("page", ["replace-key", "leaked"])
def test_viewers_and_strangers_get_neither_page(connection, people, page):
    statuses = {
        name: browser(person).get(address(connection, page)).status_code
        for name, person in people.items()
    }
    assert statuses == {
        "administrator": 200,
        "operator": 200,
        "viewer": 403,
        "stranger": 403,
        "nobody": 302,
    }
