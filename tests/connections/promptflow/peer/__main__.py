"""`make test-promptflow`: promptflow-core reads its connections from our server and runs a flow
with them.

Not among the tests of `make test`: promptflow has a venv of its own, which `make bench-peers`
makes.
"""

import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.connections.api.serving import ROOT, Server, environment, running

PYTHON = ROOT / ".venv-peers-promptflow" / "bin" / "python"
SECRET = "sk-promptflow-7f3a9c51d2"
URL = "https://example.com"
KEY = {"api_key": SECRET}
# name -> provider, settings, promptflow's class. All types that promptflow-core builds without
# promptflow-vectordb.
ROWS: dict[str, tuple[str, dict[str, Any], str]] = {
    "our-service": (
        "custom",
        {"configs": {"region": "eu"}, "secrets": {"pass": SECRET}},
        "CustomConnection",
    ),
    "Team A/OpenAI ä": ("openai", KEY, "OpenAIConnection"),
    "which one?": ("azure-openai", {**KEY, "endpoint": URL}, "AzureOpenAIConnection"),
    "by entra": (
        "azure-openai",
        {"endpoint": URL, "auth_mode": "meid_token"},
        "AzureOpenAIConnection",
    ),
    "services": ("azure-ai-services", {**KEY, "endpoint": URL}, "AzureAIServicesConnection"),
    "search": ("azure-ai-search", {**KEY, "endpoint": URL}, "CognitiveSearchConnection"),
    "safety": ("azure-content-safety", {**KEY, "endpoint": URL}, "AzureContentSafetyConnection"),
    "forms": ("azure-document-intelligence", {**KEY, "endpoint": URL}, "FormRecognizerConnection"),
    "serp": ("serpapi", KEY, "SerpConnection"),
    "serverless": ("serverless", {**KEY, "endpoint": URL}, "ServerlessConnection"),
    "strong": (
        "custom",
        {"secrets": {"pass": SECRET}, "custom_type": "Mine", "module": "my.module"},
        "CustomConnection",
    ),
    "unknown there": ("mistral", KEY, "CustomConnection"),
}
PREPARE = f"""
from django.contrib.auth.models import User
from django.core.management import call_command
from connections import services
call_command("migrate", verbosity=0)
user = User.objects.create_superuser("admin")
rows = [
    services.create_connection(kind, actor=user, name=name, settings=settings).row
    for name, (kind, settings, _) in {ROWS!r}.items()
]
print(services.create_reveal_token(
    "flow", user=user, actor=user, connections=[row.alias for row in rows], networks=["127.0.0.1"]
)[1])
"""


def main() -> None:
    """Prints what was seen; ends with 1 at the first thing that is wrong."""
    if not PYTHON.exists():
        sys.exit(
            "promptflow is not installed. make bench-peers installs it into .venv-peers-promptflow."
        )
    with tempfile.TemporaryDirectory() as folder:
        variables = environment(f"sqlite:///{Path(folder) / 'flow.sqlite3'}")
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", PREPARE]
        token = subprocess.run(
            command, cwd=ROOT, env=variables, check=True, capture_output=True, text=True
        ).stdout.strip()
        with running(variables, Path(folder) / "log", "--graceful-timeout=1") as server:
            found = ask(server, token, folder)
        judge(found, token, server.log.read_text())
    print(
        f"promptflow-core's {found['provider']} listed {len(found['listed'])} connections and got "
        f"{len(found['got'])} by name."
    )
    print(
        f"A get took {found['milliseconds'][len(found['milliseconds']) // 2]} ms (median), the "
        f"slowest {found['milliseconds'][-1]} ms."
    )
    print(
        "The flow ran with connections from here: loaded as a function, by the executor, and "
        "served."
    )


def ask(server: Server, token: str, home: str) -> dict[str, Any]:
    """What promptflow sees of the server, in a process of its own that keeps its files in
    `home`.
    """
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "PF_HOME_DIRECTORY": home,
        "PF_DISABLE_TRACING": "true",
    }
    variables |= {"PF_HTTP_CONNECTION_PROVIDER_ENDPOINT": f"{server.url}/promptflow/{token}"}
    script = Path(__file__).parent / "peer.py"
    done = subprocess.run(
        [PYTHON, script, *ROWS],
        env=variables,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"promptflow failed:\n{done.stderr[-3000:]}\nThe server "
            f"wrote:\n{server.log.read_text()[-2000:]}"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])  # type: ignore[no-any-return]


def judge(found: dict[str, Any], token: str, log: str) -> None:
    """Every class, every secret, every run; and a log without them."""
    assert found["provider"] == "HttpConnectionProvider"
    assert {name: one["class"] for name, one in found["got"].items()} == {
        name: row[2] for name, row in ROWS.items()
    }
    assert {one["name"]: one for one in found["listed"]} == found["got"]
    assert {
        name for name, one in found["got"].items() if SECRET not in one["secrets"].values()
    } == {"by entra"}
    digest = sha256(SECRET.encode()).hexdigest()
    assert found["answers"] == [
        f"{how} eu {digest} {digest}" for how in ("loaded", "executed", "served")
    ]
    assert (
        token not in log and SECRET not in log and "/promptflow/***/connections/our-service" in log
    )


if __name__ == "__main__":
    main()
