"""CONNECTIONS_SOURCES, and the stores that no program here plays: 1Password's API, and the official
clients of Azure and Google, against a TLS server that answers as their documents say.
"""

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connections.sources import Fault, SourceError, make_sources
from connections.sources.azure import AzureKeyVault
from tests.httpserver import Answer, HttpServer, authority, service_context

VALUE = "sk-of-a-cloud-0b7e44"
KEY = ("OpenAI", "ApiKey")

REFUSED = {
    "nothing": "not an address",
    "directory://run/secrets": "three slashes",
    "ftp://host/x": "ftp: is none of environment, directory",
    "vault+https://host:8200": "mount and path",
    "vault+http://vault.example.com/secret": "loopback only",
    "vault+https://u:SECRET@host/secret": "credentials in its address",
    "vault+https://host/secret?kv=3": "kv of vault",
    "vault+https://host/secret?token=SECRET": "no option token",
    "vault+https://host:port/secret": "cannot be read",
    "aws-secretsmanager:///x": "aws-secretsmanager://region/prefix",
    "azure-keyvault://name/x": "azure-keyvault://name",
    "onepassword-connect+https://host": "host/vault",
    "sops://file.yaml": "sops:///path",
}


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_makes_no_sense_is_refused_and_shows_no_secret(address: str):
    with pytest.raises(ValueError, match=REFUSED[address]) as raised:
        make_sources([address], {}, 600)
    assert "SECRET" not in str(raised.value)


def test_an_address_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        make_sources(["environment:", "environment:"], {}, 600)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    (tmp_path / "ca.pem").write_text(authority()[0])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with HttpServer({}, Answer(404), service_context()) as made:
        yield made


def fault_of(source: Any, key: tuple[str, ...] = KEY) -> Fault:
    with pytest.raises(SourceError) as raised:
        source.lookup(key)
    assert VALUE not in str(raised.value)
    return raised.value.fault


def one_source(address: str) -> Any:
    return make_sources([address], {}, 600)[0]


def test_a_field_of_1password_is_a_value(
    server: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OP_CONNECT_TOKEN", "op-token-1")
    server.answers["/v1/vaults"] = Answer(body=[{"id": "v1"}])
    server.answers["/v1/vaults/v1/items"] = Answer(body=[{"id": "i1"}])
    fields = [{"id": "1", "label": "ApiKey", "value": VALUE}]
    server.answers["/v1/vaults/v1/items/i1"] = Answer(body={"fields": fields})
    address = f"onepassword-connect+https://{server.host}/Team?ca={tmp_path / 'ca.pem'}"
    source = one_source(address)
    assert (source.lookup(KEY), source.lookup(("OpenAI", "apikey"))) == (VALUE, VALUE)
    assert server.requests[0].values("Authorization") == ["Bearer op-token-1"]
    server.answers["/v1/vaults"] = Answer(401)
    assert fault_of(one_source(address)) == Fault.SIGN_IN_FAILED
    server.answers["/v1/vaults"] = Answer(403)
    assert fault_of(one_source(address)) == Fault.DENIED
    server.answers["/v1/vaults"] = Answer(500)
    assert fault_of(one_source(address)) == Fault.AWAY


def test_google_s_client_reads_the_latest_version(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
):
    from google.auth.credentials import AnonymousCredentials

    monkeypatch.setattr("google.auth.default", lambda *_, **__: (AnonymousCredentials(), "team"))
    path = "/v1/projects/team/secrets/OpenAI__ApiKey/versions/latest:access"
    data = base64.b64encode(VALUE.encode()).decode()
    server.answers[path] = Answer(body={"name": "x", "payload": {"data": data}})
    address = f"google-secretmanager://team?endpoint={server.host}"
    source = one_source(address)
    assert (source.lookup(KEY), source.lookup(("OpenAI", "Other"))) == (VALUE, None)
    for status, fault in ((403, Fault.DENIED), (401, Fault.SIGN_IN_FAILED), (503, Fault.AWAY)):
        server.answers[path] = Answer(status, {"error": {"code": status, "message": VALUE}})
        assert fault_of(one_source(address)) == fault


class Credential:
    """A credential of Azure's that has a token."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("azure-token", int(time.time()) + 3600)


def test_azure_s_client_reads_a_name_as_net_writes_it(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(AzureKeyVault, "_credential", lambda _self: Credential())
    # the client refuses a challenge for another domain than the vault's
    domain = server.host.partition(".")[2]
    challenge = f'Bearer authorization="https://login.example/t", resource="https://{domain}"'
    told = {"value": VALUE, "id": f"{server.url}/secrets/OpenAI--ApiKey/1"}
    answers = {"now": Answer(body=told | {"attributes": {"enabled": True, "exp": 1927966500}})}

    def answer(request: Any) -> Answer:
        if not request.values("Authorization"):
            return Answer(401, headers={"WWW-Authenticate": challenge})
        return answers["now"] if "OpenAI--ApiKey" in request.path else Answer(404)

    server.default = answer
    address = f"azure-keyvault://{server.host}"
    source = one_source(address)
    assert (source.lookup(KEY), source.lookup(("OpenAI", "Other"))) == (VALUE, None)
    assert source.ends_at(KEY) == datetime(2031, 2, 4, 10, 15, tzinfo=UTC)
    for status, fault in ((403, Fault.DENIED), (503, Fault.AWAY)):
        answers["now"] = Answer(status, {"error": {"code": "x", "message": VALUE}})
        assert fault_of(one_source(address)) == fault
    elsewhere = f"https://{server.host}/elsewhere/OpenAI--ApiKey"
    answers["now"] = Answer(302, headers={"Location": elsewhere})
    assert fault_of(one_source(address))
    assert not [one for one in server.requests if "elsewhere" in one.path]
