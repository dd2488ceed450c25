"""What people and load balancers are told of a secret store that is away."""

from typing import Any

import pytest

from connections import conf
from connections.sources.kept import FRESH, Kept
from tests.fakes import connect
from tests.httpserver import Answer, HttpServer
from tests.people import browser

pytestmark = pytest.mark.django_db


def test_a_store_that_is_away_is_told_everywhere(
    administrator: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OP_CONNECT_TOKEN", "op-token-1")
    item = {"fields": [{"id": "1", "label": "ApiKey", "value": "sk-of-an-item-77c1"}]}
    answers = {
        "/v1/vaults": Answer(body=[{"id": "v"}]),
        "/v1/vaults/v/items": Answer(body=[{"id": "i"}]),
        "/v1/vaults/v/items/i": Answer(body=item),
    }
    client = browser(administrator)
    with HttpServer(answers) as server:
        settings.CONNECTIONS_SOURCES = [f"onepassword-connect+http://{server.host}/Team"]
        row = connect("openai", settings={"api_key": "$OpenAI:ApiKey"}).pk
        before = client.get("/health/ready").json()["status"]
        tested = client.post("/references/sources/").content.decode()
    (store,) = conf.resolver().stores
    for place, one in store._kept.items():
        store._kept[place] = Kept(one.content, one.asked_at - FRESH)
    page = client.get("/references/").content.decode()
    (shown,) = client.get(f"/api/v1/connections/{row}/references").json()["items"]
    ready = client.get("/health/ready").json()
    assert (before, ready["status"], ready["checks"]["sources"]) == ("ok", "degraded", "degraded")
    assert "it answers" in tested
    assert "does not answer since" in page
    assert "which is away" in page
    assert (shown["state"], bool(shown["awaySince"])) == ("resolved", True)
    assert shown["awaySince"] and ", since 20" in ready["reasons"]["sources"]
