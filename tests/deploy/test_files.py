"""What the files of deploy/ say of Switchboard is true of it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CLUSTER = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
DOCKERFILE = (DEPLOY / "image" / "Dockerfile").read_text()
UNIT = (DEPLOY / "systemd" / "switchboard.service").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
PROXY = ("SWITCHBOARD_SITE", "SWITCHBOARD_UPSTREAM")
# what is no setting of Switchboard's: of Python, of the shell, and of other images
OTHERS = re.compile(r"PYTHON\w+|PATH|HOME|POSTGRES_\w+|" + "|".join(PROXY))


def parts(found: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document of YAML."""
    if isinstance(found, dict):
        yield found
    for one in found.values() if isinstance(found, dict) else found:
        if isinstance(one, dict | list):
            yield from parts(one)


def kinds() -> dict[str, dict[str, Any]]:
    """The objects for a cluster, by kind."""
    found = (yaml.safe_load(file.read_text()) for file in CLUSTER)
    return {one["kind"]: one for one in found}


def names() -> dict[str, set[str]]:
    """The variables that each file sets."""
    of_image = DOCKERFILE[DOCKERFILE.index("ENV ") : DOCKERFILE.index("EXPOSE")]
    of_cluster = set(kinds()["ConfigMap"]["data"])
    for one in parts([*kinds().values()]):
        of_cluster |= {variable["name"] for variable in one.get("env", [])}
    return {
        "Dockerfile": set(re.findall(r"^(?:ENV )?\s*([A-Z_]+)=", of_image, re.MULTILINE)),
        "unit": {
            name
            for line in re.findall(r"^#? ?Environment=(.*)$", UNIT, re.MULTILINE)
            for name in re.findall(r"(\w+)=", line)
        },
        "compose": {
            name
            for service in COMPOSE["services"].values()
            for name in service.get("environment", {})
        },
        "kubernetes": of_cluster,
    }


@pytest.mark.parametrize("file", ["Dockerfile", "unit", "compose", "kubernetes"])
def test_every_variable_is_a_setting(file: str):
    known = {*settings.ENVIRONMENT.variables, *settings.ENVIRONMENT.secret_files}
    known |= {"SWITCHBOARD_ADMIN_PASSWORD_FILE"}  # read by backoffice/serve.py
    found = names()[file]
    assert len(found) >= 5
    assert {one for one in found if one not in known and not OTHERS.fullmatch(one)} == set()


def test_every_room_goes_into_the_image():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    allowed = {one[1:] for one in (ROOT / ".dockerignore").read_text().split() if one[0] == "!"}
    # the Python client is for other machines
    assert set(contract["root_packages"]) - {"switchboard"} <= allowed
    assert [one for one in allowed if not (ROOT / one).exists()] == []


def test_a_stop_may_take_as_long_as_the_streams():
    longest = settings.GRACEFUL_TIMEOUT
    pod = kinds()["Deployment"]["spec"]["template"]["spec"]
    pause = int(kinds()["ConfigMap"]["data"]["DRAIN_SECONDS"])
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert stop and int(stop[1]) > longest
    assert int(COMPOSE["services"]["web"]["stop_grace_period"].rstrip("s")) > longest
    assert pod["terminationGracePeriodSeconds"] > longest + pause


def test_every_object_of_the_cluster_is_applied_but_the_example_of_secrets():
    listed = {*kinds()["Kustomization"]["resources"], "kustomization.yaml"}
    assert {file.name for file in CLUSTER} - listed == {"secret.example.yaml"}
    assert len(kinds()) == len(CLUSTER), "one of each kind"


def test_secrets_are_files_and_all_of_them_are_made():
    example = set(kinds()["Secret"]["stringData"])
    paths = [
        value
        for one in parts([*kinds().values()])
        for value in one.values()
        if isinstance(value, str) and value.startswith("/run/secrets/switchboard/")
    ]
    assert {Path(one).name for one in paths} == example
    script = (DEPLOY / "compose" / "make-secrets").read_text()
    assert set(re.findall(r"^make (\S+)", script, re.MULTILINE)) == set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", [*COMPOSE["services"]])
def test_every_service_of_compose_is_held_tight(name: str):
    service = COMPOSE["services"][name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_pods_keep_to_the_restricted_standard():
    for kind in ("Deployment", "Job"):
        pod = kinds()[kind]["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["containers"][0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_labels_that_select_pods_are_those_of_the_pods():
    pod = kinds()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert kinds()["Deployment"]["spec"]["selector"]["matchLabels"] == pod
    assert kinds()["Service"]["spec"]["selector"] == pod
    assert kinds()["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == pod
    assert pod["app.kubernetes.io/component"] in str(kinds()["NetworkPolicy"]["spec"])
