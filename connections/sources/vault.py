"""HashiCorp Vault and OpenBao as a store: the key-value engine, version 1 and 2, by hvac."""

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from providers.core.ends import moment
from providers.http.certificates import first_end

from .address import (
    CONNECT_SECONDS,
    LOOPBACK,
    READ_SECONDS,
    Address,
    away,
    denied,
    library,
    variable,
)
from .base import Dated, SourceError
from .vault_sign_in import SignIn, method_of, translated

SEALED, NOT_INITIALIZED = 503, 501
CURE = gettext_lazy("Its policy needs `read` on this path, see docs/references.md.")


class VaultStore:
    """One section is one secret below the path of the address: `$OpenAI:ApiKey` is the key `ApiKey`
    of the secret `OpenAI`.

    Options of the address: `namespace`, `ca`, `kv` (1 or 2), `auth`, `role`, `auth_path`.
    """

    depth: int | None = 1
    options = ("namespace", "ca", "kv", "auth", "role", "auth_path")

    def __init__(self, address: Address) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        host = f"{host}:{address.port or 8200}"
        self._url = f"{address.scheme.removeprefix('vault+')}://{host}"
        self._path, self._options = address.path.strip("/"), address.options
        if not self._path:
            raise ValueError(
                "write mount and path behind the host: vault+https://host:8200/secret/team"
            )
        if self._url.startswith("http:") and address.host not in LOOPBACK:
            raise ValueError("vault+http: is for loopback only. Write vault+https:")
        if address.options.get("kv", "2") not in ("1", "2"):
            raise ValueError("kv of vault+https: is 1 or 2")
        method_of({"auth": address.options.get("auth", "token")})
        self.name = f"Vault at {host}/{self._path}"
        self.cure = format_lazy(
            gettext_lazy("the key of the secret of that section in {store}"), store=self.name
        )
        self._lock = threading.Lock()
        self._sign_in: SignIn | None = None
        self._engine: tuple[str, str, str] | None = None  # mount, path below it, version

    def read(self, place: tuple[str, ...]) -> Any:
        what = format_lazy(gettext_lazy("the secret {name}"), name=place[0])
        try:
            return self._asked(
                lambda client: self._secret(client, place[0]), denied(self.name, what, CURE)
            )
        except library("hvac", "hvac").exceptions.InvalidPath:
            return None

    def _asked(self, ask: Callable[[Any], Any], refusal: SourceError) -> Any:
        """What `ask` gets from a client that is signed in; `refusal` where the policy forbids it.
        Raises InvalidPath as hvac does.
        """
        hvac = library("hvac", "hvac")
        with self._lock:
            sign_in = self._sign_in = self._sign_in or SignIn(
                self._client(), self._options, self.name
            )
        sign_in.begin()
        for _ in range(2):  # a token that has ended since is replaced once
            token = sign_in.client.token
            try:
                with translated(self.name):
                    return ask(sign_in.client)
            except hvac.exceptions.InvalidPath:
                raise
            except hvac.exceptions.VaultError:
                if sign_in.is_valid():
                    break
            sign_in.replace(token)
        raise refusal

    def reach(self) -> None:
        with translated(self.name):
            status = self._client().sys.read_health_status(method="HEAD").status_code
        if status in (SEALED, NOT_INITIALIZED):
            raise away(
                self.name,
                gettext_lazy("it is sealed")
                if status == SEALED
                else gettext_lazy("it has no keys yet"),
            )

    @property
    def ends(self) -> dict[str, datetime]:
        """When its token ends for good, and the authority that it is judged by, as far as this
        worker knows.
        """
        found = {"token": self._sign_in.ends_at if self._sign_in else None}
        if ca := self._options.get("ca") or variable("VAULT_CACERT", "BAO_CACERT"):
            with suppress(OSError, UnicodeDecodeError):  # which asking it tells
                found["certificate authority"] = first_end(Path(ca).read_text("ascii"))
        return {name: end for name, end in found.items() if end}

    def _client(self) -> Any:
        """Raises SourceError for an authority that cannot be read, which requests tells by path."""
        ca = self._options.get("ca") or variable("VAULT_CACERT", "BAO_CACERT")
        try:
            if ca:
                ssl.create_default_context(cafile=ca)
        except OSError:  # SSLError is one
            text = gettext_noop(
                "%(name)s is not asked: the file of VAULT_CACERT holds no certificates, or cannot "
                "be read. Give the authority in PEM."
            )
            raise SourceError(text, name=self.name) from None
        namespace = self._options.get("namespace") or variable("VAULT_NAMESPACE", "BAO_NAMESPACE")
        return library("hvac", "hvac").Client(
            self._url,
            token="",  # not the one that the library finds by itself
            namespace=namespace or None,
            verify=ca or True,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,  # the token would go along
        )

    def _secret(self, client: Any, section: str) -> Any:
        """The keys and values of a secret. Raises what hvac raises."""
        mount, below, version = self._engine = self._engine or self._found_engine(client)
        path = f"{below}/{section}".strip("/")
        if version == "1":
            return client.secrets.kv.v1.read_secret(path, mount_point=mount)["data"]
        answer = client.secrets.kv.v2.read_secret_version(
            path, mount_point=mount, raise_on_deleted_version=True
        )
        # of a mount or secret with delete_version_after
        ends_at = moment(answer["data"]["metadata"].get("deletion_time"))
        return Dated(answer["data"]["data"], ends_at)

    def _found_engine(self, client: Any) -> tuple[str, str, str]:
        """The mount of the engine, what of the path is below it, and its version, asked for as the
        command `vault kv` does.
        """
        if version := self._options.get("kv"):
            mount, _, below = self._path.partition("/")
            return mount, below, version
        found = client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._path}")["data"]
        mount = found["path"].strip("/")
        version = (found.get("options") or {}).get("version", "1")
        return mount, self._path.removeprefix(mount).strip("/"), str(version)
