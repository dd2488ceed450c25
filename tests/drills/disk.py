"""The disk of the database is full, or the database takes no changes."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.databases import migrated

from .load import Calls, calling, writing
from .places import Disk, cluster, failing_disk, run, small_disk
from .scene import Answer, Broken, Scene, eventually, promise, scene

OFF = {"isActive": False}


def full_disk_sqlite(place: Path) -> str:
    """Callers go on, changes are refused with a sentence, records are written after."""
    with small_disk(place / "disk", 24) as disk, scene(place, address(disk.path)) as one:
        return full(one, disk)


def full_disk_postgresql(place: Path) -> str:
    """The same, with the server's log of changes on a disk of its own."""
    with (
        small_disk(place / "disk", 120) as disk,
        cluster(disk.path / "pg", place / "log-of-changes") as server,
        scene(place, server.url) as one,
    ):
        return full(one, disk)


def address(path: Path) -> str:
    """A filled file of SQLite in this folder."""
    return migrated(path / "drill.sqlite3")


def full(one: Scene, disk: Disk) -> str:
    """Fills the disk under load, looks, and makes room again."""
    with calling(one) as calls:
        time.sleep(1)
        disk.fill()
        began = time.monotonic()
        refused = until_refused(one, "database_full")
        told = one.until_degraded("writes")
        after = time.monotonic()
        switched = one.api("PATCH", "/connections/switched", OFF)
        promise(switched.status == 507, f"switching off is refused with 507: {switched}")
        promise("Make room" in refused.text, f"the refusal says what to do: {refused.text}")
        time.sleep(3)
        kept = len(calls.since(after).ids - one.recorded())
        disk.clear()
        well = one.until_well()
        switched = one.api("PATCH", "/connections/switched", OFF)
        promise(switched.status == 200, f"switching off works again: {switched}")
    late = one.until_recorded(calls.ids)
    promise(not calls.bad, f"every call is answered: {calls}")
    return (
        f"{calls}, slowest {calls.slowest:.2f} s; changes and switching off refused with 507; "
        f"readiness degraded {told:.1f} s after the first refusal, ok {well:.1f} s after there was "
        f"room; {kept} records waited in memory, all {len(calls.ids)} written after {late:.1f} s; "
        f"lost: nothing (full for {time.monotonic() - began:.0f} s)"
    )


def until_refused(one: Scene, code: str) -> Answer:
    """The first change that is refused with this code. What is left of free pages is used up."""
    tags = [f"{'x' * 40}{number}" for number in range(15)]

    def refused() -> Answer | None:
        for number in range(20):
            body = {"alias": f"more-{time.time_ns()}", "name": f"More {number}", "tags": tags}
            answer = one.api("POST", "/connections", body | {"providerId": "echo"})
            if answer.status not in (200, 201):
                return answer
        return None

    found, _ = eventually(refused, 60, "changes are refused")
    promise(found is not None and found.code == code, f"a change is refused with {code}: {found}")
    assert found
    return found


def full_with_log_postgresql(place: Path) -> str:
    """Its log of changes is on the same disk, and it may stop where that has no room: all that was
    acknowledged is there all the same.
    """
    with (
        small_disk(place / "disk", 120) as disk,
        cluster(disk.path / "pg") as server,
        scene(place, server.url) as one,
        calling(one) as calls,
    ):
        with writing(one) as writes:
            time.sleep(1)
            disk.fill()
            began = time.monotonic()
            eventually(lambda: writes.refused, 60, "changes are refused")
            time.sleep(5)
            disk.clear()
        refused = sorted({f"{answer.status} {answer.code}" for answer in writes.refused})
        promise(
            all(answer.status in (503, 507) for answer in writes.refused),
            f"changes are refused with 503 or 507: {refused}",
        )
        if "no server running" in status(server.control):
            server.start()
        well = one.until_well(60)
        gone = time.monotonic() - began
        found = one.name_of("written")
        promise(found in writes.possible, f"one of {writes.possible} is there, not {found!r}")
        marker = time.monotonic()
        time.sleep(2)
        promise(not calls.since(marker).bad, f"every call is answered again: {calls.since(marker)}")
        late = one.until_recorded(set(calls.ids))
    return (
        f"{calls}; {writes.acknowledged} changes acknowledged, none lost; "
        f"{len(writes.refused)} refused ({', '.join(refused)}); ok {well:.1f} s after there was "
        f"room and PostgreSQL ran; all records written after {late:.1f} s "
        f"(full for {gone:.0f} s)"
    )


def status(control: Callable[..., str]) -> str:
    """What pg_ctl says of a server."""
    try:
        return control("status")
    except Broken as error:
        return str(error)


