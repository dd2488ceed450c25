"""The cost of a server's processes: CPU seconds and memory, read from /proc.

Functions answer None on a system without /proc.
"""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Running(NamedTuple):
    """A server that was started: where it listens, and its first process."""

    port: int
    pid: int


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """The process and all that it started; empty where that cannot be read."""
    try:
        children = [
            line
            for task in (PROC / str(pid) / "task").iterdir()
            for line in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(one for child in children for one in tree(int(child)))]


def kill(pid: int) -> None:
    """Ends the process and all that it started at once, and returns when they are gone."""
    pids = tree(pid)
    for one in pids:
        os.kill(one, signal.SIGKILL)
    while any(_is_alive(one) for one in pids):
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    """True also while one of its threads, which may end later than the first, holds its sockets."""
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list((PROC / str(pid) / "task").iterdir())) > 1
    except OSError:
        return False


def cpu(pid: int) -> float | None:
    """CPU seconds that the process and all that it started have used."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = (PROC / str(one) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # its own, and of children that have ended
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else None


def cpu_beside(pid: int) -> float:
    """CPU seconds of all threads but the first one of the process and of all that it started."""
    ticks = 0
    for one in tree(pid):
        with suppress(OSError):  # ended
            for task in (PROC / str(one) / "task").iterdir():
                if task.name != str(one):
                    fields = (task / "stat").read_text().rpartition(")")[2].split()
                    ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[float, float] | None:
    """MB of the process and all that it started: as each sees it (RSS), and with shared pages
    counted once (PSS).
    """
    lines = [line.split() for one in tree(pid) for line in _memory_lines(one)]
    sums = [
        sum(int(line[1]) for line in lines if line[0] == name) / 1024 for name in ("Rss:", "Pss:")
    ]
    return (sums[0], sums[1]) if lines else None


def _memory_lines(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return []


def waited(pid: int) -> dict[str, float]:
    """Seconds in which each thread of a process could have run and waited for a core, by its id."""
    found = {}
    with suppress(OSError):  # ended, or a system without it
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                found[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
    return found


def served_by(pid: int, port: int, client_port: int) -> int | None:
    """The process of a server on `port` that holds the connection which a client on this machine
    has from `client_port`; None if it cannot be seen.
    """
    try:
        table = [line.split() for line in (PROC / "net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return None
    ends = (f":{port:04X}", f":{client_port:04X}")
    inodes = {
        f"socket:[{row[9]}]"
        for row in table
        if row[1].endswith(ends[0]) and row[2].endswith(ends[1])
    }
    return next((one for one in tree(pid) if inodes & _sockets(one)), None)


def _sockets(pid: int) -> set[str]:
    found = set()
    for file in (PROC / str(pid) / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(str(file.readlink()))
    return found
