"""The documents name no setting, address, command, option, scope or name that there is not."""

import re

import pytest

from connections.api.codes import error_codes
from connections.health.states import STATES
from connections.services import Scope
from gateway.attention.kinds import KINDS

from .blocks import ROOT, pages
from .words import unknown_in, unknown_words, wrong_defaults


@pytest.mark.parametrize("page", pages())
def test_the_code_knows_what_a_page_names(page: str):
    assert sorted(set(unknown_words(page))) == []
    assert list(wrong_defaults((ROOT / page).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("CONNECTIONS_EGRESS_ALOW", "setting CONNECTIONS_EGRESS_ALOW"),
        ("GET /api/v1/conections/{idOrAlias}", "address /api/v1/conections/{idOrAlias}"),
        ("/connections/gone/for/ever", "address /connections/gone/for/ever"),
        ("manage.py tokn list", "command tokn"),
        ("manage.py token make x", "command token make"),
        ("token create x --scop admin", "option token create --scop"),
        ("connections:raed", "scope connections:raed"),
        ("no_such_code", "name no_such_code"),
        ("noSuchField", "name noSuchField"),
        ("make tests", "target tests"),
    ],
)
def test_what_there_is_not_is_named(code: str, found: str):
    assert list(unknown_in(code)) == [found]


def test_a_default_that_is_another_one_is_named():
    text = "`GRACEFUL_TIMEOUT` (31) and `IDLE_TIMEOUT` is 75"
    assert list(wrong_defaults(text)) == ["GRACEFUL_TIMEOUT is 30, not 31"]


def test_the_page_of_the_api_has_every_scope():
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert [one for one in Scope if f"`{one}`" not in text] == []


def test_the_list_of_faults_has_every_kind_in_their_order():
    text = (ROOT / "docs/health.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| ", text.split("| Kind | API |")[1], re.MULTILINE)
    assert rows == [(str(label), kind) for kind, label in KINDS.items()]


def test_the_table_of_health_has_every_state():
    text = (ROOT / "docs/health.md").read_text(encoding="utf-8").split("\nThe first that is true")
    states = re.findall(r"^\| [^|]+ \| `(\w+)` \| ", text[0], re.MULTILINE)
    assert {*states} == {*STATES}


def test_every_code_that_is_special_to_the_gateway_is_one_of_the_list_of_errors():
    text = (ROOT / "docs/gateway.md").read_text(encoding="utf-8")
    special = text.split("\n## Errors\n")[1].split("\nWhere the service refused")[0]
    named = {*re.findall(r"`([a-z_]+)`", special)} - {
        "code",
        "pointer",
        "profile_not_allowed",
        "missing_key",
    }
    assert len(named) > 12 and named <= error_codes()
