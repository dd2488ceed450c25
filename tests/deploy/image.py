"""The image that tools/image.py has built, run as an engine would: read-only, as a user that nobody
knows, without capabilities. `make test-image`.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.connections.api.serving import _free_port as free_port

ROOT = Path(__file__).parents[2]
IMAGE = json.loads((ROOT / ".image" / "image.json").read_text())
INSIDE = Path(IMAGE["root"])
LARGEST = 350_000_000  # bytes
LONGEST = 300  # seconds; the first start makes the database
USER, GROUP = 54321, 0  # as OpenShift has it: any user, of the group root
# what an engine gives every container, and what ours are given
WRITABLE = ("/tmp", "/data", "/dev", "/proc")
TOOLS = ("gcc", "cc", "g++", "c++", "ld", "as", "make", "pip", "pip3", "git", "curl", "wget")


def files() -> Iterator[Path]:
    for folder, _, names in os.walk(INSIDE):
        yield from (Path(folder) / name for name in names)


def command(given: list[str], data: Path, *binds: str, **environment: str) -> list[str]:
    """The program that runs `given` in the image. It is process 1 there."""
    variables = IMAGE["environment"] | environment
    return [
        *("bwrap", "--ro-bind", str(INSIDE), "/", "--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--tmpfs", "/tmp", "--bind", str(data), "/data", *binds),
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent"),
        *("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
        *("--cap-add", "CAP_SETPCAP", "--chdir", IMAGE["folder"], "--clearenv"),
        *(word for one in variables.items() for word in ("--setenv", *one)),
        *("setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", "--no-new-privs"),
        *("--bounding-set=-all", "--inh-caps=-all", *given),
    ]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Secrets in files, as engines hand them over."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "secret-key").write_text(secrets.token_urlsafe(50))
    (folder / "fernet-keys").write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is mounted at /data: of the group root, as in the image."""
    folder = tmp_path_factory.mktemp("data")
    os.chown(folder, 10001, 0)
    folder.chmod(0o2770)
    return folder


def settings(port: int) -> dict[str, str]:
    return {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "SECRET_KEY_FILE": "/run/secrets/secret-key",
        "FERNET_KEYS_FILE": "/run/secrets/fernet-keys",
    }


@contextmanager
def served(data: Path, keys: Path, port: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The image's own command, until it is ready."""
    bind = ("--tmpfs", "/run", "--ro-bind", str(keys), "/run/secrets")
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command(IMAGE["command"], data, *bind, **settings(port)), stdout=file, stderr=file
        ) as process,
    ):
        try:
            until = time.monotonic() + LONGEST
            while not ready(port):
                assert process.poll() is None and time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield process
        finally:
            if process.poll() is None:  # bubblewrap itself would leave it behind
                os.kill(first_of(process), signal.SIGKILL)


def first_of(process: "subprocess.Popen[bytes]") -> int:
    """Process 1 of a container, by its number here."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return int(children.split()[0])


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def page(port: int, path: str, **headers: str) -> str:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return str(answer.read().decode())


def test_it_is_small():
    size = sum(one.lstat().st_size for one in files())
    print(f"\nthe image's files: {size / 1e6:.0f} MB")
    assert size <= LARGEST


def test_it_has_no_compiler_and_nothing_that_fetches():
    names = {one.name for one in files() if one.parent.name in ("bin", "sbin")}
    assert names & set(TOOLS) == set() and not any(re.match(r"pip\d|gcc-", one) for one in names)


def test_it_has_no_secret_and_no_work_of_ours():
    names = {
        str(one.relative_to(INSIDE / "opt/switchboard"))
        for one in files()
        if "switchboard" in str(one.relative_to(INSIDE))
    }
    own = {one for one in names if not one.startswith((".venv/", "var/"))}
    found = {one for one in own if one.startswith(("tests/", ".git", ".env", "bench/", "tools/"))}
    assert (
        found
        | {one for one in own if "sqlite3" in Path(one).name and not one.endswith((".py", ".pyc"))}
        == set()
    )
    assert not [name for name in IMAGE["environment"] if re.search("KEY|PASSWORD|TOKEN", name)]


def test_it_says_what_it_is_and_what_it_is_made_of():
    labels = IMAGE["labels"]
    assert labels["org.opencontainers.image.title"] == "Switchboard"
    assert labels["org.opencontainers.image.version"]
    parts = json.loads((INSIDE / labels["switchboard.sbom"].lstrip("/")).read_text())
    assert parts["bomFormat"] == "CycloneDX"
    assert IMAGE["user"] == "10001:0" and IMAGE["stop_signal"] == "SIGTERM"


def test_no_program_in_it_gives_rights():
    assert [one for one in files() if not one.is_symlink() and one.lstat().st_mode & 0o6000] == []


def test_nothing_may_be_written_but_what_is_mounted(data: Path):
    look = "find / -xdev -writable ! -type l ! -path '/proc/*' 2>/dev/null; touch /opt/x || true"
    done = subprocess.run(
        command(["sh", "-c", look], data), capture_output=True, text=True, check=True
    )
    found = [one for one in done.stdout.splitlines() if not one.startswith(WRITABLE)]
    assert found == [] and "Read-only file system" in done.stderr


def test_without_keys_it_stops_with_a_sentence(data: Path):
    done = subprocess.run(
        command(IMAGE["command"], data), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "SECRET_KEY_FILE" in done.stderr
    assert "Traceback" not in done.stderr and list(data.iterdir()) == []


def test_it_serves_as_any_user_and_stops_when_it_is_told(data: Path, keys: Path, tmp_path: Path):
    port = free_port()
    with served(data, keys, port, tmp_path / "first"):
        pass
    began = time.monotonic()
    with served(data, keys, port, tmp_path / "log") as process:
        print(f"\nfrom start to ready: {time.monotonic() - began:.1f} s")
        health = subprocess.run(command(IMAGE["health"], data, **settings(port)), check=False)
        assert health.returncode == 0
        said = page(port, "/sign-in/", **{"Accept-Language": "de"})
        assert 'lang="de"' in said and "Anmelden" in said
        style = re.search(r'href="(/static/css/[^"]+\.[0-9a-f]{12}\.css)"', said)
        assert style and page(port, style[1])
        owners = {file.stat().st_uid for file in data.iterdir()}
        assert owners == {USER}
        os.kill(first_of(process), signal.SIGTERM)
        assert process.wait(40) == 0
    assert "cannot be" not in (tmp_path / "log").read_text()
    gone = subprocess.run(command(IMAGE["health"], data, **settings(port)), check=False)
    assert gone.returncode == 1


def test_every_provider_and_every_store_works_with_what_is_left(data: Path):
    run = ("--tmpfs", "/run", "--perms", "0755", "--dir", "/run/checks")
    bind = (*run, "--ro-bind", str(ROOT / "tests"), "/run/checks/tests")
    given = {"PYTHONPATH": "/opt/switchboard:/run/checks", "DATABASE_URL": "sqlite://:memory:"}
    keys = {"SECRET_KEY": secrets.token_urlsafe(50), "FERNET_KEYS": secrets.token_urlsafe(50)}
    done = subprocess.run(
        command(["python", "-m", "tests.deploy.inside"], data, *bind, **given, **keys),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.fullmatch(r"tried \d\d \d\d\n", done.stdout), done.stdout
