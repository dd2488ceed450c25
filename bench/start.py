"""A start of a prepared installation: `python -m bench.start`, on the database that DATABASE_URL
names.

`backoffice.serve` with two workers, from the call to the first 200 of `/health/ready`, which should
take at most 3 s on a machine that does nothing else; its processor time tells what it would be on
one. Then the stop, while 50 connections are open without a request. At last what is imported, by
packages.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

from .processes import cpu, free_port

STARTS, IDLE, SHOWN = 3, 50, 12
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*([^.\s]+)")


def main() -> None:
    """Prints the table."""
    _once(is_told=False)
    print("\n| to ready | of it processor | stop |\n|---|---|---|", flush=True)
    for _ in range(STARTS):
        _once(is_told=True)
    _imports()


def _once(*, is_told: bool) -> None:
    port = free_port()
    variables = os.environ | {"PORT": str(port), "RUN_DUE": "false"}
    command = [sys.executable, "-m", "backoffice.serve"]
    began = time.monotonic()
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL) as server:
        while not _is_ready(port):
            if server.poll() is not None:
                raise SystemExit("The server does not start.")
            time.sleep(0.01)
        ready = time.monotonic() - began
        used = cpu(server.pid) or 0
        idle = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(IDLE)]
        for one in idle:
            one.request("GET", "/health/live")
            one.getresponse().read()
        time.sleep(2)
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait()
    if is_told:
        print(f"| {ready:.2f} s | {used:.2f} s | {time.monotonic() - began:.2f} s |", flush=True)


def _is_ready(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request("GET", "/health/ready")
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def _imports() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import backoffice.asgi"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Counter[str] = Counter()
    for took, package in IMPORT.findall(done.stderr):
        found[package] += int(took)
    print(f"\n| imported, {sum(found.values()) / 1e6:.2f} s in all | s |\n|---|---|")
    for package, took in found.most_common(SHOWN):
        print(f"| `{package}` | {took / 1e6:.2f} |")


if __name__ == "__main__":
    main()
