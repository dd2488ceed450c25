"""How long an act on the network may take, and how many bytes may arrive."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

import httpcore2

from ..core.errors import AnswerTooLarge

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes; the longest list of models known is below 2 MB

Result = TypeVar("Result")


def within(seconds: float | None, call: Callable[..., Result], *arguments: Any) -> Result:
    """Calls a function and returns its result; raises TimeoutError after `seconds`.

    It is for calls that take no time limit of their own, such as a name look-up. The call itself
    goes on.
    """
    if seconds is None:
        return call(*arguments)
    future: Future[Result] = Future()

    def settle() -> None:
        try:
            future.set_result(call(*arguments))
        except Exception as error:  # noqa: BLE001 carried over to the thread that waits
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(settle,), daemon=True).start()
    return future.result(timeout=seconds)


class Allowance:
    """The time and bytes that one act may take, over all its connections and redirects; None for no
    bound.

    The clock starts with the first step on the network: importing an SDK takes seconds, and is not
    the service's fault.
    """

    def __init__(self, seconds: float | None = None, budget: int | None = None) -> None:
        self._seconds, self._budget = seconds, budget
        self.renew()

    def renew(self) -> None:
        """Starts a new act."""
        self._deadline: float | None = None
        self._bytes_left = self._budget

    def left(self, timeout: float | None = None) -> float | None:
        """The seconds that the next step may take, at most `timeout`.

        Raises a time-out when there are none.
        """
        if self._seconds is None:
            return timeout
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout from TimeoutError()
        return left if timeout is None else min(left, timeout)

    def spend(self, count: int) -> None:
        """Takes note of bytes that arrived. Raises AnswerTooLarge."""
        if self._bytes_left is not None:
            self._bytes_left -= count
            if self._bytes_left < 0:
                raise AnswerTooLarge
