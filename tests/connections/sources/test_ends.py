"""When what a secret store needs ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connections.sources import KeptStore, make_sources
from connections.sources.address import read_address
from connections.sources.vault import VaultStore
from connections.sources.vault_sign_in import _end_of
from tests.httpserver import Answer, HttpServer, authority
from tests.providers.core.test_ends import token as web_token

NOW = datetime.now(UTC)
LATER = NOW.replace(microsecond=0) + timedelta(days=9)


@pytest.mark.parametrize(
    ("token", "days"),
    [
        ({"ttl": 5 * 86400, "renewable": False}, 5),
        ({"ttl": 86400, "renewable": True, "explicit_max_ttl": 0}, None),
        ({"ttl": 0, "renewable": False}, None),  # a root token
        (
            {"ttl": 86400, "renewable": True}
            | {"explicit_max_ttl": 9 * 86400, "creation_time": int(NOW.timestamp())},
            9,
        ),
    ],
)
def test_a_token_of_a_vault_ends_when_nobody_can_renew_it(token: Any, days: int | None):
    end = _end_of(token)
    assert (end and round((end - NOW) / timedelta(days=1))) == days


def test_the_authority_of_a_vault_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ca.pem").write_text(authority()[0])
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "ca.pem"))
    store = VaultStore(read_address("vault+https://vault.example/secret/team"))
    assert round((store.ends["certificate authority"] - NOW) / timedelta(days=1)) == 3650
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "none.pem"))
    assert store.ends == {}


def test_a_vault_that_will_delete_a_version_says_when(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAULT_TOKEN", "vault-token")
    secret = {"data": {"ApiKey": "sk-of-the-vault"}}
    answers = {"/v1/auth/token/lookup-self": Answer(body={"data": {"ttl": 0}})}
    for name, told in (("Kept", ""), ("OpenAI", LATER.isoformat())):
        answer = Answer(body={"data": secret | {"metadata": {"deletion_time": told}}})
        answers[f"/v1/secret/data/team/{name}"] = answer
    with HttpServer(answers) as server:
        (source,) = make_sources([f"vault+http://{server.host}/secret/team?kv=2"], {}, 60)
        assert isinstance(source, KeptStore)
        keys = [("OpenAI", "ApiKey"), ("Kept", "ApiKey")]
        assert [source.lookup(key) for key in keys] == ["sk-of-the-vault"] * 2
        assert [source.ends_at(key) for key in keys] == [LATER, None]


def test_a_token_of_1password_says_when_it_ends(monkeypatch: pytest.MonkeyPatch):
    (source,) = make_sources(["onepassword-connect+https://host/vault"], {}, 60)
    assert isinstance(source, KeptStore)
    for token, ends in (
        (web_token({"exp": int(LATER.timestamp())}), {"token": LATER}),
        (web_token({}), {}),
        ("", {}),
    ):
        monkeypatch.setenv("OP_CONNECT_TOKEN", token)
        assert source.ends == ends


def test_a_certificate_that_signs_in_at_azure_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (source,) = make_sources(["azure-keyvault://team"], {}, 60)
    assert isinstance(source, KeptStore)
    (tmp_path / "own.pem").write_text(authority()[0])
    for name, ends in (("own.pem", ["client certificate"]), ("none.pem", [])):
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(tmp_path / name))
        assert [*source.ends] == ends
