"""For load balancers and orchestrators: is the process alive, has it loaded everything, and can it
work. docs/probes.md has the table.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from connections.outages import answered_within, seconds_left
from connections.replica import REPLICA
from gateway.routing.warming import load_troubles
from providers.core.version import version

from . import checks, draining
from .checks import GOOD, Finding, State, failed

READY_SECONDS = 0.8  # for all questions together; who asks waits a second at most
NEEDED = ("database", "schema", "keys")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """The answer to a probe: its status, what is told of the whole, and what each check found."""

    status: int
    word: str
    findings: dict[str, Finding]

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON. Only what has something to tell has a reason."""
        reasons = {name: one.reason for name, one in self.findings.items() if one.reason}
        states = {name: str(one.state) for name, one in self.findings.items()}
        told = {"status": self.word, "version": version(), "checks": states}
        return told | ({"reasons": reasons} if reasons else {})


ALIVE = Report(200, "ok", {})
DRAINING = Report(
    503, "draining", {"draining": failed("The server is being stopped. Ask another one.")}
)
NO_ANSWER = Report(
    503,
    "unavailable",
    {"database": failed("The checks have no answer within a second: the database hangs.")},
)


def readiness() -> Report:
    """200 when the database answers, its schema is one that this code works on and the keys open
    what is stored; else 503.

    The status is "degraded", with 200, while something lacks without which callers of the gateway
    are answered all the same. What has not answered within READY_SECONDS has failed, or is unknown
    where nobody needs it.
    """
    if draining.is_draining():
        return DRAINING
    with answered_within(READY_SECONDS):
        findings = _findings()
    states = {one.state for one in findings.values()}
    if State.FAILED in states:
        report = Report(503, "unavailable", findings)
    else:
        report = Report(200, "ok" if states == {State.OK} else "degraded", findings)
    _tell(report)
    return report


def _findings() -> dict[str, Finding]:
    cache = checks.begin_cache()
    database = checks.check_database()
    has_database = database == GOOD
    asking: dict[str, Callable[[], Finding]] = {
        "schema": checks.check_schema,
        "disk": checks.check_disk,
        "writes": checks.check_writes,
        "schedule": checks.check_schedule,
    }
    found = {"database": database, "keys": _asked("keys", lambda: checks.check_keys(has_database))}
    for name, check in asking.items():
        unasked = Finding(State.UNKNOWN, "Not asked: the database does not answer.")
        found[name] = _asked(name, check) if has_database else unasked
    if REPLICA in connections:
        found["replica"] = _asked("replica", checks.check_replica)
    return found | {
        "cache": cache(),
        "sources": checks.check_sources(),
        "recorder": checks.check_recorder(),
    }


def _asked(name: str, check: Callable[[], Finding]) -> Finding:
    """What the check finds. Without time for it, or with a database that fails under it, what is
    needed has failed.
    """
    state = State.FAILED if name in NEEDED else State.UNKNOWN
    if not seconds_left():
        return Finding(state, "Not asked in time.")
    try:
        return check()
    except Error as error:
        return Finding(state, f"The database failed when it was asked ({type(error).__name__}).")


def startup(has_begun: bool = True) -> Report:
    """200 once the worker has loaded all that requests need. A schema that this code does not work
    on is told, and is for `/health/ready` to refuse: a restart would not mend it.
    """
    if not has_begun:
        return Report(503, "starting", {"code": failed("The worker is being started.")})
    troubles = load_troubles()
    found = {
        "code": failed(troubles["code"]) if "code" in troubles else GOOD,
        "sdks": checks.degraded(troubles.get("sdks", "")),
    }
    found["schema"] = readiness().findings.get("schema", GOOD)
    if found["code"] != GOOD:
        return Report(503, "failed", found)
    is_whole = all(one.state == State.OK for one in found.values())
    return Report(200, "ok" if is_whole else "degraded", found)


def _tell(report: Report) -> None:
    """Writes a line to the log when it is another status than before."""
    global _told
    if report.word == _told:
        return
    _told = report.word
    told = [(name, one) for name, one in report.findings.items() if one.state != State.UNKNOWN]
    reasons = " ".join(f"{name}: {one.reason}" for name, one in told if one.reason)
    level = logging.WARNING if report.word != "ok" else logging.INFO
    logger.log(level, "/health/ready says %s. %s", report.word, reasons)


_told = "ok"


# For runserver alone: alive.py answers them otherwise.


def _answer(report: Report) -> JsonResponse:
    response = JsonResponse(report.body, status=report.status)
    # Django's mark: without it there would be a line each time
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


@login_not_required
@require_safe
def health_live(_request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def health_ready(_request: HttpRequest) -> JsonResponse:
    """Whether requests may come."""
    return _answer(readiness())


@login_not_required
@require_safe
def health_startup(_request: HttpRequest) -> JsonResponse:
    """Whether everything is loaded."""
    return _answer(startup())
