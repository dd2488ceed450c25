"""References against real stores: OpenBao, moto's server for AWS, sops with age. Run by
`make test-stores`, which installs them; `make test` does not collect this file.

Each is started here on a free port of loopback and stopped at the end.
"""

import json
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import hvac
import pytest

from connections.sources import Fault, KeptStore, SourceError, make_sources
from connections.sources.kept import FRESH, PAUSE
from tests.documents.blocks import blocks_of

PROGRAMS = Path(os.environ.get("STORES", ".venv-stores")).resolve() / "bin"
VALUE = "sk-of-a-real-store-51cd"
KEY = ("OpenAI", "ApiKey")
# as the documents give it, for another path
(POLICY,) = [
    one.text.replace("switchboard", "team")
    for one in blocks_of("docs/references.md")
    if "secret/data/" in one.text
]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


class OpenBao:
    """A server in development mode: everything is in its memory.

    `certificates`: the folder for one of TLS, by an authority of its own, which is in `ca`.
    """

    def __init__(self, log: Path, certificates: Path | None = None) -> None:
        self.port, self.audit, self._certificates = free_port(), log, certificates
        self.scheme = "https" if certificates else "http"
        self._start()
        self.root.sys.create_or_update_policy("team", POLICY)
        self.root.sys.enable_auth_method("approle")

    def _start(self) -> None:
        address = f"-dev-listen-address=127.0.0.1:{self.port}"
        command = [str(PROGRAMS / "bao"), "server", "-dev", "-dev-root-token-id=root", address]
        if self._certificates:
            command += ["-dev-tls", f"-dev-tls-cert-dir={self._certificates}"]
        log = self.audit.open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port)
        url = f"{self.scheme}://127.0.0.1:{self.port}"
        self.root = hvac.Client(url, token="root", verify=str(self.ca) if self.ca else True)
        while not self.root.sys.is_initialized() or self.root.sys.is_sealed():
            time.sleep(0.1)

    @property
    def ca(self) -> Path | None:
        """The file of the authority."""
        return next(self._certificates.glob("*-ca.pem"), None) if self._certificates else None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def put(self, section: str, **values: str) -> None:
        self.root.secrets.kv.v2.create_or_update_secret(f"team/{section}", values)

    def source(self, **options: str) -> KeptStore:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        (found,) = make_sources(
            [f"vault+{self.scheme}://127.0.0.1:{self.port}/secret/team?{query}"], {}, 600
        )
        assert isinstance(found, KeptStore)
        return found

    def role(self, name: str, monkeypatch: pytest.MonkeyPatch, ttl: str, most: str) -> None:
        approle = self.root.auth.approle
        approle.create_or_update_approle(
            name, token_policies=["team"], token_ttl=ttl, token_max_ttl=most
        )
        role_id = approle.read_role_id(name)["data"]["role_id"]
        secret_id = approle.generate_secret_id(name)["data"]["secret_id"]
        monkeypatch.setenv("VAULT_ROLE_ID", role_id)
        monkeypatch.setenv("VAULT_SECRET_ID", secret_id)


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [one for one in os.environ if one.startswith(("VAULT_", "BAO_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    server = OpenBao(tmp_path_factory.mktemp("bao") / "log")
    server.put("OpenAI", ApiKey=VALUE)
    yield server
    server.stop()


def old(kept: KeptStore) -> None:
    """Makes everything that is kept as old as if FRESH had passed."""
    for place, one in kept._kept.items():
        kept._kept[place] = type(one)(one.content, one.asked_at - FRESH)


def fault_of(kept: KeptStore, key: tuple[str, ...] = KEY) -> Fault:
    with pytest.raises(SourceError) as raised:
        kept.lookup(key)
    assert VALUE not in str(raised.value)
    return raised.value.fault


# OpenBao


def test_a_token_reads_a_section(bao: OpenBao, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAULT_TOKEN", "root")
    kept = bao.source()
    assert (kept.lookup(KEY), kept.lookup(("OpenAI", "apikey"))) == (VALUE, VALUE)
    assert kept.lookup(("Other", "ApiKey")) is None


def test_version_1_is_read_too(bao: OpenBao, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BAO_TOKEN", "root")
    bao.root.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    bao.root.secrets.kv.v1.create_or_update_secret("OpenAI", {"ApiKey": "one"}, mount_point="old")
    (kept,) = make_sources([f"vault+http://127.0.0.1:{bao.port}/old"], {}, 600)
    assert kept.lookup(KEY) == "one"


def test_a_token_file_is_read(bao: OpenBao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "token").write_text("root\n")
    monkeypatch.setenv("VAULT_TOKEN_FILE", str(tmp_path / "token"))
    assert bao.source().lookup(KEY) == VALUE


def test_a_short_lease_is_renewed_and_replaced(bao: OpenBao, monkeypatch: pytest.MonkeyPatch):
    bao.role("short", monkeypatch, "2s", "4s")
    kept = bao.source()
    tokens = set()
    for _ in range(14):
        old(kept)
        assert kept.lookup(KEY) == VALUE
        tokens.add(kept.store._sign_in.client.token)
        time.sleep(0.5)
    assert 2 <= len(tokens) <= 4


def test_one_sign_in_serves_all_sections(bao: OpenBao, monkeypatch: pytest.MonkeyPatch):
    bao.role("long", monkeypatch, "1h", "2h")
    kept, before = bao.source(), len(bao.root.auth.token.list_accessors()["data"]["keys"])
    for number in range(5):
        kept.lookup((f"Section{number}", "Key"))
    assert len(bao.root.auth.token.list_accessors()["data"]["keys"]) == before + 1


def test_a_policy_that_is_withdrawn_is_denied(bao: OpenBao, monkeypatch: pytest.MonkeyPatch):
    bao.role("withdrawn", monkeypatch, "1h", "2h")
    kept = bao.source()
    assert kept.lookup(KEY) == VALUE
    bao.root.sys.create_or_update_policy("team", 'path "else/*" { capabilities = ["read"] }')
    try:
        old(kept)
        assert fault_of(kept) == Fault.DENIED
    finally:
        bao.root.sys.create_or_update_policy("team", POLICY)
    assert kept.lookup(KEY) == VALUE


def test_a_revoked_token_is_replaced_by_another_sign_in(
    bao: OpenBao, monkeypatch: pytest.MonkeyPatch
):
    bao.role("revoked", monkeypatch, "1h", "2h")
    kept = bao.source()
    assert kept.lookup(KEY) == VALUE
    bao.root.auth.token.revoke(kept.store._sign_in.client.token)
    old(kept)
    assert kept.lookup(KEY) == VALUE


@pytest.mark.parametrize(
    "variables", [{}, {"VAULT_TOKEN": "wrong"}, {"VAULT_ROLE_ID": "x", "VAULT_SECRET_ID": "y"}]
)
def test_a_sign_in_that_fails_is_told_apart(
    bao: OpenBao, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert fault_of(bao.source()) == Fault.SIGN_IN_FAILED


def test_a_store_that_is_sealed_or_stopped_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("VAULT_TOKEN", "root")
    server = OpenBao(tmp_path / "log")
    try:
        server.put("OpenAI", ApiKey=VALUE)
        kept, empty = server.source(), server.source()
        assert kept.lookup(KEY) == VALUE
        server.root.sys.seal()
        old(kept)
        with caplog.at_level(logging.DEBUG):
            assert kept.lookup(KEY) == VALUE and kept.outage is not None
            assert fault_of(empty) == Fault.AWAY
            server.stop()
            time.sleep(PAUSE)
            assert fault_of(empty) == Fault.AWAY
            assert kept.lookup(KEY) == VALUE
        server._start()
        server.put("OpenAI", ApiKey="new")
        end = time.monotonic() + 10
        while kept.lookup(KEY) != "new" and time.monotonic() < end:
            time.sleep(0.2)
        assert (kept.lookup(KEY), kept.outage) == ("new", None)
        assert VALUE not in caplog.text
    finally:
        server.stop()


# AWS


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = free_port(), (tmp_path_factory.mktemp("moto") / "log").open("wb")
    process = subprocess.Popen(
        [str(PROGRAMS / "moto_server"), "-p", str(port)], stdout=log, stderr=log
    )
    wait_for(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return moto


def test_a_secret_of_aws_is_a_section_and_stages_are_chosen(aws: str):
    client = boto3.client("secretsmanager", region_name="eu-west-1")
    client.create_secret(Name="team/OpenAI", SecretString=json.dumps({"ApiKey": "first"}))
    client.put_secret_value(SecretId="team/OpenAI", SecretString=json.dumps({"ApiKey": VALUE}))
    address = "aws-secretsmanager://eu-west-1/team"
    now, before = make_sources([address, f"{address}?stage=AWSPREVIOUS"], {}, 600)
    assert (now.lookup(KEY), before.lookup(KEY)) == (VALUE, "first")
    assert now.lookup(("Other", "ApiKey")) is None


def test_parameters_of_a_path_are_a_section(aws: str):
    client = boto3.client("ssm", region_name="eu-west-1")
    for number in range(12):
        client.put_parameter(Name=f"/team/OpenAI/K{number}", Value=str(number), Type="String")
    client.put_parameter(Name="/team/OpenAI/ApiKey", Value=VALUE, Type="SecureString")
    (kept,) = make_sources(["aws-parameters://eu-west-1/team"], {}, 600)
    assert (kept.lookup(KEY), kept.lookup(("OpenAI", "K11"))) == (VALUE, "11")
    assert kept.lookup(("Other", "ApiKey")) is None


def test_without_credentials_the_sign_in_fails(aws: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (kept,) = make_sources(["aws-secretsmanager://eu-west-1/team"], {}, 600)
    assert fault_of(kept) == Fault.SIGN_IN_FAILED


def test_an_aws_that_nobody_hears_is_away(aws: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    (kept,) = make_sources(["aws-secretsmanager://eu-west-1/team"], {}, 600)
    assert fault_of(kept) == Fault.AWAY


# sops


def test_a_file_of_sops_is_decrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keygen = shutil.which("age-keygen")
    assert keygen, "age-keygen is missing. Install it: apt-get install age"
    key, plain, sealed = tmp_path / "key.txt", tmp_path / "a.yaml", tmp_path / "a.enc.yaml"
    subprocess.run([keygen, "-o", str(key)], check=True, capture_output=True)
    recipient = key.read_text().split("public key: ")[1].split()[0]
    plain.write_text(f"OpenAI:\n  ApiKey: {VALUE}\n")
    sops = str(PROGRAMS / "sops")
    done = subprocess.run(
        [sops, "encrypt", "--age", recipient, str(plain)], check=True, capture_output=True
    )
    sealed.write_bytes(done.stdout)
    monkeypatch.setenv("SOPS_PROGRAM", sops)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(key))
    (kept,) = make_sources([f"sops://{sealed}"], {}, 600)
    assert kept.lookup(KEY) == VALUE
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "gone"))
    (other,) = make_sources([f"sops://{sealed}"], {}, 600)
    assert fault_of(other) == Fault.SIGN_IN_FAILED
