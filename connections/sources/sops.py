"""A file that sops encrypted as a store, decrypted by the program `sops`, with whatever keys it
finds: age, or those of a cloud.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from .address import Address, away, not_signed_in
from .base import SourceError
from .documents import BrokenDocument, read_document

SECONDS = 15.0
NO_KEY, NOT_FOUND = 128, 100  # https://github.com/getsops/sops: cmd/sops/codes/codes.go
SIGN_IN = gettext_lazy(
    "Give sops a key: SOPS_AGE_KEY_FILE, or the credentials of the cloud that holds it."
)


class SopsFile:
    """The whole file is read at once; its sections are the keys at its top."""

    depth: int | None = 0
    options: tuple[str, ...] = ()

    def __init__(self, address: Address) -> None:
        if address.host or len(address.path) < 2:
            raise ValueError("write sops:///path/file.enc.yaml")
        self._path = Path(address.path)
        self.name = f"the sops file {address.path}"
        self.cure = format_lazy(gettext_lazy("the key in {store}"), store=self.name)

    def read(self, place: tuple[str, ...]) -> Any:  # noqa: ARG002 it is the whole file
        self.reach()
        program = shutil.which(os.environ.get("SOPS_PROGRAM", "sops"))
        if program is None:
            raise SourceError(
                gettext_noop(
                    "The program sops is not installed. Install it from "
                    "https://github.com/getsops/sops/releases, or name it in SOPS_PROGRAM."
                )
            )
        command = [program, "decrypt", "--output-type", "json", str(self._path)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 no shell; the file is a setting
        except subprocess.TimeoutExpired:
            raise away(
                self.name,
                format_lazy(
                    gettext_lazy("sops takes more than {seconds} seconds"), seconds=f"{SECONDS:g}"
                ),
            ) from None
        except OSError as error:
            raise SourceError(
                gettext_noop("sops cannot be started (%(reason)s)."), reason=error.strerror
            ) from None
        if done.returncode == NO_KEY:
            raise not_signed_in(self.name, SIGN_IN)
        if done.returncode:
            text = gettext_noop(
                "sops cannot decrypt %(name)s (exit code %(code)s). Try it with: sops decrypt "
                "%(path)s"
            )
            raise SourceError(text, name=self.name, code=done.returncode, path=self._path)
        try:
            return read_document(done.stdout, is_yaml=False)
        except BrokenDocument as error:
            raise SourceError(f"{self.name} {error}.") from None

    def reach(self) -> None:
        try:
            self._path.open("rb").close()
        except OSError as error:
            raise SourceError(
                gettext_noop("%(name)s cannot be read (%(reason)s)."),
                name=self.name,
                reason=error.strerror,
            ) from None
