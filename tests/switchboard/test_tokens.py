"""Tokens and service accounts by the clients, and by `python -m switchboard`."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from switchboard import Client, NotFoundError, Unauthorized
from switchboard.__main__ import main
from tests.connections.api.serving import Served


@pytest.fixture
def account() -> str:
    return f"ci-{uuid4().hex[:8]}"


def test_tokens_of_a_service_account_from_begin_to_end(client: Any, served: Served, account: str):
    made = client.service_accounts.add(account, "Viewers", "Platform team")
    assert (made.user, made.role, made.is_active) == (
        f"{account} (service account)",
        "Viewers",
        True,
    )
    token = client.tokens.make(
        "reads", ["connections:read"], service_account=account, expires_in_days=3
    )
    assert token.user == made.user and token.text and token.text not in repr(token)
    with Client(served.url, token.text) as its:
        its.connections.list()
    newer = client.tokens.renew(token, overlap_hours=0)
    assert newer.id in {one.id for one in client.tokens.list()}
    client.tokens.revoke(newer.id)
    for text in (token.text, newer.text):
        with Client(served.url, text) as its, pytest.raises(Unauthorized):
            its.connections.list()
    changed = client.service_accounts.change(account, name=f"{account}-2", contact="Ops")
    assert (changed.name, changed.contact) == (f"{account}-2", "Ops")
    assert changed in client.service_accounts.list()
    client.service_accounts.delete(changed.name)
    with pytest.raises(NotFoundError):
        client.service_accounts.delete(changed.name)


def test_the_command_line_does_it_too(
    served: Served, account: str, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
):
    def run(*words: str) -> str:
        assert main([*words]) == 0
        return str(capsys.readouterr().out)

    monkeypatch.setenv("SWITCHBOARD_URL", served.url)
    monkeypatch.setenv("SWITCHBOARD_TOKEN", served.token)
    run("service-accounts", "add", account, "--role=Viewers", "--contact=us")
    text = run("tokens", "make", "reads", "--scope=connections:read", "--service-account", account)
    assert text.startswith("sb_") and text.count("\n") == 1
    assert text[:11] in run("tokens", "list")
    assert run("tokens", "renew", text[:11], "--overlap-hours=1").startswith("sb_")
    run("tokens", "revoke", text[:11])
    run("service-accounts", "change", account, "--deactivate")
    assert f"{account}  deactivated" in run("service-accounts", "list")
    run("service-accounts", "delete", account)
    assert main(["service-accounts", "delete", account]) == 1
    monkeypatch.delenv("SWITCHBOARD_TOKEN")
    assert main(["tokens", "list"]) == 2
    (tmp_path / "token").write_text(f"{served.token}\n")
    monkeypatch.setenv("SWITCHBOARD_TOKEN_FILE", str(tmp_path / "token"))
    assert "sb_" in run("tokens", "list")
