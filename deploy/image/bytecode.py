"""Keeps bytecode of all that a server ever loads: an image is read-only, and without it each start
and each first call of an SDK would compile for seconds.

Of all packages it would be half as much again as the packages themselves. So everything of ours is
imported, and every SDK; what is loaded then is compiled. It is not compared with its source at a
start: neither changes in an image.
"""

import base64
import importlib
import os
import pkgutil
import py_compile
import sys
from pathlib import Path

import django

ROOMS = ("backoffice", "gateway", "connections", "providers")
SDKS = (
    *("openai", "anthropic", "google.genai", "google.auth.transport.requests", "apprise"),
    *("boto3.session", "botocore.httpsession", "botocore.signers", "botocore.waiter"),
    *("azure.identity.aio", "azure.keyvault.secrets", "azure.core.pipeline.transport"),
    *("openai.resources.models", "openai.resources.chat", "openai.resources.embeddings"),
    *("google.auth.aio.credentials", "opentelemetry.propagate"),
    *("google.cloud.secretmanager", "hvac", "genai_prices", "gunicorn.app.wsgiapp"),
)


def main() -> None:
    """Import, then compile."""
    for name in ("SECRET_KEY", "FERNET_KEYS"):  # for this process only
        os.environ[name] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    django.setup()
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            importlib.import_module(module.name)
    for sdk in SDKS:
        importlib.import_module(sdk)
    importlib.import_module("apprise").Apprise().add("json://localhost")  # loads what it knows
    sources = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    here = Path.cwd()
    for source in sorted(one for one in sources if one and one.endswith(".py")):
        if Path(source).is_relative_to(here):
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(source, doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    main()
