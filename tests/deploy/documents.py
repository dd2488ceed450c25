"""The files of deploy/ by the programs that know their languages: hadolint, Compose itself,
Kubernetes' schemas, systemd-analyze. `make test-deploy`.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAMS = ROOT / ".venv-deploy" / "bin"
UNIT = DEPLOY / "systemd" / "switchboard.service"
# kustomization.yaml has no schema among Kubernetes' own; tests/deploy/test_files.py looks at it
OBJECTS = [one for one in (DEPLOY / "kubernetes").glob("*.yaml") if one.stem != "kustomization"]
EXPOSURE = 1.2  # of 10, as systemd-analyze judges: the lower, the tighter


def run(*command: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(one) for one in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", **environment},
    )


def test_hadolint_finds_nothing_in_the_dockerfile():
    # DL3005, DL3008: a base image is upgraded and its packages are the newest there are, or a
    # rebuild would bring no security updates
    done = run(
        *(PROGRAMS / "hadolint", "--ignore", "DL3005", "--ignore", "DL3008"),
        DEPLOY / "image" / "Dockerfile",
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_reads_its_file_and_finds_every_secret(tmp_path: Path):
    folder = tmp_path / "deploy" / "compose"
    folder.mkdir(parents=True)
    for name in ("compose.yml", "make-secrets"):
        (folder / name).write_text((DEPLOY / "compose" / name).read_text())
    assert run("sh", folder / "make-secrets").returncode == 0
    first = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    assert run("sh", folder / "make-secrets").stdout == "", "nothing is made twice"
    compose = (PROGRAMS / "docker-compose", "--file", folder / "compose.yml", "config")
    done = run(*compose, SWITCHBOARD_HOST="switchboard.example.com")
    assert done.returncode == 0, done.stderr
    named = re.findall(r"file: \S+/secrets/(\S+)", done.stdout)
    assert set(named) == set(first) and first["database-password"].strip() in first["database-url"]
    assert "SWITCHBOARD_HOST" in run(*compose).stderr, "a name that is not set is asked for"


@pytest.mark.parametrize("file", OBJECTS, ids=lambda file: file.stem)
def test_the_schemas_of_kubernetes_know_every_field(file: Path):
    done = run(PROGRAMS / "kubernetes-validate", "--strict", "--kubernetes-version", "1.37", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_systemd_understands_the_unit(tmp_path: Path):
    # its program and folder are not on this machine: the unit of the test names some that are
    text = UNIT.read_text().replace("/opt/switchboard/.venv/bin/python", "/bin/true")
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/switchboard", "/"))
    done = run("systemd-analyze", "verify", "--man=no", copy)
    told = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, told) == (0, [])


def test_the_unit_is_exposed_as_little_as_it_says():
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found and float(found[1]) <= EXPOSURE
