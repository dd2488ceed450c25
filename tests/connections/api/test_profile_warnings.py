"""What the answer to a saved profile warns of: why requests to it will fail, or differ."""

from typing import Any

import pytest
from django.utils import timezone

from connections import services
from connections.models import Connection, Outlook
from tests.fakes import connect, profile_of

from .calls import Api

pytestmark = pytest.mark.django_db


def new(connection: Connection, model: str = "fake-chat", **more: Any) -> dict[str, Any]:
    """The body of a new profile."""
    return {
        "name": "New",
        "alias": "fresh",
        "capability": "Chat",
        "model": {"providerId": connection.provider_id, "modelId": model},
        "connectionId": connection.alias,
    } | more


def warnings(response: Any) -> list[tuple[str, str]]:
    """Pointer and code of each warning."""
    assert response.status_code in (200, 201), response.content
    return [(one["pointer"], one["code"]) for one in response.json().get("warnings", [])]


def test_a_profile_of_what_works_has_none(api: Api, connection: Connection):
    assert "warnings" not in api.post("/profiles", new(connection)).json()


def test_a_connection_that_is_off_is_told_where_something_changed(api: Api, connection: Connection):
    profile_of(connection, alias="mine")
    services.set_active(connection, False, actor=None)
    saved = api.patch("/profiles/mine", {"name": "Renamed"})
    assert warnings(saved) == [("/connectionId", "connection_inactive")]
    assert "is switched off" in saved.json()["warnings"][0]["detail"]
    assert warnings(api.put("/profiles/mine", saved.json())) == []


def test_a_reference_without_a_key_is_told(api: Api, fake: Any):
    body = new(connect(settings={"api_key": "$Fake:Nowhere"}))
    assert warnings(api.post("/profiles", body)) == [("/connectionId", "unresolved_reference")]


def test_a_model_that_is_gone_and_a_fallback_that_is_off_are_told(api: Api, connection: Connection):
    spare = profile_of(connection, name="Spare", is_active=False)
    Outlook.objects.create(
        connection=connection,
        settings_version=connection.settings_version,
        looked_at=timezone.now(),
        profile_models={"fake-chat": {"missing": 2, "since": None, "ends": None}},
        loses_models=True,
    )
    body = new(connection, fallbackProfileIds=[spare.alias])
    assert warnings(api.post("/profiles", body)) == [
        ("/model/modelId", "not_found"),
        ("/fallbackProfileIds", "profile_inactive"),
    ]


def test_a_setting_that_the_model_does_not_take_is_told(api: Api):
    body = new(connect("openai", name="Reasons"), "o3", settings={"temperature": 0.5})
    assert warnings(api.post("/profiles", body)) == [("/settings/temperature", "unsupported")]
