"""A worker reaches the limit of its memory; descriptors are used up."""

import os
import resource
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from .load import calling
from .scene import Answer, Scene, ask, promise, scene

MORE = 40 * 2**20  # bytes that the limited worker may still take
GREEDY, LARGE = 8, 7 * 2**20  # callers at once, and the bytes that each sends
DESCRIPTORS, IDLE = 256, 400


def memory_limit(place: Path) -> str:
    """One worker may take no more memory, and large requests come. Those fail that meet it; the
    others are answered, and so is everybody when the large ones end.
    """
    with scene(place) as one:
        first = one.product.workers
        limit = size(first[0]) + MORE
        resource.prlimit(first[0], resource.RLIMIT_AS, (limit, limit))
        with calling(one) as calls:
            large = greedy(one, 6)
            ended = time.monotonic()
            time.sleep(4)
        late = calls.since(ended + 2)
        now = one.product.workers
        promise(len(now) == len(first), f"there are {len(first)} workers: {now}")
        promise(bool(late.good) and not late.bad, f"after the large ones all are answered: {late}")
        promise(len(calls.bad) <= len(calls.answers) // 20, f"small ones hardly fail: {calls}")
        kept = "goes on" if first[0] in now else "was replaced"
    good = sum(answer.status == 200 for answer in large)
    statuses = sorted({answer.status for answer in large})
    return (
        f"{calls}; of {len(large)} requests of {LARGE // 2**20} MB {good} answered, statuses "
        f"{statuses}; the worker {kept}; lost: the requests that failed"
    )


def size(pid: int) -> int:
    """Bytes of a process' address space."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def greedy(one: Scene, seconds: float) -> list[Answer]:
    """What callers with large requests are answered."""
    answers: list[Answer] = []
    body = {"model": "drill", "messages": [{"role": "user", "content": "x" * LARGE}]}
    until = time.monotonic() + seconds
    url = f"{one.product.url}/v1/chat/completions"

    def run() -> None:
        while time.monotonic() < until:
            answers.append(ask(url, one.token, "POST", body))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(GREEDY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def descriptors(place: Path) -> str:
    """More clients than the processes have descriptors for: who is too many is refused, nothing
    falls over, and all is well when they have gone.
    """
    with scene(place) as one:
        one.product.stop()
        one.product.start(descriptors=DESCRIPTORS)
        first = one.product.workers
        with ExitStack() as stack:
            held = [stack.enter_context(idle(one, number)) for number in range(IDLE)]
            time.sleep(1)
            most = max(len(list(Path(f"/proc/{worker}/fd").iterdir())) for worker in first)
            with calling(one) as calls:
                time.sleep(5)
            refused = sum(is_closed(client) for client in held)
        began = time.monotonic()
        well = one.until_well(30)
        with calling(one) as after:
            time.sleep(2)
        promise(not after.bad, f"when they have gone every call is answered: {after}")
        promise(one.product.workers == first, "no worker ended")
        promise("Traceback" not in one.product.said, f"no traceback: {one.product.said[-3000:]}")
    slowest = f"slowest {calls.slowest:.1f} s"
    return (
        f"{IDLE} clients on processes with {DESCRIPTORS} descriptors each, at most {most} in use, "
        f"{refused} refused; meanwhile {calls}, {slowest}; ok {well:.1f} s after they went, then "
        f" {after}; lost: nothing ({time.monotonic() - began:.0f} s)"
    )


def idle(one: Scene, number: int) -> socket.socket:
    """A client at an address of its own that has sent half of a request."""
    address = (f"127.0.{1 + number // 200}.{1 + number % 200}", 0)
    client = socket.create_connection(("127.0.0.1", one.product.port), 10, address)
    client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
    return client


def is_closed(client: socket.socket) -> bool:
    """True if the server has ended this connection, with an answer or without."""
    client.setblocking(False)
    try:
        return client.recv(1) is not None
    except BlockingIOError:
        return False
    except OSError:
        return True


MEMORY = {"memory-limit": memory_limit}
DESCRIPTORS_USED_UP = {"descriptors": descriptors}
