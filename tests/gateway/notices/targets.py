"""Targets for tests."""

from typing import Any

from gateway.models import NoticeTarget
from gateway.notices import services

SECRET_PATH = "hook-secret-0b7d1c55e2"


def target(name: str = "Hook", url: str = "http://127.0.0.1:9/", **columns: Any) -> NoticeTarget:
    """A webhook."""
    row, _ = services.create_target(
        "webhook", f"{url}{SECRET_PATH}", actor=None, name=name, **columns
    )
    return row
