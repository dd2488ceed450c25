"""schemathesis asks the API everything its document allows and much that it does not.

Bounded here, in full by `make fuzz`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fuzz import CONFIG, run
from .serving import Served, serving

# What stays to `make fuzz`: bodies with hundreds or thousands of boundaries, and what has the same
# parameters or body as another operation. The random cases ask all of them.
MANY_BOUNDARIES = (
    "createConnection",
    "updateConnection",
    "patchConnection",
    "testConnectionSettings",
    "createProfile",
    "updateProfile",
    "patchProfile",
    "completeChat",
    "completeChatByProfile",
    "streamChat",
    "streamChatByProfile",
    "createNoticeTarget",
    "patchNoticeTarget",
    "patchTrustedIssuer",
    "patchIssuerRule",
    "patchServiceAccount",
    "replaceConnectionKey",
)
SAME_SCHEMA = (
    "changeProfileAlias",
    "deleteProfile",
    "deleteProfileFormerAlias",
    "duplicateProfile",
    "getAllProfiles",
    "getProfileByIdOrAlias",
    "getProfileFormerAliases",
    "getConnectionUsages",
    "getModels",
    "profileAliasExists",
    "generateEmbeddingsByProfile",
    "getUsageByConnection",
    "getUsageByModel",
    "getUsageByProfile",
    "getUsageByProvider",
    "getUsageByUser",
    "getUsageSummary",
    "getUsageTimeSeries",
    "deleteNoticeTarget",
    "testNoticeTarget",
    "renewNoticeTargetSecret",
    "getAllNoticeTargets",
    "getAllServiceAccounts",
    "getAllTeams",
    "getAllTokens",
    "getAllTrustedIssuers",
    "moveProfileToTeam",
    "shareProfile",
    "unshareProfile",
    "getProfileShares",
    "compareProfileVersions",
    "getProfileVersion",
    "getProfileVersions",
    "patchProfileVersion",
    "restoreProfileVersion",
)

WITHOUT_BOUNDARIES = """
[[operations]]
include-operation-id = {}
phases.coverage.enabled = false
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("fuzz")) as served:
        yield served


def cases(report: str) -> int:
    """How many cases a report tells of."""
    return int(re.findall(r"(\d+) generated", report)[0])


def test_examples_boundaries_and_random_cases_pass_every_check(served: Served, tmp_path: Path):
    """One run of the program: it takes as long to start as for a thousand cases."""
    names = [*MANY_BOUNDARIES, *SAME_SCHEMA]
    paths = served.ask("GET", "/schema?format=json")["paths"].values()
    assert {*names} <= {one["operationId"] for path in paths for one in path.values()}
    bounded = tmp_path / "schemathesis.toml"
    bounded.write_text(CONFIG.read_text() + WITHOUT_BOUNDARIES.format(json.dumps(names)))
    phases = "--phases=examples,coverage,fuzzing,stateful"
    done = run(served, phases, "--max-examples=1", config=bounded)
    assert done.returncode == 0, done.stdout
    assert cases(done.stdout) > 2000
