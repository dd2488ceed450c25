"""Entries of FERNET_KEYS that Vault's Transit or AWS KMS has wrapped. Against OpenBao and moto:
tests/connections/sources/stores_keys.py.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from botocore.stub import Stubber
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from backoffice.encryption_keys import StoredKeys, read_keys
from backoffice.environment import Environment
from backoffice.management.commands import wrap_key
from connections.credentials import fernet, key_ids
from connections.models import AuditEvent
from connections.sources import SourceError
from connections.sources.address import Address
from connections.sources.key_services import AwsKms
from connections.wrapped_keys import parse_wrapped_key, parse_wrapping_key
from tests.fakes import NEWEST_KEY, OLDER_KEY, connect
from tests.httpserver import Answer, HttpServer, RawRequest

from .test_settings import KEYS, ROOT

TRANSIT = "vault-transit:transit/switchboard"
TOKEN = "hunter2-token"


class Transit(HttpServer):
    """A Vault with one key: its ciphertexts are the plaintext turned round, `version` beside it."""

    def __init__(self) -> None:
        self.version, self.refusal = 1, Answer()
        acts: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
            "encrypt": lambda given: {"ciphertext": self.wrapped(given["plaintext"])},
            "decrypt": lambda given: {"plaintext": self.opened(given["ciphertext"])},
            "rewrap": lambda given: {"ciphertext": self.wrapped(self.opened(given["ciphertext"]))},
        }

        def answering(act: str) -> Callable[[RawRequest], Answer]:
            def answer(request: RawRequest) -> Answer:
                if self.refusal.status != 200:
                    return self.refusal
                return Answer(body={"data": acts[act](json.loads(request.body))})

            return answer

        known = {f"/v1/transit/{act}/switchboard": answering(act) for act in acts}
        token = Answer(body={"data": {"ttl": 0, "renewable": False}})
        super().__init__({**known, "/v1/auth/token/lookup-self": token})

    def wrapped(self, text: str) -> str:
        return f"vault:v{self.version}:{text.rstrip('=')[::-1]}"

    def opened(self, ciphertext: str) -> str:
        text = ciphertext.rpartition(":")[2][::-1]
        return text + "=" * (-len(text) % 4)

    def entry(self, key: str) -> str:
        return f"{TRANSIT}:{self.wrapped(base64.b64encode(key.encode()).decode())}"


@pytest.fixture
def transit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transit]:
    with Transit() as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield server


def run(*arguments: str) -> tuple[str, str]:
    out, said = StringIO(), StringIO()
    call_command("wrap_key", *arguments, stdout=out, stderr=said)
    return out.getvalue().strip(), said.getvalue()


# At the start


def test_a_wrapped_key_is_opened_once_and_kept(settings, transit: Transit):
    entry = transit.entry(NEWEST_KEY)
    settings.FERNET_KEYS, references = read_keys(Environment({"FERNET_KEYS": entry}))
    assert fernet().decrypt(fernet().encrypt(b"a")) == b"a" and not references
    asked = transit.asked("/v1/transit/decrypt/switchboard")
    assert len(asked) == 1 and asked[0].values("X-Vault-Token") == [TOKEN]
    transit.refusal = Answer(503, {"errors": ["Vault is sealed"]})
    assert list(settings.FERNET_KEYS) == [NEWEST_KEY]


def test_the_vault_of_references_is_asked_with_its_options(settings, transit: Transit, monkeypatch):
    monkeypatch.delenv("VAULT_ADDR")
    address = f"vault+{transit.url}/secret/switchboard?namespace=ours"
    settings.CONNECTIONS_SOURCES = ["environment:", address]
    assert list(StoredKeys([transit.entry(NEWEST_KEY), OLDER_KEY])) == [NEWEST_KEY, OLDER_KEY]
    asked = transit.asked("/v1/transit/decrypt/switchboard")
    assert asked[0].values("X-Vault-Namespace") == ["ours"]


REFUSALS = {
    "no policy": (Answer(403, {"errors": ["permission denied"]}), "`update` on transit/decrypt"),
    "of another key": (Answer(400, {"errors": ["cipher: message auth"]}), "cipher: message auth"),
    "no such engine": (Answer(404, {"errors": ["no handler"]}), "no handler"),
    "sealed": (Answer(503, {"errors": ["Vault is sealed"]}), "sealed or in maintenance"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_the_service_said_and_what_to_do_are_told(transit: Transit, case: str):
    transit.refusal, said = REFUSALS[case]
    keys = StoredKeys([transit.entry(NEWEST_KEY)])
    with pytest.raises(ImproperlyConfigured) as refused:
        list(keys)
    text = str(refused.value)
    assert said in text and f"{TRANSIT} wraps cannot be opened. Vault at 127" in text
    assert TOKEN not in text and "vault:v1" not in text and NEWEST_KEY not in text
    transit.refusal = Answer()
    assert list(keys) == [NEWEST_KEY]


@pytest.mark.parametrize("key", ["hunter2", "hunter2" * 6, ""])
def test_what_is_wrapped_is_judged_as_any_key_and_not_shown(transit: Transit, key: str):
    with pytest.raises(ImproperlyConfigured) as refused:
        list(StoredKeys([transit.entry(key or " ")]))
    assert "hunter2" not in str(refused.value) and TRANSIT in str(refused.value)


def test_settings_and_the_audit_show_which_key_wraps(transit: Transit):
    env = Environment({"FERNET_KEYS": f"{transit.entry(NEWEST_KEY)},{OLDER_KEY}"})
    keys, _ = read_keys(env)
    assert list(keys) and f"{keys!r}" == "[***, ***]"
    assert env.variables["FERNET_KEYS"].text == f"{TRANSIT}:***,***"


@pytest.mark.parametrize(
    "entry",
    [
        *("vault-transit:transit", "vault-transit:switchboard:vault:v1:YWJj", f"{TRANSIT}:YWJj"),
        *("aws-kms:alias/switchboard", "aws-kms:alias/switchboard:vault:v1:", "aws-kms::YWJj"),
    ],
)
def test_a_part_of_an_entry_is_no_key(entry: str):
    with pytest.raises(ImproperlyConfigured, match=r"wrap(ping|ped) key"):
        read_keys(Environment({"FERNET_KEYS": entry}))


def test_a_store_of_references_holds_none(settings, transit: Transit):
    settings.CONNECTIONS_CONFIG = {"Switchboard": {"FernetKeys": transit.entry(NEWEST_KEY)}}
    with pytest.raises(ImproperlyConfigured, match="Put it into FERNET_KEYS itself"):
        list(StoredKeys(["$Switchboard:FernetKeys"]))


def test_a_server_does_not_start_without_its_key_service(transit: Transit):
    transit.refusal = REFUSALS["no policy"][0]
    own = {
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "FERNET_KEYS": transit.entry(NEWEST_KEY),
        "VAULT_ADDR": transit.url,
        "VAULT_TOKEN": TOKEN,
        "PORT": "8142",
    }
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"],
        cwd=ROOT,
        env={**KEYS, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{TRANSIT} wraps cannot be opened. Vault at" in done.stderr
    assert TOKEN not in done.stderr and "vault:v1" not in done.stderr


@pytest.mark.django_db
def test_checks_and_commands_say_so_without_a_traceback(settings, fake, transit: Transit):
    settings.FERNET_KEYS = [NEWEST_KEY]
    connect()
    settings.FERNET_KEYS = StoredKeys([transit.entry(NEWEST_KEY)])
    transit.refusal = REFUSALS["no policy"][0]
    for command in ("check", "rotate_credentials"):
        with pytest.raises(CommandError, match="cannot be opened"):
            call_command(command, stdout=StringIO(), stderr=StringIO())


# KMS

ARN = "arn:aws:kms:eu-west-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def made(key: str) -> tuple[AwsKms, Stubber]:
        service = AwsKms(Address("aws-kms", "eu-west-1", None, "", {}, ""), key)
        return service, Stubber(service._client)

    return made


@pytest.mark.parametrize(("key", "of_opening"), [(ARN, ARN), ("alias/switchboard", None)])
def test_kms_wraps_opens_and_wraps_again(kms, key: str, of_opening: str | None):
    service, stub = kms(key)
    opening = {"KeyId": of_opening} if of_opening else {}
    source = {"SourceKeyId": of_opening} if of_opening else {}
    stub.add_response("encrypt", {"CiphertextBlob": b"1"}, {"KeyId": key, "Plaintext": b"a"})
    stub.add_response("decrypt", {"Plaintext": b"a"}, {"CiphertextBlob": b"1", **opening})
    again = {"CiphertextBlob": b"1", "DestinationKeyId": key, **source}
    stub.add_response("re_encrypt", {"CiphertextBlob": b"2"}, again)
    with stub:
        wrapped = service.wrap(b"a")
        assert service.unwrap(wrapped) == b"a" and service.rewrap(wrapped) == "Mg=="


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InvalidCiphertextException", "(InvalidCiphertextException)"),
        ("AccessDeniedException", "kms:Decrypt"),
        ("UnrecognizedClientException", "AWS_PROFILE"),
        ("KMSInternalException", "does not answer"),
    ],
)
def test_kms_says_what_is_wrong(kms, code: str, said: str):
    service, stub = kms("alias/switchboard")
    status = 500 if code == "KMSInternalException" else 400
    stub.add_client_error("decrypt", code, "text of theirs", status)
    with stub, pytest.raises(SourceError) as refused:
        service.unwrap("YWJj")
    assert said in str(refused.value) and "AWS KMS eu-west-1" in str(refused.value)


def test_the_rights_for_wrapping_again_are_named_as_policies_spell_them(kms):
    service, stub = kms("alias/switchboard")
    stub.add_client_error("re_encrypt", "AccessDeniedException")
    with stub, pytest.raises(SourceError, match="kms:ReEncryptFrom, kms:ReEncryptTo"):
        service.rewrap("YWJj")


def test_a_key_may_be_named_by_id_arn_or_alias():
    for one in (ARN, "alias/switchboard", "1234abcd-12ab-34cd-56ef-1234567890ab"):
        assert parse_wrapped_key(f"aws-kms:{one}:YWI+/w==").by == parse_wrapping_key(
            f"aws-kms:{one}"
        )


# The command


@pytest.mark.django_db
def test_a_new_key_is_wrapped_and_told_without_its_text(settings, transit: Transit):
    settings.FERNET_KEYS = []
    entry, said = run("--with", TRANSIT)
    (key,) = StoredKeys([entry])
    assert len(key) == 44 and "in front of the others" in said
    event = AuditEvent.objects.get(action="keys.update")
    assert TRANSIT in event.body and key not in event.body and "vault:v1" not in event.body


@pytest.mark.django_db
def test_a_key_that_is_there_is_wrapped_and_still_opens_what_it_encrypted(
    settings, transit: Transit
):
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    stored, before = fernet().encrypt(b"a"), key_ids()
    entry, _ = run("--with", TRANSIT, "--key", "1")
    assert NEWEST_KEY not in entry
    settings.FERNET_KEYS = StoredKeys([entry, OLDER_KEY])
    assert fernet().decrypt(stored) == b"a" and key_ids() == before


@pytest.mark.django_db
def test_wrapping_again_takes_the_newest_version_and_keeps_the_data_keys(
    settings, transit: Transit
):
    given = [transit.entry(NEWEST_KEY), transit.entry(OLDER_KEY)]
    settings.FERNET_KEYS = StoredKeys(given)
    transit.version = 2
    value, _ = run("--again")
    assert value.count(":vault:v2:") == 2 and ":v1:" not in value
    assert list(StoredKeys(value.split(","))) == [NEWEST_KEY, OLDER_KEY]
    assert AuditEvent.objects.filter(action="keys.update").count() == 1


@pytest.mark.django_db
def test_wrapping_again_prints_no_key_that_is_in_clear(settings, transit: Transit):
    settings.FERNET_KEYS = StoredKeys([OLDER_KEY, transit.entry(NEWEST_KEY)])
    value, said = run("--again")
    assert value.startswith(f"2: {TRANSIT}") and OLDER_KEY not in value + said


def test_a_service_that_answers_another_key_wraps_nothing(settings, transit: Transit, monkeypatch):
    monkeypatch.setattr(transit, "opened", lambda _: base64.b64encode(b"other").decode())
    with pytest.raises(CommandError, match="something else than the data key"):
        run("--with", TRANSIT)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--with", "vault:switchboard"], "What --with names is not a wrapping key"),
        (["--with", TRANSIT, "--key", "9"], "no key 9"),
        (["--again", "--key", "1"], "goes with --with"),
        (["--again"], "No entry of FERNET_KEYS is wrapped"),
    ],
)
def test_what_the_command_cannot_do_it_says(settings, arguments: list[str], said: str):
    settings.FERNET_KEYS = [NEWEST_KEY]
    with pytest.raises(CommandError, match=said):
        run(*arguments)


def test_without_a_database_a_key_is_wrapped_all_the_same(transit: Transit, monkeypatch):
    def away(*_: Any, **__: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(wrap_key, "record", away)
    entry, said = run("--with", TRANSIT)
    assert entry.startswith(TRANSIT) and "no event" in said
