"""`python -m switchboard`: tokens and service accounts, from a shell.

The server and the token come from SWITCHBOARD_URL and SWITCHBOARD_TOKEN, or from the file that
SWITCHBOARD_TOKEN_FILE names: what is an argument can be seen by others on the machine.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import Client, SwitchboardError
from .token_results import ServiceAccount, Token
from .version import __version__

Act = Callable[[Client, Any], None]


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns 1 for a refusal, which is told on stderr, 2 for a wrong command."""
    given = _parser().parse_args(arguments)
    url, token = os.environ.get("SWITCHBOARD_URL"), os.environ.get("SWITCHBOARD_TOKEN")
    file = os.environ.get("SWITCHBOARD_TOKEN_FILE")
    if not url or not (token or file):
        sys.stderr.write("Set SWITCHBOARD_URL, and SWITCHBOARD_TOKEN or SWITCHBOARD_TOKEN_FILE.\n")
        return 2
    try:
        with Client(url, token or Path(file or "").read_text()) as client:
            given.act(client, given)
    except (SwitchboardError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m switchboard", description=__doc__)
    parser.add_argument("--version", action="version", version=f"Switchboard {__version__}")
    things = parser.add_subparsers(required=True, metavar="tokens|service-accounts")
    _add_tokens(things.add_parser("tokens", help="list, make, renew, revoke"))
    _add_accounts(things.add_parser("service-accounts", help="list, add, change, delete"))
    return parser


def _add_tokens(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(required=True, metavar="list|make|renew|revoke")
    _act(acts, "list", _list_tokens, "list all tokens")
    make = _act(acts, "make", _make_token, "make one and print it, alone on stdout")
    make.add_argument("name")
    make.add_argument("--scope", action="append", required=True, dest="scopes")
    make.add_argument("--service-account", metavar="NAME", help="whose it is; yours if not given")
    make.add_argument("--profile", action="append", dest="profiles", metavar="ALIAS")
    make.add_argument("--network", action="append", dest="networks", metavar="CIDR")
    make.add_argument("--requests-per-minute", type=int)
    make.add_argument("--tokens-per-day", type=int)
    renew = _act(acts, "renew", _renew_token, "make another with the same rights, and print it")
    renew.add_argument("token", help="its id, or its prefix")
    renew.add_argument("--overlap-hours", type=int, help="for which the old one still works")
    for one in (make, renew):
        one.add_argument("--expires-in-days", type=int)
    revoke = _act(acts, "revoke", _revoke_token, "end one now")
    revoke.add_argument("token", help="its id, or its prefix")


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(required=True, metavar="list|add|change|delete")
    _act(acts, "list", _list_accounts, "list all service accounts")
    add = _act(acts, "add", _add_account, "add one")
    change = _act(acts, "change", _change_account, "change what is given")
    for one, is_needed in ((add, True), (change, False)):
        one.add_argument("name")
        one.add_argument("--role", required=is_needed)
        one.add_argument("--contact", required=is_needed, help="whom to ask about it")
        one.add_argument("--description")
    change.add_argument("--new-name", help="its tokens go on")
    state = change.add_mutually_exclusive_group()
    state.add_argument("--activate", action="store_const", const=True, dest="is_active")
    state.add_argument("--deactivate", action="store_const", const=False, dest="is_active")
    delete = _act(acts, "delete", _delete_account, "delete one with its tokens")
    delete.add_argument("name")


def _act(acts: Any, name: str, act: Act, said: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=said)
    parser.set_defaults(act=act)
    return parser


def _list_tokens(client: Client, _given: Any) -> None:
    for one in client.tokens.list():
        ends = one.expires_at or "never ends"
        _say(f"{one.id}  {one.prefix}  {one.state}  {one.name}  {one.user}  {ends}")


def _make_token(client: Client, given: Any) -> None:
    names = ("service_account", "profiles", "networks", "requests_per_minute", "tokens_per_day")
    more = {name: getattr(given, name) for name in (*names, "expires_in_days")}
    _tell(client.tokens.make(given.name, given.scopes, **more))


def _renew_token(client: Client, given: Any) -> None:
    more = {name: getattr(given, name) for name in ("overlap_hours", "expires_in_days")}
    _tell(client.tokens.renew(_id_of(client, given.token), **more))


def _revoke_token(client: Client, given: Any) -> None:
    client.tokens.revoke(_id_of(client, given.token))
    sys.stderr.write("It is revoked.\n")


def _id_of(client: Client, text: str) -> str:
    """The id of the token with this id or prefix."""
    return next((one.id for one in client.tokens.list() if one.prefix == text), text)


def _tell(token: Token) -> None:
    sys.stderr.write(f"{token.name} ({token.prefix}…), ends {token.expires_at or 'never'}:\n")
    _say(token.text)


def _list_accounts(client: Client, _given: Any) -> None:
    for one in client.service_accounts.list():
        _say(_line(one))


def _add_account(client: Client, given: Any) -> None:
    said = given.description or ""
    _say(_line(client.service_accounts.add(given.name, given.role, given.contact, said)))


def _change_account(client: Client, given: Any) -> None:
    names = ("role", "contact", "description", "is_active")
    values = {name: getattr(given, name) for name in names} | {"name": given.new_name}
    _say(_line(client.service_accounts.change(given.name, **values)))


def _delete_account(client: Client, given: Any) -> None:
    client.service_accounts.delete(given.name)
    sys.stderr.write("It is deleted, and its tokens with it.\n")


def _line(one: ServiceAccount) -> str:
    state = "active" if one.is_active else "deactivated"
    return f"{one.name}  {state}  {one.role or '-'}  {one.tokens} tokens  {one.contact}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
