"""LiteLLM's proxy, to compare with: two workers, no database, nothing sent home.

`make bench-peers` installs it.
"""

import http.client
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .processes import Running, free_port

COMMAND = Path(".venv-peers/bin/litellm")
KEY = "sk-bench-of-litellm"  # it asks its callers for a key, as we do
START = 120  # seconds that it may take; 15 to 25 are usual
# PRODUCTION keeps it from reading an .env of a folder above it, which would be ours
# (litellm/__init__.py, load_dotenv).
ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
ENVIRONMENT |= {"LITELLM_LOCAL_BLOG_POSTS": "True", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True"}


@contextmanager
def litellm(upstreams: dict[str, int]) -> Iterator[Running | None]:
    """The proxy, ready, with models (name -> port of a stub); None when it is not installed.

    Raises RuntimeError when it does not start.
    """
    if not COMMAND.exists():
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(folder, port, upstreams),
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": folder} | ENVIRONMENT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait(port, process, log)
            yield Running(port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def command(folder: str, port: int, upstreams: dict[str, int]) -> list[str]:
    """The command that starts it, with a configuration written into `folder`."""
    stub = {"model": "openai/stub", "api_key": "sk-upstream"}
    models = [
        {
            "model_name": name,
            "litellm_params": stub | {"api_base": f"http://127.0.0.1:{upstream}/v1"},
        }
        for name, upstream in upstreams.items()
    ]
    configuration = {"model_list": models, "general_settings": {"master_key": KEY}}
    path = Path(folder) / "config.yaml"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    return [
        str(COMMAND.absolute()),
        "--config",
        str(path),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--num_workers",
        "2",
    ]


def wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers that it is ready."""
    last = time.monotonic() + START
    while time.monotonic() < last and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/readiness")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
    raise RuntimeError(f"LiteLLM did not start within {START} s:\n{log.read_text()[-3000:]}")
