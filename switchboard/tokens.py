"""Tokens and service accounts: what both clients offer, and the requests of it in their order."""

import builtins
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from . import wire
from .calls import Steps, ask, pages
from .token_results import ServiceAccount, Token
from .transport import AsyncTransport, Transport
from .wire import Call


class Tokens:
    """Tokens of the API. The client's own token needs the scope `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._run = transport.run

    def list(self) -> builtins.list[Token]:
        """All of them, the newest first."""
        return self._run(list_tokens())

    def make(self, name: str, scopes: Sequence[str], **more: Any) -> Token:
        """A new token of your own, or of `service_account`; its `text` is told this once.

        `more`: `service_account`, `profiles`, `networks`, `requests_per_minute`, `tokens_per_day`,
        `expires_in_days`. Raises InvalidError, PermissionDenied.
        """
        return self._run(make_token(name, scopes, more))

    def renew(self, token: str | Token, **more: Any) -> Token:
        """Another one that may the same, with its `text`. The old one goes on for `overlap_hours`.

        `more`: that, and `expires_in_days`. Raises InvalidError, NotFoundError.
        """
        return self._run(renew_token(token, more))

    def revoke(self, token: str | Token) -> None:
        """Ends it now. A token is named by its object or its id. Raises NotFoundError."""
        self._run(revoke_token(token))


class AsyncTokens:
    """As Tokens, asynchronous."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._run = transport.run

    async def list(self) -> builtins.list[Token]:
        """As Tokens.list."""
        return await self._run(list_tokens())

    async def make(self, name: str, scopes: Sequence[str], **more: Any) -> Token:
        """As Tokens.make."""
        return await self._run(make_token(name, scopes, more))

    async def renew(self, token: str | Token, **more: Any) -> Token:
        """As Tokens.renew."""
        return await self._run(renew_token(token, more))

    async def revoke(self, token: str | Token) -> None:
        """As Tokens.revoke."""
        await self._run(revoke_token(token))


class ServiceAccounts:
    """Service accounts, by their names."""

    def __init__(self, transport: Transport) -> None:
        self._run = transport.run

    def list(self) -> builtins.list[ServiceAccount]:
        """All of them, by name."""
        return self._run(list_accounts())

    def add(self, name: str, role: str, contact: str, description: str = "") -> ServiceAccount:
        """A new one. Raises InvalidError, PermissionDenied."""
        return self._run(add_account(name, role, contact, description))

    def change(self, name: str, /, **values: Any) -> ServiceAccount:
        """Changes what is given: `name`, `role`, `contact`, `description`, `is_active`; the last
        one ends its tokens. Raises InvalidError, NotFoundError.
        """
        return self._run(change_account(name, values))

    def delete(self, name: str) -> None:
        """Deletes it with its tokens. Raises NotFoundError."""
        self._run(delete_account(name))


class AsyncServiceAccounts:
    """As ServiceAccounts, asynchronous."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._run = transport.run

    async def list(self) -> builtins.list[ServiceAccount]:
        """As ServiceAccounts.list."""
        return await self._run(list_accounts())

    async def add(
        self, name: str, role: str, contact: str, description: str = ""
    ) -> ServiceAccount:
        """As ServiceAccounts.add."""
        return await self._run(add_account(name, role, contact, description))

    async def change(self, name: str, /, **values: Any) -> ServiceAccount:
        """As ServiceAccounts.change."""
        return await self._run(change_account(name, values))

    async def delete(self, name: str) -> None:
        """As ServiceAccounts.delete."""
        await self._run(delete_account(name))


def list_tokens() -> Steps[list[Token]]:
    """Every token."""
    rows = yield from pages("/tokens", None)
    return wire.shaped(lambda found: [Token.from_row(row) for row in found], rows)


def make_token(name: str, scopes: Sequence[str], more: dict[str, Any]) -> Steps[Token]:
    """A new token."""
    body = _camel({"name": name, "scopes": list(scopes), **more})
    return wire.shaped(Token.from_row, (yield from ask(Call("POST", "/tokens", body=body))))


def renew_token(token: str | Token, more: dict[str, Any]) -> Steps[Token]:
    """Another token."""
    call = Call("POST", f"{_token_path(token)}/renew", body=_camel(more))
    return wire.shaped(Token.from_row, (yield from ask(call)))


def revoke_token(token: str | Token) -> Steps[None]:
    """The end of a token."""
    yield from ask(Call("DELETE", _token_path(token)))


def list_accounts() -> Steps[list[ServiceAccount]]:
    """Every service account."""
    rows = yield from pages("/service-accounts", None)
    return wire.shaped(lambda found: [ServiceAccount.from_row(row) for row in found], rows)


def add_account(name: str, role: str, contact: str, description: str) -> Steps[ServiceAccount]:
    """A new service account."""
    body = {"name": name, "role": role, "contact": contact}
    body |= {"description": description} if description else {}
    call = Call("POST", "/service-accounts", body=body)
    return wire.shaped(ServiceAccount.from_row, (yield from ask(call)))


def change_account(name: str, values: dict[str, Any]) -> Steps[ServiceAccount]:
    """A service account as it is after a change."""
    call = Call("PATCH", _account_path(name), body=_camel(values))
    return wire.shaped(ServiceAccount.from_row, (yield from ask(call)))


def delete_account(name: str) -> Steps[None]:
    """The end of a service account."""
    yield from ask(Call("DELETE", _account_path(name)))


def _token_path(token: str | Token) -> str:
    return f"/tokens/{quote(token.id if isinstance(token, Token) else token, safe='')}"


def _account_path(name: str) -> str:
    return f"/service-accounts/{quote(name, safe='')}"


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    """`expires_in_days` -> `expiresInDays`. What is None is left out."""
    found = {}
    for name, value in values.items():
        first, *others = name.split("_")
        if value is not None:
            found[first + "".join(one.capitalize() for one in others)] = value
    return found
