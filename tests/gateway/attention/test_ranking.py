"""The faults in their order: remembered until something changes."""

from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import get_language, override

from connections.health.services import Call, note_calls
from connections.models import Connection
from connections.services import set_active
from gateway.attention import ranking
from gateway.attention.faults import faults_of_many
from gateway.attention.services import attention
from tests.fakes import connect, reload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many faults of connections were read, each time that they were."""
    numbers: list[int] = []

    def counting(named: Any) -> Any:
        found = faults_of_many(named)
        numbers.append(len(found))
        return found

    monkeypatch.setattr(ranking, "faults_of_many", counting)
    ranking.MEMORY.clear()
    return numbers


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")


def call(row: Connection, code: str = "") -> None:
    note_calls([Call(row.pk, reload(row).version, "fake-chat", timezone.now(), code)])


def kinds() -> list[str]:
    return [one.fault.kind for one in attention(actor=None).rows]


def test_a_list_that_nothing_changed_is_not_read_again(row: Connection, ranks: list[int]):
    call(row, "unauthorized")
    assert [kinds(), kinds(), kinds()] == [["failing"]] * 3
    assert ranks == [1]


def test_what_changes_is_seen_at_once(row: Connection, ranks: list[int]):
    seen = [kinds()]
    for code in ("unauthorized", "", "quota"):
        call(row, code)
        seen.append(kinds())
    set_active(row, False, actor=None)
    assert [*seen, kinds()] == [[], ["failing"], [], ["failing"], []]
    assert ranks == [0, 1, 0, 1, 0]


def test_what_only_time_changes_is_seen_after_a_while(
    row: Connection, ranks: list[int], monkeypatch: pytest.MonkeyPatch
):
    call(row, "unauthorized")
    kinds()
    now = ranking.time.monotonic()
    monkeypatch.setattr(ranking.time, "monotonic", lambda: now + 10 * ranking.KEPT_FOR)
    kinds()
    assert ranks == [1, 1]


def test_what_is_remembered_is_english_whoever_looks_first(
    row: Connection, monkeypatch: pytest.MonkeyPatch
):
    languages: list[str | None] = []
    monkeypatch.setattr(ranking, "faults_of_many", lambda _: languages.append(get_language()) or [])
    ranking.MEMORY.clear()
    with override("de"):
        attention(actor=None)
        assert get_language() == "de"
    assert languages == ["en"]
