"""A fresh copy of this checkout with `make run` running in it, where the blocks are done."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.upstreams import GOOD_KEY
from tools.check_start import OURS, copy_files, free_port, wait

from .blocks import ROOT

SECONDS = 120
KEPT = "shell-variables"  # what one block of a shell gives to the next, for a page reads on


@dataclass
class Place:
    """The copy, its server, and what a reader has at hand: the token, the key of a service."""

    folder: Path
    service: str  # the address of what stands in for OpenAI
    shop: str  # and for an API of one's own
    port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    started_with: bytes = b""

    @property
    def address(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def copy(self) -> Path:
        """The repository of the reader."""
        return self.folder / "switchboard"

    def environment(self) -> dict[str, str]:
        """That of a reader's terminal: nothing of this checkout's."""
        ours = {**os.environ, "HOME": str(self.folder), "PYTHONIOENCODING": "utf-8"}
        path = f"{self.copy / '.venv/bin'}:{os.environ['PATH']}"
        kept = {name: value for name, value in ours.items() if name not in OURS}
        return {
            **{name: value for name, value in kept.items() if not name.startswith("MAKE")},
            "PATH": path,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",  # one reader
        }

    def told(self, text: str) -> str:
        """A block with what is this reader's own in the place of what the page shows."""
        own = {
            "http://127.0.0.1:8000": self.address,
            "https://switchboard.example.com": self.address,
            'api_key="sk-..."': f'api_key="{GOOD_KEY}", base_url="{self.service}/v1"',
            "sk-...": GOOD_KEY,
            "https://shop.example.com": self.shop,
            "/backups": str(self.folder),
            '"apiKey": "$OpenAI:ApiKey"': '"apiKey": "$OpenAI:ApiKey", "baseUrl": "'
            f'{self.service}/v1"',
        }
        for shown, mine in own.items():
            text = text.replace(shown, mine)
        return re.sub(r"\bsb_\.\.\.", lambda _: self.token(), text)

    def token(self) -> str:
        """The token that the last block of a shell has in TOKEN."""
        variables = self.folder / KEPT
        text = variables.read_text() if variables.exists() else ""
        found = re.search(r"^declare -x TOKEN=(.*)$", text, re.MULTILINE)
        return shlex.split(found[1])[0] if found else "sb_none"

    def start(self) -> None:
        """`make run`, until there is a sign-in page. One that runs with this `.env` goes on."""
        settings = self.copy / ".env"
        now = settings.read_bytes() if settings.exists() else b""
        if self.server and now == self.started_with:
            return
        self.stop()
        with (self.folder / "run.log").open("ab") as log:
            self.server = subprocess.Popen(
                ["make", "run", f"PORT={self.port}"],
                cwd=self.copy,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait(self.server, f"{self.address}/", time.monotonic(), SECONDS)
        self.started_with = settings.read_bytes()

    def stop(self) -> None:
        """Ctrl-C."""
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)

    def forget(self, row: str) -> None:
        """Deletes a row, if it is there."""
        request = urllib.request.Request(f"{self.address}/api/v1/{row}", method="DELETE")
        request.add_header("Authorization", f"Bearer {self.token()}")
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=30).close()

    def password(self) -> str:
        """The password that the first start printed."""
        found = re.search(r"Password +(\S+)", (self.folder / "run.log").read_text())
        return found[1] if found else ""

    def run(self, *command: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """A command in the reader's terminal, with `text` as its input."""
        return subprocess.run(
            command,
            cwd=self.copy,
            env=self.environment(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


@contextmanager
def place(folder: Path, service: str, shop: str) -> Iterator[Place]:
    """A copy with the packages of this checkout. Its server runs from
    the first block with `make run` on. `service`
    stands in for OpenAI, `shop` for an API of one's own."""
    here = Place(folder, service, shop)
    copy_files(here.copy)
    for compiled in ROOT.glob("[a-z]*/**/__pycache__"):
        if (folder := here.copy / compiled.relative_to(ROOT)).parent.is_dir():
            shutil.copytree(compiled, folder)
    for name in (".venv", "node_modules"):
        (here.copy / name).symlink_to(ROOT / name)
    try:
        yield here
    finally:
        here.stop()
