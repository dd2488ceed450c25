"""The search of the pages' lists: each place where a text may be."""

from typing import Any

import pytest

from connections import listing, services
from connections.models import Connection
from tests.fakes import SECRET, connect, profile_of

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def rows(fake: Any, settings: Any) -> tuple[Connection, Connection]:
    """A connection that has something in each place, and one that has as good as nothing."""
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Billing"]
    values = {
        "api_key": "$Billing:ApiKey",
        "base_url": "https://Gateway.example.com/v1",
        "organization": "org-élan",
    }
    full = connect(name="Café Production", alias="prod-eu", tags=["Größe", "eu"], settings=values)
    profile_of(full, name="Réponses", alias="answers", model="GPT-9-mini", tags=["Über"])
    return full, connect("echo", name="Other", alias="plain", settings={})


CONNECTIONS = [
    ("name", "CAFE"),
    ("name with its accent", "café"),
    ("alias", "PROD-E"),
    ("tag in another case, without accents", "gross"),
    ("provider's name", "Fake"),
    ("host", "gateway.EXAMPLE"),
    ("model of a profile", "gpt-9"),
    ("reference", "$billing:api"),
    ("another setting", "org-"),
    ("another setting with an accent", "org-élan"),
    ("words in several places", "eu mini  cafe"),
]


@pytest.mark.parametrize(
    "text", [text for _, text in CONNECTIONS], ids=[one for one, _ in CONNECTIONS]
)
def test_a_connection_is_found_by(rows: tuple[Connection, Connection], text: str):
    assert list(listing.connections({"q": text})) == [rows[0]]


def test_a_connection_is_found_by_its_id_and_by_a_former_alias(
    rows: tuple[Connection, Connection], administrator: Any
):
    assert list(listing.connections({"q": str(rows[0].pk)})) == [rows[0]]
    services.change_alias(rows[0], "renamed", actor=administrator)
    assert list(listing.connections({"q": "prod-eu"})) == [rows[0]]


PROFILES = [
    ("name", "reponses"),
    ("alias", "ANSW"),
    ("tag", "uber"),
    ("model", "gpt-9"),
    ("name of its connection", "cafe"),
    ("alias of its connection", "prod-eu"),
]


@pytest.mark.parametrize("text", [text for _, text in PROFILES], ids=[one for one, _ in PROFILES])
def test_a_profile_is_found_by(rows: tuple[Connection, Connection], text: str):
    profile_of(rows[1], name="Vectors", alias="vectors", model="echo-1")
    assert [one.alias for one in listing.profiles({"q": text})] == ["answers"]


@pytest.mark.parametrize(
    "text",
    ["base_url", "api_type", "kept-aside", "cafe nowhere", SECRET],
    ids=["name of a setting", "name beside", "kept beside the settings", "one word", "a secret"],
)
def test_nothing_is_found_by(rows: tuple[Connection, Connection], text: str):
    connect(name="Typed", alias="typed")
    row = rows[1]
    row.settings = {"promptflow.api_type": "kept-aside"}
    row.save()
    assert list(listing.connections({"q": text})) == []
