"""Who rests after which failure, for how long, and how other workers learn of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from gateway.core import cooldowns
from gateway.core.cooldowns import (
    Cooldowns,
    cooldown_for,
    cooling_code,
    read_cooldowns,
    store_cooldowns,
)
from gateway.models import Cooldown, ModelCooldown
from providers.core.errors import CODES, ProviderError

ONE = UUID(int=1)


def begun(code: str, retry_after: float | None = None) -> Cooldowns:
    return cooldown_for(ONE, "m1", ProviderError("No.", code, retry_after=retry_after))


@pytest.mark.parametrize("code", sorted(CODES - {"bad_request", "context_too_long"}))
def test_a_failure_of_a_model_rests_the_model_and_one_of_the_account_all_of_it(code: str):
    whole = {"unauthorized", "quota", "refused", "dns", "tls", "blocked_address", "not_installed"}
    found = begun(code)
    assert cooling_code(found, ONE, "m1") == code
    assert cooling_code(found, ONE, "m2") == (code if code in whole else "")
    assert cooling_code(found, uuid4(), "m1") == ""


@pytest.mark.parametrize("code", ["bad_request", "context_too_long"])
def test_a_refused_request_rests_nobody(code: str):
    assert begun(code) == {}


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 30), (7.5, 7.5), (200, 200), (9000, 300), (0, 0)]
)
def test_it_lasts_as_long_as_the_service_asks(asked: float | None, seconds: float):
    assert settings.GATEWAY_COOLDOWN_SECONDS == 30
    [(until, _)] = begun("rate_limited", asked).values()
    left = (until - timezone.now()).total_seconds()
    assert left == pytest.approx(seconds, abs=2)


def test_one_that_has_ended_rests_nobody():
    past = timezone.now() - timedelta(seconds=1)
    assert cooling_code({(ONE, "m1"): (past, "error")}, ONE, "m1") == ""


def test_one_of_a_clock_that_was_an_hour_ahead_rests_nobody():
    ahead = timezone.now() + timedelta(hours=1)
    assert cooling_code({(ONE, "m1"): (ahead, "error")}, ONE, "m1") == ""


@pytest.mark.django_db
@pytest.mark.server
def test_other_workers_read_what_was_stored():
    stored = begun("rate_limited") | begun("quota")
    store_cooldowns(stored)
    store_cooldowns(stored)
    assert read_cooldowns() == stored
    assert (Cooldown.objects.count(), ModelCooldown.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_workers_store_them_in_one_order_and_again_when_the_database_chose_another(
    monkeypatch: pytest.MonkeyPatch,
):
    """A deadlock of PostgreSQL's ends one of the two."""
    asked: list[UUID] = []
    store = Cooldown.objects.update_or_create

    def deadlocked_once(connection_id: UUID, **more: Any) -> None:
        asked.append(connection_id)
        if len(asked) == 2:
            raise OperationalError from DeadlockDetected()
        store(connection_id=connection_id, **more)

    monkeypatch.setattr(Cooldown.objects, "update_or_create", deadlocked_once)
    until = timezone.now() + timedelta(seconds=30)
    ids = [UUID(int=number) for number in (3, 1, 2)]
    store_cooldowns({(one, cooldowns.WHOLE): (until, "quota") for one in ids})
    assert asked == [*sorted(ids)[:2], *sorted(ids)]
    assert Cooldown.objects.count() == 3
