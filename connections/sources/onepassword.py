"""1Password as a store, by a Connect server's API:
https://developer.1password.com/docs/connect/api-reference
"""

import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from providers.core.ends import ends_in, first_of

from .address import (
    CONNECT_SECONDS,
    LOOPBACK,
    READ_SECONDS,
    Address,
    away,
    denied,
    knock,
    not_signed_in,
    variable,
)
from .base import SourceError

SIGN_IN = gettext_lazy(
    "Give a token of the Connect server in OP_CONNECT_TOKEN or OP_CONNECT_TOKEN_FILE."
)
CURE = gettext_lazy("Give the token read access to the vault, see docs/references.md.")


class OnePasswordConnect:
    """One section is one item of the vault: `$OpenAI:ApiKey` is the field `ApiKey` of the item
    `OpenAI`.

    Option of the address: `ca`, a file with the server's authority.
    """

    depth: int | None = 1
    options = ("ca",)

    def __init__(self, address: Address) -> None:
        scheme = address.scheme.removeprefix("onepassword-connect+")
        self._vault, self._ca = address.path.strip("/"), address.options.get("ca")
        if not address.host or not self._vault or "/" in self._vault:
            raise ValueError("write onepassword-connect+https://host/vault")
        if scheme == "http" and address.host not in LOOPBACK:
            raise ValueError("onepassword-connect+http: is for loopback only")
        self._host = address.host
        self._port = address.port or (443 if scheme == "https" else 80)
        netloc = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"{scheme}://{netloc}:{self._port}/v1"
        self.name = f"1Password Connect at {netloc}:{self._port}/{self._vault}"
        self.cure = format_lazy(
            gettext_lazy("the field of the item of that section in {store}"), store=self.name
        )
        self._vault_id = ""

    def read(self, place: tuple[str, ...]) -> Any:
        token = variable("OP_CONNECT_TOKEN")
        if not token:
            raise not_signed_in(self.name, SIGN_IN)
        verify: Any = ssl.create_default_context(cafile=self._ca) if self._ca else True
        with httpx2.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            verify=verify,
        ) as client:
            if not self._vault_id:
                self._vault_id = self._found(client, "vaults", "name", self._vault)
            if not self._vault_id:
                raise denied(
                    self.name, format_lazy(gettext_lazy("the vault {name}"), name=self._vault), CURE
                )
            items = f"vaults/{quote(self._vault_id)}/items"
            item = self._found(client, items, "title", place[0])
            return _fields(self._answer(client, f"{items}/{quote(item)}")) if item else None

    @property
    def ends(self) -> dict[str, datetime]:
        """When its token ends, which says so itself (`exp`) where it was made with an end."""
        try:
            end = first_of(ends_in(variable("OP_CONNECT_TOKEN")))
        except SourceError:  # a file that cannot be read, which asking it tells
            end = None
        return {"token": end.at} if end and end.at else {}

    def reach(self) -> None:
        knock(self._host, self._port, self.name)

    def _found(self, client: httpx2.Client, path: str, field: str, name: str) -> str:
        """The id of what has this name, empty for nothing."""
        wanted = name.replace("\\", "").replace('"', "")
        question = quote(f'{field} eq "{wanted}"')
        rows = self._answer(client, f"{path}?filter={question}")
        return str(rows[0]["id"]) if rows else ""

    def _answer(self, client: httpx2.Client, path: str) -> Any:
        try:
            response = client.get(f"{self._url}/{path}")
            if response.status_code == 401:
                raise not_signed_in(self.name, SIGN_IN)
            if response.status_code == 403:
                raise denied(
                    self.name, format_lazy(gettext_lazy("the vault {name}"), name=self._vault), CURE
                )
            if response.status_code == 404:
                return None
            if response.status_code >= 400:
                raise away(
                    self.name,
                    format_lazy(gettext_lazy("it answered {code}"), code=response.status_code),
                )
            return response.json()
        except (httpx2.HTTPError, OSError) as error:
            raise away(self.name, type(error).__name__) from None
        except ValueError:
            raise SourceError(
                gettext_noop("%(name)s answered something else than JSON."), name=self.name
            ) from None


def _fields(item: Any) -> Mapping[str, Any] | None:
    """The fields of an item by label; those of a section of it as `section:label`."""
    if item is None:
        return None
    found: dict[str, Any] = {}
    for one in item.get("fields", ()):
        section, label = (one.get("section") or {}).get("label"), one.get("label") or one["id"]
        found[f"{section}:{label}" if section else label] = one.get("value")
        found.setdefault(label, one.get("value"))
    return found
