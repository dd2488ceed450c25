"""`kill -9` of everything, as at a power cut, under load."""

import os
import signal
import time
from pathlib import Path

from .load import Calls, Writes, calling, writing
from .places import Cluster, cluster
from .scene import Scene, promise, scene

LAST = 0.7  # seconds before the cut whose records may be lost: half a second, and a write


def kill_sqlite(place: Path) -> str:
    """Every process of the product at once."""
    with scene(place) as one:
        return kill(one)


def kill_postgresql(place: Path) -> str:
    """The same, and the server of the database with them."""
    with cluster(place / "pg") as server, scene(place, server.url) as one:
        return kill(one, server)


def kill(one: Scene, server: Cluster | None = None) -> str:
    """Cuts under load, starts again, and counts what is lost."""
    one.end_office()
    with calling(one, number=8) as calls, writing(one) as writes:
        time.sleep(5)
        cut = time.monotonic()
        one.product.kill()
        if server:
            server.kill()
        time.sleep(0.5)
    if server:
        server.start()
    seconds = one.product.start()
    found, recorded = one.name_of("written"), one.recorded()
    lost = [answer for answer in calls.good if answer.request_id not in recorded]
    early = [answer for answer in lost if answer.asked_at + answer.seconds < cut - LAST]
    promise(found in writes.possible, f"one of {writes.possible} is there, not {found!r}")
    promise(not early, f"no record is lost of calls that ended before the last {LAST} s: {early}")
    promise(one.chat().status == 200, "calls are answered again")
    verify(one)
    return told(calls, writes, cut, seconds, len(lost))


def verify(one: Scene) -> None:
    """The chain of the audit, and the integrity of a file, hold."""
    verified = one.manage("verify_audit")
    promise(verified.returncode == 0, f"the audit is whole: {verified.stdout}{verified.stderr}")
    if one.database.startswith("sqlite"):
        promise(one.query("PRAGMA integrity_check") == [("ok",)], "the file is whole")


def told(calls: Calls, writes: Writes, cut: float, seconds: float, lost: int) -> str:
    """The figures of a cut."""
    before = [one for one in calls.answers if one.asked_at < cut]
    broken = sum(one.status == 0 for one in before)
    return (
        f"{len(calls.good)} calls answered and {broken} broken off; {writes.acknowledged} changes "
        f"acknowledged, none lost; ready again after {seconds:.1f} s; lost: {lost} usage records, "
        f"all of calls that ended in the last {LAST} s"
    )


def kill_worker(place: Path) -> str:
    """One worker alone, as the kernel does where memory is short: another takes its place."""
    with scene(place) as one:
        with calling(one, number=8) as calls:
            time.sleep(3)
            first, cut = one.product.workers, time.monotonic()
            os.kill(first[0], signal.SIGKILL)
            time.sleep(4)
            now = one.product.workers
        late = calls.since(cut + 2)
        promise(len(now) == len(first), f"there are {len(first)} workers again: {now}")
        promise(first[0] not in now, "the killed one is gone")
        promise(not late.bad, f"two seconds later every call is answered: {late}")
        broken = [answer for answer in calls.bad if answer.asked_at < cut + 2]
        time.sleep(1)
        lost = len(calls.ids - one.recorded())
        promise(len(broken) <= 8, f"at most the running calls break off: {calls}")
    return f"{calls}; another worker took its place; lost: {lost} usage records"


DRILLS = {
    "kill-everything-sqlite": kill_sqlite,
    "kill-everything-postgresql": kill_postgresql,
    "kill-a-worker": kill_worker,
}
