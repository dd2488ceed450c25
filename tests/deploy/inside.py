"""Runs inside the image: makes a client of every provider and asks a service that is not there,
loads what each store of secrets needs, and prints what could not be done. See image.py.
"""

import asyncio
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
django.setup()

import boto3  # noqa: E402

from providers.core.errors import ProviderError  # noqa: E402
from tests.providers.samples import PROVIDERS, SHIPPED, sample  # noqa: E402

NOWHERE = "http://127.0.0.1:9"
AMAZON = ("bedrock", "bedrock-runtime", "secretsmanager", "ssm", "kms", "sts", "sso", "sso-oidc")
STORES = ("hvac", "azure.identity.aio", "azure.keyvault.secrets", "google.cloud.secretmanager")


def ask_providers() -> None:
    """Make the clients of each, and let each ask."""
    for one in (*PROVIDERS.values(), *SHIPPED.values()):
        made = sample(one, NOWHERE)
        try:
            for name in ("client", "async_client"):
                if hasattr(type(made), name):
                    asyncio.run(taken(made, name))
            made.check()
        except ProviderError as error:
            if error.code in ("not_installed", "error"):
                print(one.id, error.code, error.message)


async def taken(made: object, name: str) -> None:
    """The client, made where an event loop runs. Not every provider has one of each kind."""
    with suppress(NotImplementedError):
        getattr(made, name)


def load_others() -> None:
    """What is no provider's: Amazon's services, secret stores, notices."""
    for service in AMAZON:
        boto3.session.Session().client(service, region_name="eu-central-1")
    for store in STORES:
        importlib.import_module(store)
    import apprise

    if not apprise.Apprise().add("slack://TokenA/TokenB/TokenC/"):
        print("apprise knows no Slack")


def look_for_bytecode() -> None:
    """Of everything that is loaded by now."""
    for module in list(sys.modules.values()):
        file, cached = getattr(module, "__file__", None) or "", getattr(module, "__cached__", None)
        is_of_image = file.startswith("/opt/switchboard/") and file.endswith(".py")
        if is_of_image and not (cached and Path(cached).exists()):
            print("no bytecode:", file)


ask_providers()
load_others()
look_for_bytecode()
print("tried", len(PROVIDERS), len(SHIPPED))
