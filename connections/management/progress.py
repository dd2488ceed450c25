"""How far a command is, in one line of a terminal."""

from typing import Any


class ProgressLine:
    """Writes `120 of 300 rows` over itself, to a terminal only.

    `stream`: a command's stderr. `what`: is counted. Called with how many are done, and of how
    many; `end` leaves the line behind.
    """

    def __init__(self, stream: Any, what: str) -> None:
        self._stream, self._what = stream, what
        self._is_on, self._is_begun = stream.isatty(), False

    def __call__(self, done: int, total: int) -> None:
        if self._is_on:
            self._is_begun = True
            self._stream.write(f"\r{done:,} of {total:,} {self._what}", ending="", style_func=str)
            self._stream.flush()

    def end(self) -> None:
        """Ends the line, if there is one."""
        if self._is_begun:
            self._stream.write("", style_func=str)
            self._is_begun = False
