"""A file that sops encrypted as a store, decrypted by the program `sops`, with whatever keys it
finds: age, or those of a cloud.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .address import Address, away, not_signed_in
from .base import SourceError
from .documents import BrokenDocument, read_document

SECONDS = 15.0
NO_KEY, NOT_FOUND = 128, 100  # https://github.com/getsops/sops: cmd/sops/codes/codes.go
SIGN_IN = "Give sops a key: SOPS_AGE_KEY_FILE, or the credentials of the cloud that holds it."


class SopsFile:
    """The whole file is read at once; its sections are the keys at its top."""

    depth: int | None = 0
    options: tuple[str, ...] = ()

    def __init__(self, address: Address) -> None:
        if address.host or len(address.path) < 2:
            raise ValueError("write sops:///path/file.enc.yaml")
        self._path = Path(address.path)
        self.name = f"the sops file {address.path}"
        self.cure = f"the key in {self.name}"

    def read(self, place: tuple[str, ...]) -> Any:  # noqa: ARG002 it is the whole file
        self.reach()
        program = shutil.which(os.environ.get("SOPS_PROGRAM", "sops"))
        if program is None:
            raise SourceError(
                "The program sops is not installed. Install it from "
                "https://github.com/getsops/sops/releases, or name it in SOPS_PROGRAM."
            )
        command = [program, "decrypt", "--output-type", "json", str(self._path)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise away(self.name, f"sops takes more than {SECONDS:g} seconds") from None
        except OSError as error:
            raise SourceError(f"sops cannot be started ({error.strerror}).") from None
        if done.returncode == NO_KEY:
            raise not_signed_in(self.name, SIGN_IN)
        if done.returncode:
            raise SourceError(
                f"sops cannot decrypt {self.name} (exit code {done.returncode}). Try it with: "
                f"sops decrypt {self._path}"
            )
        try:
            return read_document(done.stdout, is_yaml=False)
        except BrokenDocument as error:
            raise SourceError(f"{self.name} {error}.") from None

    def reach(self) -> None:
        try:
            self._path.open("rb").close()
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read ({error.strerror}).") from None
