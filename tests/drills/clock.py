"""The clock of the machine is put an hour ahead and an hour back while everything runs: clock.c
reads by how much from a file at each look at the clock.
"""

import re
import time
from pathlib import Path

import httpx2

from .load import calling
from .places import run
from .scene import Scene, eventually, promise, scene

HOUR = 3600
JUMPS = {"an hour ahead": HOUR, "back to now": 0, "an hour back": -HOUR, "to now again": 0}
STAY = 9.0  # seconds at each time: three beats of the schedule
PASSWORD = "correct-horse-battery-staple"
HALF_AN_HOUR = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from connections import services
from connections.models import ApiToken
user = User.objects.get(username="olaf")
row, text = services.create_token("half an hour", user=user, actor=None, scopes=["gateway:use"])
ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() + timedelta(minutes=30))
print(text)
"""
FIGURES = """
SELECT (SELECT count(*) FROM gateway_usagerecord), (SELECT count(DISTINCT request_id) FROM
gateway_usagerecord), (SELECT coalesce(sum(requests), 0) FROM gateway_usagetotal WHERE dimension =
'all' AND minutes = 1440)
"""
BEAT = "SELECT beat FROM connections_schedulelease"


def library(place: Path) -> str:
    """The file of the library that puts the clock off, compiled into this place."""
    source, made = Path(__file__).with_name("clock.c"), place / "clock.so"
    run("cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(source))
    return str(made)


def clock_jumps(place: Path) -> str:
    """Calls, limits, sessions, the schedule, totals and the chain of the audit over four jumps."""
    offset = place / "offset"
    offset.write_text("0\n")
    settings = {
        "LD_PRELOAD": library(place),
        "DRILL_CLOCK": str(offset),
        "SWITCHBOARD_ADMIN_PASSWORD": PASSWORD,
        "GATEWAY_COOLDOWN_SECONDS": "2",
    }
    with scene(place, **settings) as one, httpx2.Client(timeout=30) as browser:
        sign_in(one, browser)
        limited = one.office.token(requests_per_minute=10**6, tokens_per_day=10**9)
        short = one.manage("shell", "-v", "0", "-c", HALF_AN_HOUR).stdout.strip()
        promise(one.chat(token=short).status == 200, "a token of half an hour is good")
        one.office.profile("spare", "written", "words")
        one.office.profile("first", "drill", "status?code=500", fallbacks=("spare",))
        with calling(one) as calls:
            for name, seconds in JUMPS.items():
                offset.write_text(f"{seconds:+d}\n")
                look(one, browser, name, {"limited": limited, "first": limited})
                wanted = 401 if seconds == HOUR else 200
                found = one.chat(token=short)
                promise(found.status == wanted, f"{name}, a token of half an hour: {found}")
        promise(not calls.bad, f"every call is answered: {calls}")
        one.until_recorded(calls.ids)
        promise("Traceback" not in one.product.said, "no traceback is in the log")
        records, ids, counted = settled(one)
        verified = one.manage("verify_audit")
        promise(verified.returncode == 0, f"the audit is whole: {verified.stdout}{verified.stderr}")
    return (
        f"{calls}, slowest {calls.slowest:.2f} s, over four jumps; {records} records of {ids} "
        f"requests, {counted} in the totals; a token of half an hour refused an hour ahead and "
        "good again after; sessions stayed, the schedule went on, the audit's chain is whole; "
        "lost: nothing, doubled: nothing"
    )


def look(one: Scene, browser: httpx2.Client, name: str, tokens: dict[str, str]) -> None:
    """Holds the product to its promises at one time."""
    (beat,) = one.query(BEAT)[0]
    began = time.monotonic()
    resting = one.chat("first", tokens["first"])
    promise(resting.status == 200, f"{name}, a call that a fallback answers: {resting}")
    limited = one.chat(token=tokens["limited"])
    promise(limited.status == 200, f"{name}, a call with limits: {limited}")
    written = one.api("PATCH", "/connections/written", {"name": f"Written {name}"})
    promise(written.status == 200, f"{name}, a change: {written}")
    page = browser.get(f"{one.product.url}/connections/")
    promise(page.status_code == 200, f"{name}, the session goes on: {page.status_code}")
    eventually(lambda: one.query(BEAT)[0][0] > beat + 1, 3 * STAY, f"{name}, the schedule goes on")
    time.sleep(max(0.0, STAY - (time.monotonic() - began)))
    promise(not one.failed_checks(), f"{name}, readiness: {one.failed_checks()}")


def settled(one: Scene) -> tuple[int, int, int]:
    """Records, requests that have one, and requests in the totals, once all are counted."""
    one.product.stop()
    count = "from gateway.usage.counting import count_all; count_all()"
    one.manage("shell", "-v", "0", "-c", count)
    records, ids, counted = one.query(FIGURES)[0]
    promise(records == ids == counted, f"{records} records of {ids} requests, {counted} counted")
    return records, ids, counted


def sign_in(one: Scene, browser: httpx2.Client) -> None:
    """Signs `admin` in."""
    address = f"{one.product.url}/sign-in/"
    found = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', browser.get(address).text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "username": "admin", "password": PASSWORD}
    answer = browser.post(address, data=form, headers={"Referer": address})
    promise(answer.status_code == 302, f"admin signs in: {answer.status_code}")


DRILLS = {"clock-jumps": clock_jumps}
