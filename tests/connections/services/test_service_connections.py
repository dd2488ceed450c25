"""Connections to services without models: tested, shown and handed out like any other, but nothing
chats through them.
"""

import pytest
from django.test import Client
from django.urls import reverse

from connections import selectors, services
from connections.models import Connection
from connections.services import Invalid
from providers.core.registry import all_providers
from tests.fakes import connect
from tests.pages import html
from tests.upstreams import GOOD_KEY, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def store(upstream: Upstream) -> Connection:
    """A saved connection to a store of vectors that answers."""
    return connect("qdrant", name="Vectors", settings={"url": upstream.url, "api_key": GOOD_KEY})


@pytest.fixture
def upstream():
    with Upstream() as running:
        yield running


def test_it_is_tested_like_any_other(store: Connection, upstream: Upstream):
    check = services.test_connection(store, actor=None)
    assert (check.success, check.message, check.model_count) == (True, "It works.", None)
    assert check.asked == f"GET {upstream.url}/collections"


def test_a_key_in_an_address_is_in_no_check(upstream: Upstream):
    row = connect("serpapi", settings={"api_key": "wrong-key-7391", "base_url": upstream.url})
    check = services.test_connection(row, actor=None)
    assert (check.code, check.asked) == ("unauthorized", f"GET {upstream.url}/account")
    assert (
        "wrong-key-7391" not in check.message
        and "api_key=wrong-key-7391" in upstream.requests[0].path
    )


def test_it_has_no_models_and_asks_for_none(store: Connection, upstream: Upstream):
    assert services.list_models(store, actor=None) == [] and upstream.requests == []


@pytest.mark.parametrize("capability", ["Chat", "Embedding"])
def test_no_profile_is_made_of_it(store: Connection, capability: str):
    with pytest.raises(Invalid) as caught:
        services.create_profile(store, actor=None, capability=capability, name="Answers", model="m")
    assert [(one.field, one.code) for one in caught.value.errors] == [("connection", "capability")]


def test_a_profile_is_offered_connections_that_can_answer_it(
    store: Connection, connection: Connection
):
    assert list(selectors.connection_choices("Chat")) == [connection]


def test_its_page_offers_no_profile(store: Connection, connection: Connection, administrator):
    client = Client()
    client.force_login(administrator)
    link = reverse("profile-create", args=["chat"])
    pages = {row.name: html(client.get(row.get_absolute_url())) for row in (store, connection)}
    assert (
        f"{link}?connection={connection.alias}" in pages[connection.name]
        and f"{link}?connection=" not in pages[store.name]
    )


def test_its_test_on_the_form_says_that_it_works(upstream: Upstream, administrator):
    client = Client()
    client.force_login(administrator)
    posted = {
        "name": "Vectors",
        "settings-url": upstream.url,
        "settings-api_key": GOOD_KEY,
        "action": "test",
    }
    page = html(client.post(reverse("connection-create", args=["qdrant"]), posted))
    assert "It works." in page and f"GET {upstream.url}/collections" in page and "None" not in page


def test_services_have_cards_of_their_own(administrator):
    client = Client()
    client.force_login(administrator)
    page = html(client.get(reverse("provider-list")))
    assert {one.category for one in all_providers() if not one.capabilities} >= {
        "Search and data",
        "AI services",
    }
    assert page.index("<h2>Model providers</h2>") < page.index("<h2>Search and data</h2>")
