"""Commands of manage.py, asked for from the process of warm.py."""

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .place import Place

SECONDS = 120
# In a script: manage.py is asked for from the process that has loaded it.
WARM = """
.venv/bin/python() {{
  if [ "${{1-}}" != manage.py ]; then command .venv/bin/python "$@"; return; fi
  command .venv/bin/python -IS tests/documents/warm.py {} "$@"
}}
"""


class Warm:
    """What runs commands of manage.py without their start, by the settings that are there now."""

    def __init__(self, place: "Place", **environment: str) -> None:
        """`environment`: what its commands have besides the reader's."""
        self.place = place
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.loaded = b""

    def prelude(self) -> str:
        """What a script begins with; nothing before the first `make run` has made settings."""
        file = self.place.copy / ".env"
        if not file.exists():
            return ""
        settings = file.read_bytes()
        if self.process is None or settings != self.loaded:
            self._start()
            self.loaded = settings
        return WARM.format(self.socket)

    @property
    def socket(self) -> Path:
        """Where it is asked."""
        return self.place.folder / f"warm-{len(self.environment)}"

    def _start(self) -> None:
        self.stop()
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [".venv/bin/python", "-m", "tests.documents.warm", str(self.socket)],
            cwd=self.place.copy,
            env={**self.place.environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.place.made.callback(self.process.kill)
        end = time.monotonic() + SECONDS
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("manage.py cannot be loaded")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it."""
        if self.process:
            self.process.kill()
            self.process.wait()
