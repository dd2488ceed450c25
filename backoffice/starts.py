"""Each start of the server in the audit: its version, its settings, and what changed since the
start before.
"""

import json
import logging
import threading
import time
from typing import Any

from django.db import Error
from django.db import connections as databases

from connections.audit.services import Origin, Subject, coming_from, instance, record
from connections.models import AuditEvent
from providers.core.version import version

from .settings import ENVIRONMENT

ACTION = "installation.start"
TRIES, PAUSE = 120, 5.0  # while the database is away

logger = logging.getLogger(__name__)


def tell_start() -> None:
    """Records the start in a thread, as soon as the database answers. Whatever becomes of it, the
    server starts.
    """
    threading.Thread(target=_tell, name="start", daemon=True).start()


def _tell() -> None:
    for _ in range(TRIES):
        try:
            record_start()
        except Error:  # the database is away, or without its tables
            time.sleep(PAUSE)
        except Exception:  # a start never fails for it
            logger.exception("The start is not in the audit")
            return
        else:
            return
        finally:
            databases.close_all()
    logger.error("The start is not in the audit: the database did not answer")


def record_start() -> None:
    """Records a start. Raises django.db.Error."""
    now = {"version": version(), **settings_that_are_set()}
    before = _before()
    names = sorted({*before, *now}) if before else []
    both = [(name, before.get(name, ""), now.get(name, "")) for name in names]
    with coming_from(Origin("start", program="gunicorn")):
        record(
            Subject("installation"),
            actor=None,
            action=ACTION,
            changes=[one for one in both if one[1] != one[2]],
            detail=now,
        )


def settings_that_are_set() -> dict[str, str]:
    """The settings that are not left at their defaults, as `manage.py settings` shows them: secrets
    masked.
    """
    known = ENVIRONMENT.variables.values()
    return {one.name: one.text for one in known if one.source != "default"}


def _before() -> dict[str, str]:
    """The last start on a machine of this name, else the last one; empty where there is none."""
    starts = AuditEvent.objects.filter(action=ACTION).order_by("-id")
    last = starts.filter(instance=instance()).first() or starts.first()
    told: dict[str, Any] = json.loads(last.body) if last and last.body else {}
    return told.get("detail") or {}