def read_only_postgresql(place: Path) -> str:
    """A server that takes no changes, as after a switch-over: callers go on, records wait."""
    with cluster(place / "pg") as server, scene(place, server.url) as one:

        def begin() -> None:
            server.sql(
                "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
            )

        def end() -> None:
            server.sql(
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )

        return read_only(one, begin, end)


def read_only_sqlite(place: Path) -> str:
    """The disk of SQLite's file fails, and the system takes no writes to it any more."""
    with failing_disk(place / "disk", 64) as disk, scene(place, address(disk.path)) as one:
        with calling(one) as calls:
            time.sleep(1)
            disk.fail()
            began = time.monotonic()
            told = one.until_degraded("writes")
            refused = one.api("PATCH", "/connections/switched", OFF)
            promise(
                refused.status in (503, 507) and "Nothing was changed" in refused.text,
                f"switching off is refused with 503 or 507 and a sentence: {refused}",
            )
            time.sleep(2)
            gone = time.monotonic() - began
        promise(not calls.bad, f"every call is answered: {calls}")
        one.end_office()
        one.product.stop()
        disk.repair()
        seconds = one.product.start()
        lost = len(calls.ids - one.recorded())
        promise(one.chat().status == 200, "calls are answered on the repaired disk")
    return (
        f"{calls}, slowest {calls.slowest:.2f} s; changes refused with {refused.status} "
        f"{refused.code}; readiness degraded after {told:.1f} s; ready {seconds:.1f} s after the "
        f"start on the repaired disk; lost: the {lost} usage records of the {gone:.0f} s, as the "
        "stop could not write them"
    )


def read_only(one: Scene, begin: Callable[[], None], end: Callable[[], None]) -> str:
    """Takes changes away under load, looks, and gives them back."""
    with calling(one) as calls:
        time.sleep(1)
        begin()
        began = time.monotonic()
        told = one.until_degraded("writes")
        refused = one.api("PATCH", "/connections/switched", OFF)
        promise(
            refused.status == 503 and refused.code == "database_read_only",
            f"switching off is refused with 503 database_read_only: {refused}",
        )
        time.sleep(3)
        kept = waiting(one, calls)
        end()
        well = one.until_well()
        switched = one.api("PATCH", "/connections/switched", OFF)
        promise(switched.status == 200, f"switching off works again: {switched}")
        gone = time.monotonic() - began
    late = one.until_recorded(calls.ids)
    promise(not calls.bad, f"every call is answered: {calls}")
    return (
        f"{calls}, slowest {calls.slowest:.2f} s; changes refused with 503 database_read_only; "
        f"readiness degraded after {told:.1f} s, ok {well:.1f} s after changes were taken again; "
        f"{kept} records waited in memory, all {len(calls.ids)} written after {late:.1f} s; lost: "
        f"nothing (read-only for {gone:.0f} s)"
    )


def waiting(one: Scene, calls: Calls) -> int:
    """How many answered calls have no record yet."""
    return len(calls.ids - one.recorded())


def start_on_read_only_disk(place: Path) -> str:
    """A start on a disk that takes no changes: calls are answered, and readiness tells."""
    with small_disk(place / "disk", 24) as disk, scene(place, address(disk.path)) as one:
        one.end_office()
        one.product.stop()
        run("mount", "-o", "remount,ro", str(disk.path))
        one.product.start()
        with calling(one) as calls:
            told = one.until_degraded("writes")
            refused = one.api("PATCH", "/connections/switched", OFF)
            promise(
                refused.status in (503, 507) and "Nothing was changed" in refused.text,
                f"a change is refused with 503 or 507 and a sentence: {refused}",
            )
        promise(not calls.bad, f"every call is answered: {calls}")
        one.product.stop()
        run("mount", "-o", "remount,rw", str(disk.path))
        seconds = one.product.start()
        lost = len(calls.ids - one.recorded())
        switched = one.api("PATCH", "/connections/switched", OFF)
        promise(switched.status == 200, f"changes are taken after another start: {switched}")
    return (
        f"{calls}; changes refused with {refused.status} {refused.code}; readiness degraded after "
        f"{told:.1f} s; ready {seconds:.1f} s after the start on a disk that takes changes; lost: "
        f"the {lost} usage records in between"
    )


DRILLS = {
    "full-disk-sqlite": full_disk_sqlite,
    "full-disk-postgresql": full_disk_postgresql,
    "full-disk-with-log-postgresql": full_with_log_postgresql,
}
READ_ONLY = {
    "read-only-postgresql": read_only_postgresql,
    "read-only-sqlite": read_only_sqlite,
    "read-only-start": start_on_read_only_disk,
}
