"""Light load beside a drill: callers of the gateway, and writers whose acknowledged changes are
noted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .scene import Answer, Scene

CALLERS, PAUSE = 4, 0.05


@dataclass
class Calls:
    """What callers were answered, in the order of the answers."""

    answers: list[Answer] = field(default_factory=list)

    def since(self, moment: float) -> "Calls":
        """Those that were asked after this moment of time.monotonic()."""
        return Calls([one for one in self.answers if one.asked_at >= moment])

    @property
    def good(self) -> list[Answer]:
        return [one for one in self.answers if one.status == 200]

    @property
    def bad(self) -> list[Answer]:
        return [one for one in self.answers if one.status != 200]

    @property
    def ids(self) -> set[str]:
        """The requests that were answered well."""
        return {one.request_id for one in self.good}

    @property
    def slowest(self) -> float:
        """Seconds."""
        return max((one.seconds for one in self.answers), default=0.0)

    def __str__(self) -> str:
        codes = Counter(f"{one.status} {one.code}".strip() for one in self.bad)
        failed = ", ".join(f"{number} x {code}" for code, number in codes.items())
        return f"{len(self.good)} calls answered, {len(self.bad)} failed" + (
            f" ({failed})" if failed else ""
        )


@contextmanager
def calling(one: Scene, model: str = "drill", number: int = CALLERS) -> Iterator[Calls]:
    """Callers who call over and over until the block ends."""
    calls = Calls()
    with _repeated(lambda _: calls.answers.append(one.chat(model)), number):
        yield calls


@dataclass
class Writes:
    """Changes of the connection `written`: how many were acknowledged, and the names that it may
    have: the last that was acknowledged, and each since that got no answer, committed or not.
    """

    acknowledged: int = 0
    unanswered: int = 0
    refused: list[Answer] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)


@contextmanager
def writing(one: Scene) -> Iterator[Writes]:
    """A writer who gives the connection `written` one name after the other until the block ends."""
    writes = Writes()

    def write(number: int) -> None:
        name = f"Name {number}"
        answer = one.api("PATCH", "/connections/written", {"name": name})
        if answer.status == 200:
            writes.acknowledged += 1
            writes.possible = [name]
        elif answer.status:
            writes.refused.append(answer)
        else:
            writes.unanswered += 1
            writes.possible.append(name)

    with _repeated(write, 1):
        yield writes


@contextmanager
def _repeated(act: Callable[[int], None], threads: int) -> Iterator[None]:
    stopping = threading.Event()

    def run() -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            act(number)
            time.sleep(PAUSE)

    running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in running:
            thread.join(60)
