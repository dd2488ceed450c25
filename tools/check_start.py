#!/usr/bin/env python3
"""Starts a fresh copy of this checkout with `make run`, twice, and waits for its sign-in page.

Needs the standard library only.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = {
    "SECRET_KEY",
    "FERNET_KEYS",
    "DATABASE_URL",
    "CACHE_URL",
    "SWITCHBOARD_ADMIN_PASSWORD",
    "HOST",
    "PORT",
    "DJANGO_SETTINGS_MODULE",
}
FIRST_SECONDS, AGAIN_SECONDS = 300, 30  # the first start installs everything


def main() -> None:
    """Start, wait, stop; then the same again with nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "switchboard"
        copy_files(copy)
        print(f"first start: sign-in page after {start(copy, FIRST_SECONDS):.1f} s")
        print(f"second start: sign-in page after {start(copy, AGAIN_SECONDS):.1f} s")
        for name in (".env", "switchboard.sqlite3"):
            if (copy / name).stat().st_mode & 0o077:
                sys.exit(f"{name} can be read by others")


def copy_files(copy: Path) -> None:
    """What a clone would hold, uncommitted work included."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listing.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)


def start(copy: Path, seconds: float) -> float:
    """Seconds from `make run` to a sign-in page; the server is stopped again, and must stop."""
    port = free_port()
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in OURS and not name.startswith("MAKE")
    }
    began = time.monotonic()
    with (copy / ".start.log").open("w+") as log:
        server = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=copy,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            taken = wait(server, f"http://127.0.0.1:{port}/", began, seconds)
            server.terminate()
            server.wait(15)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            log.seek(0)
            sys.exit(f"{error}\n{hide_password(log.read())}")
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
    return taken


def wait(server: "subprocess.Popen[bytes]", address: str, began: float, seconds: float) -> float:
    """Ask until there is a page with a password field."""
    while time.monotonic() - began < seconds and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if b'type="password"' in answer.read():
                    return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(
        f"No sign-in page at {address} within {seconds} s; the server "
        f"{'runs' if server.poll() is None else 'has ended'}."
    )


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hide_password(log: str) -> str:
    """The log without the line that shows the generated password."""
    return "\n".join(line for line in log.splitlines() if not line.strip().startswith("Password"))


if __name__ == "__main__":
    main()
