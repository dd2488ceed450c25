"""What a view refuses before it comes to a service leaves an event too."""

from typing import Any

import pytest
from django.test import Client

from connections.models import AuditEvent, Connection
from connections.services import Scope, create_token
from tests.people import browser

pytestmark = pytest.mark.django_db


def refused() -> list[tuple[str, str, str, str]]:
    rows = AuditEvent.objects.filter(outcome="refused").order_by("id")
    return list(rows.values_list("action", "actor_name", "surface", "object_name"))


def test_a_page_that_is_not_for_somebody(viewer: Any):
    client = browser(viewer)
    assert client.post("/connections/add/echo/", {"name": "New"}).status_code == 403
    assert refused() == [("address.call", "vera", "page", "POST /connections/add/echo/")]
    client.post("/connections/add/echo/", {"name": "New"})
    assert len(refused()) == 1  # one a minute


def test_a_token_without_the_scope(administrator: Any, connection: Connection):
    who = administrator
    made = create_token("ci", user=who, actor=who, scopes=[Scope.CONNECTIONS_READ])
    address = f"/api/v1/connections/{connection.alias}"
    headers = {"Authorization": f"Bearer {made[1]}"}
    assert Client().delete(address, headers=headers).status_code == 403
    [(action, _who, surface, name)] = refused()
    assert (action, surface, name) == ("address.call", "api", f"DELETE {address}")
    assert AuditEvent.objects.latest("id").token_name == "ci"


def test_what_a_service_refused_is_told_once(operator: Any, connection: Connection):
    """An operator may open the page of a connection, and not delete it."""
    browser(operator).post(f"/connections/{connection.pk}/delete/")
    assert len(refused()) == 1


def test_looking_leaves_none(viewer: Any):
    assert browser(viewer).get("/people/").status_code == 403
    assert refused() == []
