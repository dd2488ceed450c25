"""promptflow's connections beside ours: its command and ours, its client in process and our
services. `make bench-peers` installs it.

`python -m bench.promptflow 1000` is our side, in a process of its own, on the database that
DATABASE_URL names.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON, COMMAND = (ROOT / ".venv-peers-promptflow" / "bin" / name for name in ("python", "pf"))
PEER = [
    str(PYTHON),
    "-P",
    str(ROOT / "bench" / "promptflow_peer.py"),
]  # -P: this folder holds a promptflow.py too
IN_LIST, IN_PROCESS = 100, 1000  # rows
GETS, ROUNDS = 200, 7
MISSING = (
    "promptflow is not installed: not compared. make bench-peers installs it into "
    ".venv-peers-promptflow."
)


def measure(folder: Path) -> None:
    """Prints both sides and their ratios. `folder` holds what both keep."""
    print("\npromptflow's connections, and ours")
    if not PYTHON.exists():
        print(MISSING)
    theirs = fill_theirs(folder)
    ours = fill_ours(folder)
    commands(theirs, ours)
    found = answer(ours, IN_PROCESS, [sys.executable, "-m", "bench.promptflow", str(IN_PROCESS)])
    peer = answer(theirs, IN_PROCESS, [*PEER, str(IN_PROCESS)]) if theirs else {}
    print(f"{'in process, ms':<58}{'promptflow':>12}{'ours':>12}{'theirs / ours':>15}")
    line("get by name, decrypted (ours: resolved and validated too)", peer.get("get"), found["get"])
    line("get by name as a dict without secrets", peer.get("get"), found["view"])
    line(f"list {IN_PROCESS:,} as dicts without secrets", peer.get("list"), found["list"])


def line(name: str, theirs: float | None, ours: float) -> None:
    """One row of the table."""
    other = (
        f"{theirs:>12,.2f}{ours:>12,.2f}{theirs / ours:>13,.1f} x"
        if theirs
        else f"{'-':>12}{ours:>12,.2f}"
    )
    print(f"{name:<58}{other}", flush=True)


def fill_theirs(folder: Path) -> dict[str, str]:
    """The environment of promptflow with a home of its own, telemetry off; empty when it is not
    installed.
    """
    if not PYTHON.exists():
        return {}
    home = folder / "promptflow"
    home.mkdir()
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "PF_HOME_DIRECTORY": str(home)}
    variables |= {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "PYTHONPATH": ""}
    subprocess.run(
        [COMMAND, "config", "set", "telemetry.enabled=false"],
        env=variables,
        check=True,
        capture_output=True,
    )
    answer(variables, IN_LIST, [*PEER, str(IN_LIST)])
    return variables


def fill_ours(folder: Path) -> dict[str, str]:
    """Our environment, with a database of its own and as many rows."""
    variables = os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'promptflow.sqlite3'}"}
    answer(variables, IN_LIST, [sys.executable, "-m", "bench.promptflow", str(IN_LIST)])
    return variables


def answer(variables: dict[str, str], rows: int, command: list[str]) -> dict[str, float]:
    """The JSON that a process prints last, which must have listed every row."""
    done = subprocess.run(
        command, cwd=ROOT, env=variables, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["listed"] == rows, found
    return found


def commands(theirs: dict[str, str], ours: dict[str, str]) -> None:
    """The list command of both, in turns, so that a machine that is busy for a while is so for
    both.
    """
    sides = {"ours": ([sys.executable, "manage.py", "connection", "list", "--all-results"], ours)}
    if theirs:
        sides["theirs"] = ([str(COMMAND), "connection", "list", "--all-results"], theirs)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (command, variables) in sides.items():
            started = time.perf_counter()
            done = subprocess.run(
                command, cwd=ROOT, env=variables, check=True, capture_output=True, text=True
            )
            taken[name].append((time.perf_counter() - started) * 1000)
            assert len(json.loads(done.stdout)) == IN_LIST
    medians = {name: statistics.median(times) for name, times in taken.items()}
    print(f"{'wall time, ms':<58}{'promptflow':>12}{'ours':>12}{'theirs / ours':>15}")
    line(f"the command: connection list, {IN_LIST} rows", medians.get("theirs"), medians["ours"])


def main() -> None:
    """Our side: fills the database up to as many rows as the argument says, measures, prints
    JSON.
    """
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from django.core.management import call_command

    from connections import runtime, services
    from connections.models import Connection
    from connections.promptflow import services as promptflow

    number = int(sys.argv[1])
    call_command("migrate", verbosity=0)
    for one in range(Connection.objects.count(), number):
        settings = {
            "api_key": f"sk-bench-0123456789abcdef-{one}",
            "endpoint": f"https://host-{one}.example.com",
        }
        services.create_connection(
            "azure-openai",
            actor=None,
            name=f"connection-{one}",
            alias=f"connection-{one}",
            settings=settings,
        )
    names = [f"connection-{one * 7 % number}" for one in range(GETS)]
    found = {
        "get": timed(
            lambda: [runtime.resolved_settings(runtime.find_connection(name)) for name in names]
        )
        / GETS,
        "view": timed(
            lambda: [promptflow.promptflow_view(promptflow.find_promptflow(name)) for name in names]
        )
        / GETS,
        "list": timed(
            lambda: [promptflow.promptflow_view(row) for row in promptflow.promptflow_rows(None)]
        ),
        "listed": len(list(promptflow.promptflow_rows(None))),
    }
    print(json.dumps(found))


def timed(work: object) -> float:
    """Milliseconds, the median over rounds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()  # type: ignore[operator]
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
