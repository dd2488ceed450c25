"""Commands act as the machine's operator, who may everything: each is tried on what team B has,
while somebody else is still set as the one who looks.

The commands are those that Django finds here, with all that they do, so that a new one is in it.
"""

import argparse
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from django.db import transaction

from connections.models import ApiToken, Connection
from connections.operator_command import OperatorCommand
from connections.standing import viewer_of
from connections.viewing import viewing

from .foreign import Ours, foreign, ours

pytestmark = pytest.mark.django_db
ROOMS = ("backoffice", "connections", "gateway")
# What each is called with, so that it is about something of B, and what of B it says.
LINES = {
    "alias list": "zqbformer",
    "alias change connection zqbalias other-alias": "other-alias",
    "alias remove connection zqbformer": "zqbformer",
    "connection show --name zqbalias": "zqbname",
    "connection list": "zqbname",
    "connection delete --name zqbsecond --assume-yes": "",
    "connection test --name zqbsecond": "",
    "connection dump --name zqbalias": "zqbname",
    "connection completion names": "zqbname",
    "connectiontype list": "zqb.type",
    "connectiontype show zqb.type": "zqblabel",
    "connectiontype give zqb.type --to-all": "zqb.type",
    "connectiontype remove zqb.type": "zqb.type",
    "hosts list": "zqbhost",
    "hosts approve zqbsection zqbhost.example": "zqbhost",
    "hosts approve zqbsection zqbhost.example --team zqbteam": "zqbhost",
    "hosts refuse zqbsection zqbhost.example": "zqbhost",
    "hosts forget zqbsection zqbhost.example": "zqbhost",
    "leaked_key report zqbalias": "zqbname",
    "notices list": "zqbtarget",
    "package export {file} zqbalias": "1 connection and",
    "profile list": "zqbprofilealias",
    "profile create other zqbsecond model-1": "Programs ask for other",
    "profile delete zqbprofilealias": "",
    "purge_secrets zqbalias": "versions: 0 purged",
    "replace_key zqbsecond --forget": "zqbsecond",
    "reveal_token create flow --user zqbperson --connection zqbalias": "reads zqbalias",
    "reveal_token list": "zqbalias",
    "reveal_token revoke {reveal}": "is revoked",
    "rotate_credentials --check": "",
    "service_account list": "zqbrobot",
    "service_account change zqbrobot --contact other": "zqbrobot",
    "service_account delete zqbrobot": "zqbrobot",
    "team list": "zqbteam",
    "team add third": "third",
    "team rename zqbteam other": "other",
    "team limit zqbteam --tokens-per-day 9": "zqbteam",
    "team delete zqbteam --to-all": "zqbteam",
    "team member zqbteam zqbperson viewer": "the last administrator of zqbteam",
    "team remove zqbteam zqbperson": "the last administrator of zqbteam",
    "team section": "zqbsection",
    "team move connection zqbsecond Red": "1 moved",
    "team share connection zqbalias Red see": "zqbalias",
    "team unshare connection zqbsecond Red": "zqbsecond is not shared with Red.",
    "token list": "zqbtoken",
    "token create other --user zqbperson --scope gateway:use --team zqbteam": "sb_",
    "token renew {token}": "",
    "token revoke {token}": "zqbtoken",
    "versions list connection zqbalias": "zqbperson",
    "versions show connection zqbalias 1": "zqbname",
    "versions compare profile zqbprofilealias 1 1": "",
    "versions restore profile zqbprofilealias 1": "already",
    "versions name connection zqbalias 1 --name First": "First",
    "versions deleted": "zqbgonealias",
    "versions revive {deleted}": "zqbgone is back.",
}
# What names no row that a team may have, sends, or finds as `show` does.
OF_NO_TEAM = """
backup, restore,
connection create, connection update, connection from-env, connection apply,
connectiontype install, connectiontype sync, connectiontype check, connectiontype authorize,
leaked_key find, migrate, notices test, notices retry,
package import, package show, partition_usage, prune_reveals, prune_usage,
render_openapi, render_provider_docs, run_due, service_account add, settings,
trusted_issuer list, trusted_issuer add, trusted_issuer add-rule, trusted_issuer switch-on,
trusted_issuer switch-off, trusted_issuer delete, trusted_issuer fetch-keys, trusted_issuer try,
verify_audit, wrap_key
"""


def commands() -> dict[str, Any]:
    """Our commands by their names."""
    found = get_commands().items()
    return {name: load_command_class(app, name) for name, app in found if _is_ours(app)}


def _is_ours(app: str) -> bool:
    return app.partition(".")[0] in ROOMS


def acts(name: str, command: Any) -> list[str]:
    """What a command does: each of its subcommands, or the command itself."""
    parser = command.create_parser("manage.py", name)
    found = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return [f"{name} {act}" for act in found[0].choices] if found else [name]


def test_every_command_is_the_operators_and_is_tried_here():
    found = commands()
    assert all(isinstance(one, OperatorCommand) for one in found.values())
    every = {act for name, one in found.items() for act in acts(name, one)}
    tried = {act for act in every for line in LINES if f"{line} ".startswith(f"{act} ")}
    named = {one.strip() for one in OF_NO_TEAM.split(",")}
    assert tried | named == every and not tried & named


@pytest.fixture
def world(fake: Any, settings: Any) -> Ours:
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Zqbsection"]
    return ours()


def run(line: str, **known: Any) -> str:
    """What a command says; what it changed is taken back."""
    name, *rest = line.format(**known).split()
    said = StringIO()
    with transaction.atomic():
        try:
            call_command(name, *rest, stdout=said, stderr=said)
        except (CommandError, SystemExit) as end:
            said.write(f"{type(end).__name__} {end}")
        finally:
            transaction.set_rollback(True)
    return said.getvalue()


def test_a_command_does_everything_whoever_looks(world: Ours, tmp_path: Path):
    found = foreign(world)
    known = {
        "file": tmp_path / "a.json",
        "token": ApiToken.objects.get(name="zqbtoken").pk,
        "reveal": found.ids["reveal"][0],
        "deleted": found.ids["deleted"][0],
    }
    wrong = []
    with viewing(viewer_of(world.people["operator"])):
        assert not Connection.objects.filter(alias="zqbalias").exists()
        for line, word in LINES.items():
            said = run(line, **known)
            if word not in said or "There is no" in said:
                wrong.append(f"{line}: {said}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
