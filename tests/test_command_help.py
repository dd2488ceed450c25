"""Every command of ours: its help, the examples in it, its errors and exit codes."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from connections.operator_command import Exit, actions_of, examples_of, refuse_unknown, words_of
from tests.fakes import connect
from tools.render_commands import our_commands

COMMANDS = our_commands()


def parsers(name: str) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a command and of its actions."""
    parser = COMMANDS[name].create_parser("manage.py", name)
    return {name: parser} | {f"{name} {act}": one for act, one in actions_of(parser).items()}


def test_every_act_has_an_example_and_every_argument_a_text():
    lacking = []
    for name, command in COMMANDS.items():
        for title, parser in parsers(name).items():
            if not examples_of(command.examples, title.partition(" ")[2]):
                lacking.append(f"{title}: no example")
            lacking += [
                f"{title}: no text for {one.dest}"
                for one in parser._actions
                if not one.help and not isinstance(one, argparse._SubParsersAction)
            ]
    assert lacking == []


def test_every_example_is_what_its_command_takes():
    for name, command in COMMANDS.items():
        parser = command.create_parser("manage.py", name)
        for line in examples_of(command.examples):
            assert line.split()[0] == name, line
            parser.parse_args(words_of(line.partition(" <")[0]))


def test_no_argument_is_taken_for_one_of_django_s():
    """Before a command Django looks for its own --settings and --pythonpath in what was parsed."""
    taken = {
        (title, one.dest)
        for name in COMMANDS
        for title, parser in parsers(name).items()
        for one in parser._actions
        if one.dest in ("settings", "pythonpath") and one.option_strings != [f"--{one.dest}"]
    }
    assert taken == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rotate_key", "leaked_key or replace_key or rotate_credentials or wrap_key"),
        ("migrat", "migrate"),
    ],
)
def test_an_unknown_command_is_told_as_wrong_arguments_are(name: str, said: str, capsys: Any):
    with pytest.raises(SystemExit) as ended:
        refuse_unknown(name)
    told = capsys.readouterr().err
    assert ended.value.code == Exit.ARGUMENTS and told.startswith("Error: There is no command")
    assert f"Did you mean {said}?" in told and told.count("\n") == 1


def test_a_command_of_ours_or_of_django_s_is_known():
    for name in ("migrate", "token"):
        refuse_unknown(name)


def test_an_example_that_is_wrong_is_noticed():
    parser = COMMANDS["token"].create_parser("manage.py", "token")
    with pytest.raises(Exception, match="unrecognized arguments: --scop"):
        parser.parse_args(words_of("token list --scop x"))


ENDS = {
    "connection show -n my-opnai": (Exit.MISSING, "Did you mean 'my-openai'?"),
    "connection delete -n zz --yes": (Exit.MISSING, "`connection list` shows them."),
    "token create a --user ada --scope admni": (Exit.ARGUMENTS, "Did you mean 'admin'?"),
    "token create a --user ada --scope admin --profile x": (Exit.MISSING, "no profile 'x'"),
    "token create a --user adda --scope admin": (Exit.MISSING, "Did you mean 'ada'?"),
    "token revoke sb_nothing": (Exit.MISSING, "`token list` shows them."),
    "reveal_token revoke sbr_nothing": (Exit.MISSING, "`reveal_token list` shows them."),
    "reveal_token create a --user ada --connection x": (Exit.MISSING, "no connection 'x'"),
    "team delete x": (Exit.MISSING, "no team 'x'"),
    "replace_key x --go-back": (Exit.MISSING, "no connection 'x'"),
    "leaked_key report x": (Exit.MISSING, "no connection 'x'"),
    "alias change profile x y": (Exit.MISSING, "no profile 'x'"),
    "alias remove connection x": (Exit.MISSING, "no former alias"),
    "hosts approve x example.com": (Exit.MISSING, "Nobody asked"),
    "versions list connection my-opnai": (Exit.MISSING, "Did you mean 'my-openai'?"),
    "versions revive x": (Exit.MISSING, "`versions deleted` shows"),
    "notices test x": (Exit.MISSING, "no target 'x'"),
    "service_account change x --activate": (Exit.MISSING, "no service account 'x'"),
    "service_account add x --role Viewer --contact y": (Exit.MISSING, "mean 'Viewers'?"),
    "trusted_issuer fetch-keys x": (Exit.MISSING, "no trusted issuer 'x'"),
    "connectiontype show x": (Exit.MISSING, "no connection type 'x'"),
    "package export - my-opnai": (Exit.MISSING, "Did you mean 'my-openai'?"),
    "purge_secrets my-opnai": (Exit.MISSING, "Did you mean 'my-openai'?"),
    "connection apply -f /nowhere": (Exit.REFUSED, "/nowhere"),
    "token": (Exit.ARGUMENTS, "Say what to do: create, list, renew, revoke."),
    "token lst": (Exit.ARGUMENTS, "Did you mean 'list'?"),
    "token list --outptu json": (Exit.ARGUMENTS, "Did you mean '--output'?"),
    "run_due": (Exit.ARGUMENTS, "`manage.py run_due --help` shows how."),
}


@pytest.mark.django_db
def test_what_is_wrong_is_told_in_one_line_with_its_exit_code(
    administrator: Any, fake: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
):
    connect(alias="my-openai", name="my-openai")
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    for line, (code, words) in ENDS.items():
        name, *rest = line.split()
        command = load_command_class(get_commands()[name], name)
        with pytest.raises(SystemExit) as end:
            command.run_from_argv(["manage.py", name, *rest])
        said = capsys.readouterr()
        assert (line, end.value.code, said.out) == (line, code, "")
        assert said.err.startswith("Error: ") and said.err.count("\n") == 1, line
        assert words in said.err, said.err


@pytest.mark.django_db
def test_apply_tells_drift_takes_set_and_plans_as_json(tmp_path: Path, capsys: Any):
    (tmp_path / "a.yaml").write_text("name: v1.search\ntype: serp\napi_key: <user-input>\n")
    apply = ["connection", "apply", "-f", str(tmp_path), "--set", "v1.search.api_key=sk-plain-0123"]
    plan = [*apply, "--dry-run", "--exit-code", "--output", "json"]
    assert ended(plan) == Exit.FOUND
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["action"], one["name"], one["source"]) == ("create", "v1.search", "a.yaml")
    assert ended(apply) == Exit.DONE
    capsys.readouterr()
    assert ended(plan) == Exit.DONE
    said = capsys.readouterr()
    assert json.loads(said.out)[0]["action"] == "unchanged" and "sk-plain" not in said.out
    assert ended([*apply, "--set", "v1.serch.api_key=x"]) == Exit.MISSING
    assert "Did you mean 'v1.search'?" in capsys.readouterr().err
    assert ended(apply[:4]) == Exit.DONE  # what is stored stays
    (tmp_path / "b.yaml").write_text("name: other\ntype: serp\napi_key: <user-input>\n")
    assert ended(apply) == Exit.REFUSED
    assert "Give --set other.api_key=..." in capsys.readouterr().err


def ended(words: list[str]) -> int:
    """The exit code of a command."""
    command = load_command_class(get_commands()[words[0]], words[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.connections.close_all", lambda: None)
        try:
            command.run_from_argv(["manage.py", *words])
        except SystemExit as end:
            return int(end.code or 0)
    return 0
