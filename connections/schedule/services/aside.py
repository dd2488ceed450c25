"""Work in threads beside the one that keeps the lease, each with a database connection of its own.

They are daemons: what hangs keeps no process from ending.
"""

import threading
from collections.abc import Callable

from django.db import connections as databases


def start_thread(name: str, act: Callable[[], None]) -> None:
    """Calls `act` in a thread, and gives back the database connection that it used."""

    def run() -> None:
        try:
            act()
        finally:
            databases.close_all()

    threading.Thread(target=run, name=f"schedule-{name}", daemon=True).start()


class Aside:
    """One act at a time in a thread of its own. `name`: of the thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._error: Exception | None = None
        self.is_busy = False

    def start(self, act: Callable[[], None]) -> None:
        """Begins an act. Only called while none runs."""
        self.is_busy = True
        start_thread(self._name, lambda: self._run(act))

    def raise_error(self) -> None:
        """Raises what the last act raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 `raise_error` raises it in the other thread
            self._error = error
        finally:
            self.is_busy = False
