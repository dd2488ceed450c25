"""A token that is refused at the door of the API leaves an event, and not one for each try."""

from typing import Any

import pytest

from connections.audit import bounded
from connections.models import ApiToken, AuditEvent
from tests.connections.api.calls import Api, token_of
from tests.event_doors import events, last
from tests.events import body_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_before() -> None:
    bounded.forget()


def ask(text: str, times: int = 3) -> None:
    for _ in range(times):
        assert Api(text)("GET", "/connections").status_code in (401, 403)


def told() -> list[tuple[str, str, str]]:
    rows = events(outcome="refused")
    return [(one.action, one.code, one.object_name.partition(" ")[0]) for one in rows]


@pytest.mark.parametrize("why", ["revoked", "expired", "inactive_user", "wrong"])
def test_a_refused_token_is_named_with_the_reason(operator: Any, why: str):
    text = token_of(operator)
    row = ApiToken.objects.get()
    if why == "inactive_user":
        type(operator).objects.filter(pk=operator.pk).update(is_active=False)
    elif why == "wrong":
        text = f"{text[:-1]}-"
    else:
        column = {"revoked": "revoked_at", "expired": "expires_at"}[why]
        ApiToken.objects.update(**{column: row.date_created})
    ask(text)
    assert told() == [("api_token.use", why, "test")]
    assert (last().object_id, last().surface) == (str(row.pk), "api")
    assert text not in str([*AuditEvent.objects.values()])


def test_an_address_that_a_token_is_not_for_is_told(operator: Any):
    ask(token_of(operator, networks=["203.0.113.0/24"]))
    assert told() == [("api_token.use", "address_not_allowed", "test")]
    assert last().address == "127.0.0.1"


def test_texts_that_are_no_tokens_are_told_by_their_address_once_a_minute(
    db: None, monkeypatch: pytest.MonkeyPatch
):
    for number in range(5):
        ask(f"sb_guess{number}")
    assert told() == [("api_token.use", "unknown", "")]
    later = bounded.time.monotonic() + 61
    monkeypatch.setattr(bounded.time, "monotonic", lambda: later)
    ask("sb_guess", times=1)
    assert body_of(last()) == {"detail": {"times": 15}}
    assert "sb_guess" not in str([*AuditEvent.objects.values()])
