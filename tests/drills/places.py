"""Where data lies in a drill: small disks, and clusters of PostgreSQL of their own.

Both take root: mounting does, and a cluster is run by the user postgres.
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.processes import free_port
from tests.connections.api.serving import ROOT, environment

from .scene import Broken

FIRST = (
    *("listen_addresses = '127.0.0.1'", "unix_socket_directories = ''"),
    *("min_wal_size = 2MB", "max_wal_size = 4MB", "shared_buffers = 16MB"),
)


def run(*command: str) -> str:
    """What a command prints. Raises Broken with what it says when it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise Broken(f"`{' '.join(command)}` works: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


@dataclass(frozen=True)
class Disk:
    """A small disk in memory."""

    path: Path

    def fill(self) -> int:
        """Writes a file until there is no room, and gives the bytes it took."""
        written = 0
        with (self.path / "filler").open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        written += file.write(b"x" * size)
                except OSError:
                    continue
        return written

    def clear(self) -> None:
        """Gives the room back."""
        (self.path / "filler").unlink()


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of this size, mounted here until the block ends."""
    path.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "drill", str(path))
    try:
        yield Disk(path)
    finally:
        run("umount", "--lazy", str(path))


@dataclass(frozen=True)
class FailingDisk:
    """A disk that can be told to fail: a file with a file system in it."""

    path: Path
    image: Path

    def fail(self) -> None:
        """As after a fault of the disk: the kernel takes no writes any more, open files included.
        https://www.kernel.org/doc/html/latest/admin-guide/ext4.html (errors=remount-ro)
        """
        device = run("findmnt", "-n", "-o", "SOURCE", str(self.path)).strip()
        Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1")

    def mount(self) -> None:
        run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.path))

    def repair(self) -> None:
        """Checks it, and takes writes again. Nobody may have a file of it open."""
        run("umount", str(self.path))
        subprocess.run(["e2fsck", "-p", "-f", str(self.image)], capture_output=True, check=False)
        self.mount()


@contextmanager
def failing_disk(path: Path, megabytes: int) -> Iterator[FailingDisk]:
    """A disk of this size, mounted here until the block ends."""
    path.mkdir(parents=True)
    disk = FailingDisk(path, path.with_suffix(".image"))
    run("truncate", "-s", f"{megabytes}M", str(disk.image))
    run("mkfs.ext4", "-q", "-F", str(disk.image))
    disk.mount()
    try:
        yield disk
    finally:
        run("umount", "--lazy", str(path))


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of its own."""

    programs: Path
    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def control(self, *words: str) -> str:
        """pg_ctl, as the user who owns the data."""
        return run(
            *("runuser", "-u", "postgres", "--", str(self.programs / "pg_ctl")),
            *("-D", str(self.data), "-l", str(self.data.parent / "postgres.log"), *words),
        )

    def start(self) -> None:
        self.control("start", "-w", "-t", "60")

    def kill(self) -> None:
        """Ends it as a power cut does: nothing is written any more."""
        self.control("stop", "-m", "immediate")

    def sql(self, *statements: str) -> str:
        """Runs statements, each by itself."""
        words = [word for one in statements for word in ("-c", one)]
        return run("psql", "-X", "-q", "-t", "-d", self.url, *words)


def programs() -> Path:
    """The folder of initdb and pg_ctl. Raises Broken where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if named := shutil.which("initdb"):
        found.append(Path(named))
    if not found:
        raise Broken("PostgreSQL is there: apt-get install postgresql")
    return found[-1].parent


@cache
def filled() -> Path:
    """The data of a cluster whose database has all tables, made once for all drills."""
    place = Path(tempfile.mkdtemp(prefix="drill-cluster-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o755)
    own(place)
    made = Cluster(programs(), place / "data", free_port())
    run(
        *("runuser", "-u", "postgres", "--", str(made.programs / "initdb"), "-D", str(made.data)),
        *("-U", "postgres", "--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", "--no-sync"),
        "--wal-segsize=1",
    )
    configure(made, FIRST)
    made.start()
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"],
            cwd=ROOT,
            env=environment(made.url),
            check=True,
        )
    finally:
        made.control("stop", "-m", "fast", "-w")
    return made.data


def own(path: Path) -> None:
    """Gives a folder to the user who runs clusters."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, "postgres", "postgres")


def configure(made: Cluster, lines: Sequence[str]) -> None:
    """Adds its port and these lines to a cluster's configuration."""
    with (made.data / "postgresql.conf").open("a") as file:
        file.write("\n".join([*lines, f"port = {made.port}"]) + "\n")


@contextmanager
def cluster(place: Path, log_place: Path | None = None, *options: str) -> Iterator[Cluster]:
    """A running cluster with its data in this folder and its log of changes in `log_place`. Its
    database `postgres` has all tables. `options` are lines of its configuration.
    """
    source = filled()
    own(place)
    made = Cluster(programs(), place / "data", free_port())
    run("cp", "-a", str(source), str(made.data))
    if log_place:
        own(log_place)
        run("mv", str(made.data / "pg_wal"), str(log_place / "pg_wal"))
        (made.data / "pg_wal").symlink_to(log_place / "pg_wal")
    configure(made, options)
    made.start()
    try:
        yield made
    finally:
        if (made.data / "postmaster.pid").exists():
            made.kill()
