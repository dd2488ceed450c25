"""Does every block of the documents, one after the other, and ends with 1 if one fails.

`python -m tests.documents`, or with the names of pages: then these alone, after the first
two, whose rows the others use.
"""

import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from subprocess import SubprocessError

from tests.httpserver import Answer, HttpServer
from tests.upstreams import aimock

from .blocks import FIRST, REASONS, TUTORIAL, Block, blocks_of, misplaced, pages
from .by_page import follow
from .doing import PARTS, Failed, do
from .place import Place, place

FIXTURES = Path(__file__).parent / "service"


def main(wanted: list[str]) -> int:
    """Returns how the process ends."""
    began = time.monotonic()
    chosen = [*FIRST, *wanted] if wanted else pages()
    done: Counter[str] = Counter()
    failed: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="documents-")))
        service = stack.enter_context(aimock(fixtures=FIXTURES))
        shop = stack.enter_context(HttpServer({"/orders": Answer(body=[{"number": 1001}])}))
        with place(folder, service, shop) as here:
            for page in dict.fromkeys(chosen):
                if page == TUTORIAL:
                    wrong = follow(here)
                    done["FAILED by page" if wrong else "done by page, in a browser"] += 1
                    failed += [wrong] if wrong else []
                failed += _do_page(page, here, done)
        log = (folder / "run.log").read_text(errors="replace")
    for one in failed:
        print(f"FAILED {one}")
    for said, count in sorted(done.items()):
        _, _, reason = said.partition("not run: ")
        why = f" ({REASONS[reason]})" if reason in REASONS else ""
        print(f"{count:4} {said}{why}")
    blocks = sum(count for said, count in done.items() if not said.startswith(PARTS))
    print(f"{blocks} blocks, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    if any("Traceback" in line for line in log.splitlines()):
        print(f"The server's log has a traceback:\n{log[-3000:]}")
        return 1
    return bool(failed)


def _do_page(page: str, here: Place, done: "Counter[str]") -> list[str]:
    """What of a page failed."""
    failed: list[str] = []
    before: list[Block] = []
    for block in blocks_of(page):
        try:
            if wrong := misplaced(block):
                raise Failed(wrong)
            began = time.monotonic()
            done.update(do(block, here, before))
            print(f"{time.monotonic() - began:6.1f} s  {block}", flush=True)
        except (Failed, OSError, ValueError, LookupError, RuntimeError, SubprocessError) as error:
            done["FAILED"] += 1
            failed.append(f"{block}\n{block.text}--- {error}\n")
            print(f"FAILED {failed[-1]}", flush=True)
        before.append(block)
    return failed


if __name__ == "__main__":
    # ends as by Ctrl+C: the server and the database go with it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
