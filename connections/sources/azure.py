"""Azure Key Vault as a store, by its official client and DefaultAzureCredential."""

import os
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from providers.http.certificates import first_end

from .address import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Address,
    away,
    denied,
    knock,
    library,
    not_signed_in,
)
from .base import Dated, SourceError

SUFFIX = "vault.azure.net"
SIGN_IN = gettext_lazy(
    "Check the credentials of Azure: a managed identity, or AZURE_CLIENT_ID and its fellows."
)
CURE = gettext_lazy("It needs the role Key Vault Secrets User, see docs/references.md.")


class AzureKeyVault:
    """One value per name, as .NET writes them: `$OpenAI:ApiKey` is the secret `OpenAI--ApiKey`.

    The host of the address is the vault's name, or its whole name in another cloud.
    """

    depth: int | None = None
    options: tuple[str, ...] = ()

    def __init__(self, address: Address) -> None:
        if not address.host or address.path.strip("/"):
            raise ValueError("write azure-keyvault://name-of-the-vault")
        host = address.host if "." in address.host else f"{address.host}.{SUFFIX}"
        self._host, self._port = host, address.port or 443
        self.name = f"Azure Key Vault {address.host}"
        self.cure = format_lazy(
            gettext_lazy("the secret, with -- for :, in {store}"), store=self.name
        )

    def read(self, place: tuple[str, ...]) -> Any:
        name = "--".join(place)
        faults = library("azure.core.exceptions", "azure-keyvault-secrets")
        try:
            found = self._client.get_secret(name)
            return Dated(found.value, found.properties.expires_on)
        except faults.ResourceNotFoundError:
            return None
        except faults.ClientAuthenticationError:
            raise not_signed_in(self.name, SIGN_IN) from None
        except faults.HttpResponseError as error:
            if error.status_code == 403:
                raise denied(
                    self.name, format_lazy(gettext_lazy("the secret {name}"), name=name), CURE
                ) from None
            if error.status_code == 401:
                raise not_signed_in(self.name, SIGN_IN) from None
            if error.status_code == 400:  # a name that no secret can have
                return None
            raise away(
                self.name, format_lazy(gettext_lazy("it answered {code}"), code=error.status_code)
            ) from None
        except faults.AzureError as error:
            raise away(self.name, type(error).__name__) from None

    @property
    def ends(self) -> dict[str, datetime]:
        """When the certificate ends with which it signs in, where that is a file in PEM."""
        path = os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH", "")
        try:
            end = first_end(Path(path).read_text("ascii")) if path else None
        except (OSError, UnicodeDecodeError):  # PKCS #12, or one that asking it tells
            end = None
        return {"client certificate": end} if end else {}

    def reach(self) -> None:
        knock(self._host, self._port, self.name)

    @cached_property
    def _client(self) -> Any:
        secrets = library("azure.keyvault.secrets", "azure-keyvault-secrets")
        return secrets.SecretClient(
            f"https://{self._host}:{self._port}",
            self._credential(),
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=0,
            permit_redirects=False,  # the question would be asked elsewhere
        )

    def _credential(self) -> Any:
        identity = library("azure.identity", "azure-identity")
        try:
            return identity.DefaultAzureCredential(exclude_interactive_browser_credential=True)
        except ValueError:
            raise SourceError(
                gettext_noop("The credentials for %(name)s do not fit together."), name=self.name
            ) from None
