"""Fills throw-away databases, measures, prints tables.

Nothing here is asserted: read it, compare ratios between runs.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import gateway, instances, partitions, promptflow, scale, telemetry
from .databases import postgresql

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "10000"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "1000000"))
PAGES = int(os.environ.get("BENCH_PAGES", "10000"))
PARTS = sys.argv[1:] or [
    *("start", "process", "api", "pages", "gateway", "promptflow"),
    *("hands", "checks", "usage", "replace", "signin", "alive", "audit", "backup", "telemetry"),
]


def main() -> None:
    """The parts named on the command line, or all: `start`, `process`, `api`, `pages`, `gateway`,
    `promptflow`, `hands`, `checks`, `usage`, `replace`, `signin`, `alive`, `audit`, `backup` and
    `telemetry`. `memory` takes half an hour, and `instances`, `scale` and `partitions` start
    servers or make databases of their own, so they are only measured where they are named.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite3"
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{path}",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        }
        os.environ |= {
            "OpenAI__Organization": "org-bench",
            "API_THROTTLE_RATE": "1000000000/min",
            "LOG_LEVEL": "ERROR",
        }
        if "process" in PARTS:
            process(path)
        if set(PARTS) - {"process", "promptflow", "instances", "scale", "partitions"}:
            served()
        if "instances" in PARTS:
            instances.measure()
        if "scale" in PARTS:
            scale.measure(CONNECTIONS)
        if "partitions" in PARTS:
            partitions.measure(REQUESTS)
        if "promptflow" in PARTS:
            promptflow.measure(Path(folder))


def process(path: Path) -> None:
    """Measures one process, on a SQLite file that it makes."""
    import django

    django.setup()
    from django.core.management import call_command

    from .in_process import measure

    call_command("migrate", verbosity=0)
    measure(path, CONNECTIONS)


def served() -> None:
    """The API, pages, the gateway, many hands at once and checks under the production command, and
    usage in one process, on SQLite and, if it answers, on PostgreSQL.
    """
    with postgresql() as other:
        urls = {"SQLite": os.environ["DATABASE_URL"]} | ({"PostgreSQL": other} if other else {})
        if "api" in PARTS:
            for name, url in urls.items():
                print(f"\nAPI on {name}", flush=True)
                command = [
                    sys.executable,
                    "-m",
                    "bench.api",
                    str(CONNECTIONS),
                ]  # a process of its own: Django knows one database
                subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=True)
        if "gateway" in PARTS:
            gateway.measure(urls, CONNECTIONS)
        if "telemetry" in PARTS:
            telemetry.measure(
                {
                    name: f"{url}.telemetry" if name == "SQLite" else url
                    for name, url in urls.items()
                }
            )
        for name, url in urls.items():
            on_one_database(name, url)


def on_one_database(name: str, url: str) -> None:
    """Pages, usage, checks and many hands, each in processes of its own, and on SQLite with rows of
    its own.
    """
    modules = {
        "start": ("A start", [("bench.start",)]),
        "pages": (
            "Pages",
            [("bench.pages", str(CONNECTIONS)), ("bench.lists", str(CONNECTIONS))],
        ),
        "usage": ("Usage", [("bench.usage", str(REQUESTS))]),
        "checks": ("Checks by themselves", [("bench.checks", str(CONNECTIONS))]),
        "hands": ("Many hands", [("bench.hands",), ("bench.packages",)]),
        "replace": ("Replaced keys", [("bench.replacement",)]),
        "audit": ("The audit", [("bench.audit", str(REQUESTS))]),
        "backup": ("Backups", [("bench.backup", str(CONNECTIONS), str(REQUESTS))]),
        "signin": ("A thousand sign-ins a minute", [("bench.signin",)]),
        "alive": ("/health/live beside the gateway and pages", [("bench.alive",)]),
        "memory": ("Memory", [("bench.memory", str(REQUESTS), str(PAGES))]),
    }
    for part, (title, commands) in modules.items():
        if part not in PARTS:
            continue
        print(f"\n{title} on {name}", flush=True)
        own = os.environ | {"DATABASE_URL": f"{url}.{part}" if name == "SQLite" else url}
        for command in commands:
            subprocess.run([sys.executable, "-m", *command], env=own, check=True)


if __name__ == "__main__":
    main()
