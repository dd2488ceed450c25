"""Callers of the gateway that go on while something happens to its servers, and what they saw."""

import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException

from .load import body


class Callers:
    """Threads that call through the proxy, each on a kept connection, until the block ends.

    `calls`: when each began and ended, and its status; 0 for no whole answer.
    """

    def __init__(self, port: int, token: str, number: int, model: str = "bench") -> None:
        self._port, self._text = port, body(False, model)
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.calls: list[tuple[float, float, int]] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(number)]

    def __enter__(self) -> "Callers":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for one in self._threads:
            one.join()

    @property
    def statuses(self) -> Counter[int]:
        """How often each was answered."""
        return Counter(status for _, _, status in self.calls)

    def _call(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                connection.request("POST", "/v1/chat/completions", self._text, self._head)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                connection.close()
                status = 0
            self.calls.append((began, time.monotonic(), status))
            if status in (0, 429, 503):
                self._stopped.wait(0.02)

    def outage(self, moment: float, over: float | None = None) -> str:
        """In words, what failed since a moment, until when, and how much of it began later.

        `over`: when what had begun at that moment was over, such as the end of a process.
        """
        ended = [(began, end, status) for began, end, status in self.calls if end > moment]
        failed = [(began, end) for began, end, status in ended if status != 200]
        last = (
            f", the last {max(end for _, end in failed) - moment:.1f} s after it" if failed else ""
        )
        later = sum(began > (over or moment) for began, _ in failed)
        kinds = Counter(status for _, _, status in ended)
        return (
            f"{len(failed)} of {kinds.total()} calls failed{last} ({dict(sorted(kinds.items()))}), "
            f"{later} of them begun after it"
        )
