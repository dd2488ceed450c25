"""schemathesis asks the API everything its document allows and much that it does not.

Bounded here, in full by `make fuzz`.
"""

import re
from collections.abc import Iterator

import pytest

from .fuzz import run
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
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("fuzz")) as served:
        yield served


def cases(report: str) -> int:
    """How many cases a report tells of."""
    return int(re.findall(r"(\d+) generated", report)[0])


def test_examples_and_random_cases_pass_every_check(served: Served):
    done = run(served, "--phases=examples,fuzzing,stateful", "--max-examples=1")
    assert done.returncode == 0, done.stdout
    assert cases(done.stdout) > 300


def test_boundaries_pass_every_check(served: Served):
    done = run(
        served,
        "--phases=coverage",
        *(f"--exclude-operation-id={one}" for one in MANY_BOUNDARIES + SAME_SCHEMA),
    )
    assert done.returncode == 0, done.stdout
    assert cases(done.stdout) > 1000
    asked, there = re.findall(r"Selected: (\d+)/(\d+)", done.stdout)[0]
    assert int(there) - int(asked) == len(MANY_BOUNDARIES + SAME_SCHEMA), "A name is wrong."
