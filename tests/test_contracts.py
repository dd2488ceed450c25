"""The contracts of pyproject.toml hold: each refuses what is planted against it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("backoffice", "gateway", "connections", "providers", "switchboard")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# An import against each contract: in which module, and what it imports.
PLANTED = {
    "Imports go down": ("connections/conf.py", "gateway.models"),
    "Providers know no Django": ("providers/core/schema.py", "django"),
    "The Python client stands alone": ("switchboard/errors.py", "providers.core.errors"),
    "What providers share": ("providers/core/errors.py", "providers.vendors.messages"),
    "Inside connections": ("connections/selectors.py", "connections.views.base"),
    "Inside the sources of references": ("connections/sources/base.py", "connections.sources.file"),
    "Inside a room of connections": (
        "connections/packages/format/plan.py",
        "connections.packages.services",
    ),
    "Inside telemetry": (
        "connections/telemetry/shared.py",
        "connections.telemetry.metrics",
    ),
    "Inside the audit": ("connections/audit/words.py", "connections.audit.recording"),
    "The door of the audit": ("gateway/core/errors.py", "connections.audit.recording"),
    "The door of connections": ("gateway/core/errors.py", "connections.services.base"),
    "The door of packages": ("backoffice/health.py", "connections.packages.services.run"),
    "The door of types": (
        "connections/packages/services/run.py",
        "connections.types.services.rows",
    ),
    "The door of promptflow": ("backoffice/views.py", "connections.promptflow.services.apply"),
    "The door of the schedule": ("backoffice/views.py", "connections.schedule.services.lease"),
    "The door of replacements": (
        "backoffice/views.py",
        "connections.replacement.services.watch",
    ),
    "The door of workload identity": (
        "backoffice/views.py",
        "connections.workloads.services.keys",
    ),
    "The door of versions": ("backoffice/views.py", "connections.history.services.deleted"),
    "Inside the gateway": ("gateway/core/requests.py", "gateway.routing.fallback"),
    "Inside usage": ("gateway/usage/totals.py", "gateway.usage.views"),
    "Inside Umbraco.AI's contract": ("gateway/umbraco/names.py", "gateway.umbraco.urls"),
    "Inside attention": ("gateway/attention/hits.py", "gateway.attention.views"),
    "Inside notices": ("gateway/notices/forms.py", "gateway.notices.views"),
    "Inside the services of notices": (
        "gateway/notices/services/rules.py",
        "gateway.notices.services.outbox",
    ),
    "The door of notices": ("gateway/api/urls.py", "gateway.notices.services.rules"),
    "Inside finding": ("backoffice/finding/hits.py", "backoffice.finding.views"),
    "Inside the documents": ("backoffice/documents/files.py", "backoffice.documents.views"),
    "Inside the pages of the audit": ("backoffice/audit/naming.py", "backoffice.audit.views"),
    "Inside backups": ("backoffice/backup/manifest.py", "backoffice.backup.keys"),
    "The door of backups": ("backoffice/health.py", "backoffice.backup.restoring"),
    "Inside people": ("backoffice/people/models.py", "backoffice.people.services"),
    "Inside sign-in": (
        "backoffice/people/signin/limits.py",
        "backoffice.people.signin.views",
    ),
    "Inside identity providers": (
        "backoffice/people/oidc/claims.py",
        "backoffice.people.oidc.services",
    ),
    "Inside the project": ("backoffice/logs.py", "backoffice.views"),
}
# What the sentences of the house name, beyond one import for each contract.
ALSO_REFUSED = {
    "a surface imports another surface": ("connections/views/tokens.py", "connections.api.base"),
    "a room imports a stranger": (
        "connections/promptflow/services/values.py",
        "connections.packages.services",
    ),
    "the core imports a room": ("connections/services/profiles.py", "connections.types.services"),
    "the gateway's page imports its API": ("gateway/playground/forms.py", "gateway.api.chat"),
}
# A folder for which each module must have a place.
EXHAUSTIVE = (
    "connections/audit",
    "connections",
    "connections/sources",
    "connections/packages",
    "connections/types",
    "connections/promptflow",
    "connections/schedule",
    "connections/replacement",
    "connections/workloads",
    "connections/history",
    "connections/telemetry",
    "gateway",
    "gateway/umbraco",
    "gateway/usage",
    "gateway/notices",
    "backoffice/audit",
    "backoffice/backup",
    "backoffice/documents",
    "backoffice",
)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy in which everything above is planted at once."""
    copy = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", copy)
    for file, module in [*PLANTED.values(), *ALSO_REFUSED.values()]:
        with (copy / file).open("a") as text:
            text.write(f"\nimport {module}\n")
    for folder in EXHAUSTIVE:
        (copy / folder / "nobody_placed_this.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stdout


def name_of(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize("contract", PLANTED)
def test_a_contract_refuses_what_breaks_it(said: str, contract: str):
    assert re.search(rf"^{contract}.*?BROKEN", said, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("file", "module"),
    [*PLANTED.values(), *ALSO_REFUSED.values()],
    ids=[*PLANTED, *ALSO_REFUSED],
)
def test_the_import_is_named(said: str, file: str, module: str):
    words = " ".join(said.split())
    assert re.search(rf"{re.escape(name_of(file))} -> {re.escape(module)}\b", words)


@pytest.mark.parametrize("folder", EXHAUSTIVE)
def test_a_module_that_nobody_placed_is_named(said: str, folder: str):
    assert f"{name_of(folder)}.nobody_placed_this" in said


def test_every_contract_is_tested():
    names = re.findall(r'^name = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    contracts = [name for name in names if name != "switchboard"]
    assert [name for name in contracts if not name.startswith(tuple(PLANTED))] == []
