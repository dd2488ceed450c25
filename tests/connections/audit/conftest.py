from datetime import timedelta

import pytest
from django.utils import timezone


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets each test begin at noon.

    A day is signed a quarter of an hour after it has ended, and a chain belongs to a day: around
    midnight the tests of both would see another day than they mean.
    """
    now = timezone.now
    ahead: timedelta = now().replace(hour=12, minute=0) - now()
    monkeypatch.setattr(timezone, "now", lambda: now() + ahead)
