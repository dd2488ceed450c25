"""The files of deploy/ by the programs that know their languages: hadolint, Compose itself,
Kubernetes' schemas, systemd-analyze. `make test-deploy`.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.documents.blocks import Block, blocks_of

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


def assert_known(file: Path) -> None:
    done = run(PROGRAMS / "kubernetes-validate", "--strict", "--kubernetes-version", "1.37", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", OBJECTS, ids=lambda file: file.stem)
def test_the_schemas_of_kubernetes_know_every_field(file: Path):
    assert_known(file)


def block_with(page: str, words: str) -> Block:
    """The one block of a document that has these words."""
    (found,) = [one for one in blocks_of(page) if words in one.text]
    return found


def test_compose_takes_the_recipe_of_the_documents(tmp_path: Path):
    recipe = yaml.safe_load(block_with("docs/references.md", "OpenAI__ApiKey: {file").text)
    recipe["services"]["switchboard"]["image"] = "switchboard"  # of the file that it is added to
    file = tmp_path / "compose.yml"
    file.write_text(yaml.safe_dump(recipe))
    done = run(PROGRAMS / "docker-compose", "--file", file, "config")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "words"),
    [("docs/references.md", "volumeMounts"), ("docs/workload-identity.md", "serviceAccountToken")],
)
def test_kubernetes_knows_every_field_of_the_documents(tmp_path: Path, page: str, words: str):
    for number, part in enumerate(yaml.safe_load_all(block_with(page, words).text)):
        container = {"name": "switchboard", "image": "switchboard"}
        spec = {"containers": [container], **part}
        for field in ("env", "volumeMounts"):
            if field in spec:
                container[field] = spec.pop(field)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(pod))
        assert_known(file)


def test_systemd_understands_the_unit_with_the_credential_of_the_documents(tmp_path: Path):
    added = block_with("docs/references.md", "LoadCredentialEncrypted").text
    unit = tmp_path / "switchboard.service"
    unit.write_text(f"{added}ExecStart=/bin/true\n")
    done = run("systemd-analyze", "verify", "--man=no", unit)
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])


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
