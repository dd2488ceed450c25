"""Whether a worker's memory stays flat: requests to the gateway and pages in ten parts, and the
memory of each worker after each. What is printed should be: at most 10 % more than after the first
part.

`python -m bench.memory 1000000 10000`, on the database that DATABASE_URL names.
"""

import sys
import time
from dataclasses import dataclass, field

from .api import server
from .load import Job, chat, run
from .processes import Running, memory, tree
from .rows import prepare, serve_from
from .upstream import upstream

PARTS, SLICE = 10, 5.0  # seconds of one measurement
WORKERS, CLIENTS, VIEWERS, CONNECTIONS = 2, 32, 2, 300
PAGES = ("/", "/connections/", "/profiles/", "/usage/", "/attention/", "/audit/", "/references/")
MOST = 10  # percent


@dataclass
class Asked:
    """What was asked so far."""

    port: int
    requests: int = 0
    pages: int = 0
    errors: list[str] = field(default_factory=list)

    def ask(self, request: str, clients: int, number: int) -> int:
        """Asks until so many are answered, or none is any more; gives the number."""
        done = 0
        while done < number:
            found = run(Job(self.port, request, clients, min(SLICE, 0.5 + number / 500)))
            done += found.count
            if found.errors:
                self.errors.append(found.error)
            if not found.count:
                break
        return done


def prepared(port: int, model: str) -> tuple[str, str]:
    """Rows, and a profile on the stub. Returns a token and the cookie of an administrator."""
    token = prepare(CONNECTIONS, "gateway:use")[0]
    serve_from(port, model)
    from .in_process import signed_in

    return token, str(signed_in().cookies["sessionid"].value)


def started(running: Running) -> list[int]:
    """The workers, once all are there: the first one answers earlier."""
    while len(workers := tree(running.pid)[1:]) < WORKERS:
        time.sleep(0.1)
    return workers


def page(path: str, cookie: str) -> str:
    """A request for a page by who has signed in."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: "
        f"sessionid={cookie}\r\n\r\n"
    )


def measure(requests: int, pages: int) -> None:
    """Prints the memory after each part, then the growth."""
    with upstream() as stub:
        model = f"memory-{time.time_ns()}"
        token, cookie = prepared(stub.port, model)
        with server() as running:
            asked, rows, began = Asked(running.port), [], time.monotonic()
            workers = started(running)
            columns = f"{'RSS MB':>9}{'PSS MB':>9}" * len(workers)
            print(f"{'requests':>12}{'pages':>9}{'seconds':>9}{columns}", flush=True)
            for part in range(1, PARTS + 1):
                left = requests * part // PARTS - asked.requests
                asked.requests += asked.ask(chat(token, False, model), CLIENTS, left)
                for path in PAGES:
                    number = pages * part // PARTS // len(PAGES) - asked.pages // len(PAGES)
                    asked.pages += asked.ask(page(path, cookie), VIEWERS, max(1, number))
                rows.append([memory(worker) or (0.0, 0.0) for worker in workers])
                figures = "".join(f"{rss:>9,.1f}{pss:>9,.1f}" for rss, pss in rows[-1])
                taken = time.monotonic() - began
                print(f"{asked.requests:>12,}{asked.pages:>9,}{taken:>9,.0f}{figures}", flush=True)
    ends = zip(rows[0], rows[-1], strict=True)
    growth = max(100 * (last[0] / first[0] - 1) for first, last in ends)
    print(f"growth after the first part {growth:.1f} % (at most {MOST} %)")
    if asked.errors:
        print(f"{len(asked.errors)} measurements with errors: {asked.errors[0][:300]!r}")


if __name__ == "__main__":
    measure(int(sys.argv[1]), int(sys.argv[2]))
