"""When what a secret store needs ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connections.sources.address import read_address
from connections.sources.vault import VaultStore
from connections.sources.vault_sign_in import _end_of
from tests.httpserver import authority

NOW = datetime.now(UTC)


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
