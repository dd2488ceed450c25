"""Runs drills one after the other, prints what came of each in a line of figures, and ends with 1
if a promise was not kept.
"""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from . import clock, disk, keys, kills, limits, names, records
from .scene import Broken

Drill = Callable[[Path], str]
PARTS: dict[str, dict[str, Drill]] = {
    "disk": disk.DRILLS,
    "read-only": disk.READ_ONLY,
    "keys": keys.DRILLS,
    "clock": clock.DRILLS,
    "memory": limits.MEMORY,
    "descriptors": limits.DESCRIPTORS_USED_UP,
    "dns": names.DRILLS,
    "kill": kills.DRILLS,
    "records": records.DRILLS,
}
DAILY = tuple(name for name in PARTS if name != "records")  # an hour


def chosen(words: list[str]) -> Iterator[tuple[str, Drill]]:
    """The drills of these parts. Raises SystemExit for a part that there is not."""
    for word in words:
        if word not in PARTS:
            raise SystemExit(f"There is no drill {word!r}. There are: {', '.join(PARTS)}.")
        yield from PARTS[word].items()


def main() -> None:
    """Runs the parts that the command line names, else those of DAILY."""
    kept = broken = 0
    for name, drill in list(chosen(sys.argv[1:] or list(DAILY))):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            place.chmod(0o755)  # a cluster of PostgreSQL runs as another user
            try:
                said, is_kept = drill(place), True
            except Broken as error:
                said, is_kept = f"A PROMISE IS BROKEN: {error}", False
            except Exception:  # noqa: BLE001 a drill that fails, with the others to come
                said, is_kept = f"THE DRILL FAILED\n{traceback.format_exc()}", False
            if not is_kept and (log := place / "log").exists():
                said += f"\n--- the end of its log\n{log.read_text(errors='replace')[-3000:]}"
        kept, broken = kept + is_kept, broken + (not is_kept)
        print(f"{name}: {said} [{time.monotonic() - began:.0f} s]", flush=True)
    print(f"{kept} passed, {broken} failed")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
