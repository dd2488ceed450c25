"""What an answer costs: queries and decryptions.

With a token that was used within the last minute.
"""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from connections.sources.environment import EnvironmentSource
from tests.fakes import connect, profile_of

from .calls import Api

pytestmark = pytest.mark.django_db
ROWS = 60


@pytest.fixture
def warm(api: Api, fake: Any) -> Api:
    """A token in use, and sixty connections with a profile each."""
    for number in range(ROWS):
        profile_of(connect(name=f"Row {number}", tags=["eu"]), name=f"Row {number}")
    api.get("/providers")
    return api


def queries(api: Api, path: str) -> int:
    """How many queries a GET makes. One of them asks which connection types there are."""
    with CaptureQueriesContext(database) as seen:
        assert api.get(path).status_code == 200
    return len(seen)


FILTERED = "take=50&filter=row&tag=eu&capability=Chat&isActive=true&orderBy=dateModified"
MOST = {  # by path
    "/connections/row-7": 5,
    "/profiles/row-7": 6,
    "/connections/row-7/exists": 4,
    "/connections/row-7/references": 4,
    "/connections": 6,
    f"/connections?{FILTERED}": 7,  # one for the spellings of the tag
    "/connections?health=ok": 6,
    "/profiles?health=failed": 7,
    "/connections/capabilities/Chat": 6,
    "/profiles": 7,  # one for the fallbacks
    "/profiles?take=50&filter=row": 7,
    "/settings": 4,
    "/providers": 3,
    "/schedule": 9,
}


def test_an_answer_makes_few_queries(warm: Api):
    found = {path: queries(warm, path) for path in MOST}
    assert {path: number for path, number in found.items() if number > MOST[path]} == {}


def test_usages_make_as_many_queries_for_one_profile_as_for_sixty(warm: Api, fake: Any):
    row = connect(name="Busy")
    profile_of(row, name="First")
    before = queries(warm, "/connections/busy/usages")
    for number in range(ROWS):
        profile_of(row, name=f"Busy {number}")
    assert queries(warm, "/connections/busy/usages") == before


LISTS = (
    "/connections",
    "/connections?filter=row",
    "/connections/capabilities/Chat",
    "/profiles",
    "/connections/row-7/usages",
)


def test_a_list_decrypts_nothing(warm: Api, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> Any:
        raise AssertionError("decrypted")

    monkeypatch.setattr("connections.credentials.decrypt", refuse)
    assert [path for path in LISTS if warm.get(path).status_code != 200] == []
    assert warm.get("/connections/row-7").status_code == 500


def test_a_list_resolves_a_reference_once(warm: Api, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, ...]] = []
    Connection.objects.update(settings={"api_key": "$Fake:Missing"})
    monkeypatch.setattr(EnvironmentSource, "lookup", lambda _source, key: asked.append(key) or None)
    warm.get("/connections")
    assert asked == [("Fake", "Missing")]
