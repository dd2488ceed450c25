"""Words to the person at the terminal who starts the server; never through logging."""

import sys
from typing import NoReturn


def say(text: str) -> None:
    """Tell them."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def stop(text: str) -> NoReturn:
    """End with a message instead of a traceback."""
    sys.stderr.write(f"{text}\n")
    raise SystemExit(1)
