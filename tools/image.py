"""Builds the image without an engine for containers: `.venv-deploy/bin/python tools/image.py`.

Every step of deploy/image/Dockerfile is carried out in a root of its own, below .image/: FROM by
debootstrap, which Debian's own images are made with, RUN by bubblewrap, COPY by what .dockerignore
lets through. What the image says of itself is written to .image/image.json; tests/deploy/image.py
runs it. Needs root, debootstrap and bubblewrap: tools/ensure_deploy.

Not tried by this: layers, the registry's base image itself, and other architectures than this one.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from docker.utils.build import exclude_paths
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".image"
DOCKERFILE = ROOT / "deploy" / "image" / "Dockerfile"
# what Debian's slim images lack (debuerreotype's .slimify-excludes), and what apt keeps
SLIM = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian")
KEPT_BY_APT = ("var/cache/apt", "var/lib/apt/lists")
FIRST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = re.compile(r"PIP_(?!FIND_LINKS)\w+|(HTTPS?|NO|ALL)_PROXY", re.IGNORECASE)


@dataclass
class Stage:
    """A stage of the build: its root, and what was said of it so far."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": FIRST_PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = ""
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"


def main() -> None:
    """Build, and say what came of it."""
    stages: dict[str, Stage] = {}
    last = ""
    parser: Any = DockerfileParser(path=str(DOCKERFILE))
    for step in parser.structure:
        name, value = step["instruction"], step["value"]
        if name == "COMMENT":
            continue
        print(f"{name} {value[:90]}", flush=True)
        if name == "FROM":
            last = re.split(r"(?i)\s+as\s+", value)[-1].replace(":", "-")
            stages[last] = Stage(make_base(value.split()[0], last))
        else:
            STEPS[name](stages[last], value, stages)
    image = asdict(stages[last]) | {"root": str(stages[last].root)}
    (WORK / "image.json").write_text(json.dumps(image, indent=1))


def make_base(image: str, name: str) -> Path:
    """A root as Debian's slim image has it, such as of debian:trixie-slim. A copy of the one that
    was made first.
    """
    suite = image.removeprefix("debian:").removesuffix("-slim")
    base, root = WORK / f"debian-{suite}", WORK / f"stage-{name}"
    if not (base / "etc" / "debian_version").exists():
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        run("debootstrap", "--variant=minbase", suite, str(base))
        for folder in (*SLIM, *KEPT_BY_APT):
            for path in (base / folder).iterdir():
                run("rm", "-rf", str(path))
    run("rm", "-rf", "--one-file-system", str(root))
    run("cp", "-a", str(base), str(root))
    return root


def run_step(stage: Stage, value: str, _stages: dict[str, Stage]) -> None:
    """RUN, as root in the stage's root, with the way to the packages that this machine has."""
    passed = {name: text for name, text in os.environ.items() if PASSED_ON.fullmatch(name)}
    binds = []
    for name, file in (
        ("PIP_CONFIG_FILE", "/etc/pip.conf"),
        ("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"),
    ):
        if Path(file).exists():
            passed[name] = f"/run/machine/{Path(file).name}"
            binds += ["--ro-bind", file, passed[name]]
    given = stage.environment | stage.arguments | passed
    run(
        *("bwrap", "--bind", str(stage.root), "/", "--proc", "/proc", "--dev", "/dev"),
        *(
            "--tmpfs",
            "/run",
            "--perms",
            "1777",
            "--tmpfs",
            "/tmp",
            "--cap-add",
            "ALL",
            "--unshare-pid",
        ),
        *("--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf", *binds, "--chdir", stage.folder),
        *("--clearenv", *(word for one in given.items() for word in ("--setenv", *one))),
        *("--setenv", "DEBIAN_FRONTEND", "noninteractive", "/bin/sh", "-c", value),
    )


def copy(stage: Stage, value: str, stages: dict[str, Stage]) -> None:
    """COPY, from this checkout or from another stage."""
    *sources, target = shlex.split(value)
    to = stage.root / str(Path(stage.folder) / target).lstrip("/")
    if sources[0].startswith("--from="):
        other = stages[sources.pop(0).removeprefix("--from=")].root
        for source in sources:
            to.mkdir(parents=True, exist_ok=True)
            run("cp", "-a", f"{other / source.lstrip('/')}/.", str(to))
        return
    for name in sorted(exclude_paths(str(ROOT), ignored())):
        source = ROOT / name
        if source.is_file() and any(one in (".", name) for one in sources):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name)


def ignored() -> list[str]:
    """The patterns of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [one.strip() for one in lines if one.strip() and not one.startswith("#")]


def pairs(value: str, known: dict[str, str]) -> dict[str, str]:
    """The pairs of ENV, LABEL and ARG, with what is known put in."""
    words = (one.partition("=") for one in shlex.split(value))
    return {name: Template(text).safe_substitute(known) for name, _, text in words}


def workdir(stage: Stage, value: str, _stages: dict[str, Stage]) -> None:
    """WORKDIR."""
    stage.folder = value
    (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)


def health(stage: Stage, value: str, _stages: dict[str, Stage]) -> None:
    """HEALTHCHECK."""
    stage.health = json.loads(value.partition("CMD")[2])


STEPS: dict[str, Callable[[Stage, str, dict[str, Stage]], object]] = {
    "RUN": run_step,
    "COPY": copy,
    "WORKDIR": workdir,
    "HEALTHCHECK": health,
    "EXPOSE": lambda *_: None,
    "ENV": lambda stage, value, _: stage.environment.update(pairs(value, stage.environment)),
    "ARG": lambda stage, value, _: stage.arguments.update(pairs(value, {})),
    "LABEL": lambda stage, value, _: stage.labels.update(pairs(value, stage.arguments)),
    "USER": lambda stage, value, _: setattr(stage, "user", value),
    "STOPSIGNAL": lambda stage, value, _: setattr(stage, "stop_signal", value),
    "CMD": lambda stage, value, _: setattr(stage, "command", json.loads(value)),
}


def run(*command: str) -> None:
    """A program, quiet unless it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        sys.exit(f"{shlex.join(command)[:600]}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


if __name__ == "__main__":
    main()
