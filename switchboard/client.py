"""The clients: `Client` and `AsyncClient`, with the same methods."""

import builtins
from types import TracebackType
from typing import Literal, Self, overload

from . import calls
from .connection import Connection
from .replacements import AsyncReplacements, Replacements
from .results import CheckResult, Profile
from .retries import RETRIES
from .tokens import AsyncServiceAccounts, AsyncTokens, ServiceAccounts, Tokens
from .transport import Address, AsyncTransport, TokenOrFunction, Transport, Verify

TIMEOUT = 30.0


class Connections:
    """Connections by their names.

    A name is an alias or id, else exactly the name, as promptflow has it.
    """

    def __init__(self, transport: Transport) -> None:
        self._run = transport.run

    def create_or_update(self, connection: Connection) -> Connection:
        """Saves it under its name and answers what is stored now.

        Of an object that came from the server, and of one that was saved before, a change of
        somebody else's is not overwritten: StaleError. Raises ConnectionNameNotSetError,
        InvalidError, ConflictError when that name is of another type.
        """
        return self._run(calls.create_or_update(connection))

    def create(self, connection: Connection) -> Connection:
        """Saves a new one.

        Raises ConflictError when there is one of this name, and as `create_or_update`.
        """
        return self._run(calls.create(connection))

    def update(self, connection: Connection) -> Connection:
        """Saves one that exists; an object of the server's with another name is renamed.

        Raises ConnectionNotFoundError too.
        """
        return self._run(calls.update(connection))

    @overload
    def get(self, name: str, raise_error: Literal[True] = True) -> Connection: ...

    @overload
    def get(self, name: str, raise_error: bool) -> Connection | None: ...

    def get(self, name: str, raise_error: bool = True) -> Connection | None:
        """One connection, its secrets as `******`.

        Missing: ConnectionNotFoundError, or None without `raise_error`.
        """
        return self._run(calls.get(name, raise_error))

    def list(
        self, max_results: int | None = 50, all_results: bool = False
    ) -> builtins.list[Connection]:
        """The oldest first. `max_results`: None or a negative number for all, 0 for none."""
        return self._run(calls.list_connections(calls.limit(max_results, all_results)))

    def delete(self, name: str, raise_error: bool = False) -> None:
        """Deletes it; one that is missing is fine unless `raise_error`.

        Raises ConflictError while profiles need it.
        """
        self._run(calls.delete(name, raise_error))

    def test(self, connection: str | Connection) -> CheckResult:
        """Asks the service, unbilled: with what is stored under this name, or with what the object
        holds, saved or not.
        """
        return self._run(calls.test(connection))

    def set_active(self, name: str, is_active: bool) -> Connection:
        """Switches it on or off, for everybody at once."""
        return self._run(calls.set_active(name, is_active))


class Profiles:
    """Profiles, to read."""

    def __init__(self, transport: Transport) -> None:
        self._run = transport.run

    def list(
        self, max_results: int | None = 50, all_results: bool = False
    ) -> builtins.list[Profile]:
        """By name, without their settings. `max_results`: as for connections."""
        return self._run(calls.list_profiles(calls.limit(max_results, all_results)))

    @overload
    def get(self, id_or_alias: str, raise_error: Literal[True] = True) -> Profile: ...

    @overload
    def get(self, id_or_alias: str, raise_error: bool) -> Profile | None: ...

    def get(self, id_or_alias: str, raise_error: bool = True) -> Profile | None:
        """One profile. Missing: ProfileNotFoundError, or None without `raise_error`."""
        return self._run(calls.get_profile(id_or_alias, raise_error))


class Client:
    """A Switchboard at `url`, asked with a token (`sb_...`).

    `token` may be a function that returns one, asked for each request: access tokens of a trusted
    issuer are soon replaced.

    `timeout`: seconds for one request; `verify`: False, or the file of an authority, where its
    certificate is not trusted by itself; `retries`: how often a request is sent again that was
    refused until a time (429 and 503 with Retry-After, at most 30 seconds), or lost on a closed
    connection before it can have been carried out. Raises ValueError for an argument that cannot be
    one.
    """

    def __init__(
        self,
        url: str,
        token: TokenOrFunction,
        *,
        timeout: float = TIMEOUT,
        verify: Verify = True,
        retries: int = RETRIES,
    ) -> None:
        self._address = Address(url, token)
        self._transport = Transport(self._address, timeout, verify, retries)
        self.connections, self.profiles = Connections(self._transport), Profiles(self._transport)
        self.replacements, self.tokens = Replacements(self._transport), Tokens(self._transport)
        self.service_accounts = ServiceAccounts(self._transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address.url!r})"

    def close(self) -> None:
        """Closes its network connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.refuse_closed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncConnections:
    """As Connections, asynchronous."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._run = transport.run

    async def create_or_update(self, connection: Connection) -> Connection:
        """As Connections.create_or_update."""
        return await self._run(calls.create_or_update(connection))

    async def create(self, connection: Connection) -> Connection:
        """As Connections.create."""
        return await self._run(calls.create(connection))

    async def update(self, connection: Connection) -> Connection:
        """As Connections.update."""
        return await self._run(calls.update(connection))

    @overload
    async def get(self, name: str, raise_error: Literal[True] = True) -> Connection: ...

    @overload
    async def get(self, name: str, raise_error: bool) -> Connection | None: ...

    async def get(self, name: str, raise_error: bool = True) -> Connection | None:
        """As Connections.get."""
        return await self._run(calls.get(name, raise_error))

    async def list(
        self, max_results: int | None = 50, all_results: bool = False
    ) -> builtins.list[Connection]:
        """As Connections.list."""
        return await self._run(calls.list_connections(calls.limit(max_results, all_results)))

    async def delete(self, name: str, raise_error: bool = False) -> None:
        """As Connections.delete."""
        await self._run(calls.delete(name, raise_error))

    async def test(self, connection: str | Connection) -> CheckResult:
        """As Connections.test."""
        return await self._run(calls.test(connection))

    async def set_active(self, name: str, is_active: bool) -> Connection:
        """As Connections.set_active."""
        return await self._run(calls.set_active(name, is_active))


class AsyncProfiles:
    """As Profiles, asynchronous."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._run = transport.run

    async def list(
        self, max_results: int | None = 50, all_results: bool = False
    ) -> builtins.list[Profile]:
        """As Profiles.list."""
        return await self._run(calls.list_profiles(calls.limit(max_results, all_results)))

    @overload
    async def get(self, id_or_alias: str, raise_error: Literal[True] = True) -> Profile: ...

    @overload
    async def get(self, id_or_alias: str, raise_error: bool) -> Profile | None: ...

    async def get(self, id_or_alias: str, raise_error: bool = True) -> Profile | None:
        """As Profiles.get."""
        return await self._run(calls.get_profile(id_or_alias, raise_error))


class AsyncClient:
    """As Client, asynchronous."""

    def __init__(
        self,
        url: str,
        token: TokenOrFunction,
        *,
        timeout: float = TIMEOUT,
        verify: Verify = True,
        retries: int = RETRIES,
    ) -> None:
        self._address = Address(url, token)
        self._transport = AsyncTransport(self._address, timeout, verify, retries)
        self.connections, self.profiles = (
            AsyncConnections(self._transport),
            AsyncProfiles(self._transport),
        )
        self.replacements = AsyncReplacements(self._transport)
        self.tokens = AsyncTokens(self._transport)
        self.service_accounts = AsyncServiceAccounts(self._transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address.url!r})"

    async def aclose(self) -> None:
        """Closes its network connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        self._transport.refuse_closed()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
