"""CONNECTIONS_SOURCES: the addresses of sources, each made into its source."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .address import Address, read_address
from .aws import AwsParameters, AwsSecretsManager
from .azure import AzureKeyVault
from .base import Source, SourceError
from .directory import DirectorySource
from .environment import EnvironmentSource
from .file import FileSource
from .google import GoogleSecretManager
from .kept import KeptStore
from .onepassword import OnePasswordConnect
from .settings import MappingSource
from .sops import SopsFile
from .vault import VaultStore

STORES: dict[str, Callable[[Address], Any]] = {
    "vault+https": VaultStore,
    "vault+http": VaultStore,
    "aws-secretsmanager": AwsSecretsManager,
    "aws-parameters": AwsParameters,
    "azure-keyvault": AzureKeyVault,
    "google-secretmanager": GoogleSecretManager,
    "onepassword-connect+https": OnePasswordConnect,
    "onepassword-connect+http": OnePasswordConnect,
    "sops": SopsFile,
}
LOCAL = ("environment", "directory", "file", "settings")


def make_sources(addresses: Sequence[str], config: Mapping[str, Any], stale: float) -> list[Source]:
    """The source of each address, in order. Nothing is asked yet.

    `config`: what `settings:` holds; `stale`: see KeptStore. Raises ValueError with a sentence.
    """
    if len(set(addresses)) < len(addresses):
        raise ValueError("an address is there twice. Take one away.")
    try:
        return [_source(read_address(one), config, stale) for one in addresses]
    except SourceError as error:
        raise ValueError(str(error)) from None
    except ValueError as error:
        raise ValueError(f"{error}.") from None


def _source(address: Address, config: Mapping[str, Any], stale: float) -> Source:
    scheme = address.scheme
    if scheme in STORES:
        make = STORES[scheme]
        known: tuple[str, ...] = getattr(make, "options", ())
        if unknown := next((one for one in address.options if one not in known), None):
            raise ValueError(f"{scheme}: has no option {unknown[:40]}")
        return KeptStore(make(address), stale)
    if scheme not in LOCAL:
        raise ValueError(f"{scheme[:40]}: is none of {', '.join([*LOCAL, *STORES])}")
    if scheme in ("environment", "settings") and (address.host or address.path or address.options):
        raise ValueError(f"{scheme}: has nothing behind it. Commas go between addresses")
    if scheme == "environment":
        return EnvironmentSource()
    if scheme == "settings":
        return MappingSource(config)
    if address.host or len(address.path) < 2:
        raise ValueError(f"write {scheme}:///path with three slashes")
    path, setting = address.path, f"{scheme}://{address.path}"
    if scheme == "directory":
        return DirectorySource(path, f"the directory {path}", setting)
    return FileSource(path, f"the file {path}", setting)
