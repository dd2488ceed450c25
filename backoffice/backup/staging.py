"""An older backup brought up to the schema of this version, in a database of its own.

`python -m backoffice.backup.staging <file> <new file>` does it in the process of a throw-away
database, because Django knows one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..environment import BASE_DIR
from .errors import BackupError
from .file import BackupReader, opened

OTHERS = ("CACHE_URL", "DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL")
MODULE = "backoffice.backup.staging"


@contextmanager
def brought_up(path: Path) -> Iterator[BackupReader]:
    """The same backup as this version would have made it, for the block. Raises BackupError."""
    with tempfile.TemporaryDirectory(prefix="switchboard-restore-") as folder:
        newer = Path(folder) / "newer.zip"
        unset = dict.fromkeys([one for name in OTHERS for one in (name, f"{name}_FILE")], "")
        own = unset | {"DATABASE_URL": f"sqlite:///{folder}/rows.sqlite3"}
        done = subprocess.run(  # noqa: S603 our own module
            [sys.executable, "-m", MODULE, str(path.resolve()), str(newer)],
            cwd=BASE_DIR,
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
            text = "The backup could not be brought up to this version. Nothing was changed."
            raise BackupError("unfit", f"{text} ({said[0][:300]})")
        with opened(newer) as reader:
            yield reader


def main() -> None:
    """Loads the first file, migrates, and writes the second."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from .first import restore_first
    from .making import write_backup

    try:
        with opened(Path(sys.argv[1])) as reader:
            restore_first(reader)
        write_backup(Path(sys.argv[2]))
    except BackupError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
