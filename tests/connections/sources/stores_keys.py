"""Wrapped data keys against OpenBao's Transit and moto's KMS. Run by `make test-stores`, as
stores.py is.
"""

from io import StringIO
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from backoffice.encryption_keys import StoredKeys
from connections.credentials import fernet, key_ids
from tests.documents.blocks import blocks_of
from tests.fakes import NEWEST_KEY

from .stores import OpenBao
from .stores import _no_token as _no_token
from .stores import aws as aws
from .stores import bao as bao
from .stores import moto as moto

pytestmark = pytest.mark.django_db
(POLICY,) = [one.text for one in blocks_of("docs/references.md") if "transit/" in one.text]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("wrap_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_transit_wraps_opens_and_is_rotated_by_wrapping_again(
    bao: OpenBao, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    bao.root.sys.enable_secrets_engine("transit")
    transit = bao.root.secrets.transit
    transit.create_key("switchboard")
    bao.root.sys.create_or_update_policy("wrapping", POLICY)
    token = bao.root.auth.token.create(policies=["wrapping"], ttl="1h")["auth"]["client_token"]
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{bao.port}")
    monkeypatch.setenv("VAULT_TOKEN", token)
    settings.FERNET_KEYS = [NEWEST_KEY]
    stored, ids = fernet().encrypt(b"a"), key_ids()

    first = run("--with", "vault-transit:transit/switchboard", "--key", "1")
    assert ":vault:v1:" in first and NEWEST_KEY not in first
    settings.FERNET_KEYS = StoredKeys([first])
    assert fernet().decrypt(stored) == b"a" and key_ids() == ids

    transit.rotate_key("switchboard")
    second = run("--again")
    assert ":vault:v2:" in second
    transit.update_key_configuration("switchboard", min_decryption_version=2)
    settings.FERNET_KEYS = StoredKeys([second])
    assert fernet().decrypt(stored) == b"a" and key_ids() == ids
    with pytest.raises(ImproperlyConfigured, match="too old"):
        list(StoredKeys([first]))

    bao.root.sys.create_or_update_policy("wrapping", 'path "else" { capabilities = ["read"] }')
    with pytest.raises(ImproperlyConfigured, match="`update` on transit/decrypt/switchboard"):
        list(StoredKeys([second]))


def test_kms_wraps_opens_and_an_alias_moves_to_a_newer_key(
    aws: str, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    client = boto3.client("kms", region_name="eu-west-1")
    older, newer = (client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    client.create_alias(AliasName="alias/switchboard", TargetKeyId=older)
    settings.FERNET_KEYS = [NEWEST_KEY]
    stored, ids = fernet().encrypt(b"a"), key_ids()

    first = run("--with", "aws-kms:alias/switchboard", "--key", "1")
    settings.FERNET_KEYS = StoredKeys([first])
    assert fernet().decrypt(stored) == b"a" and key_ids() == ids

    client.update_alias(AliasName="alias/switchboard", TargetKeyId=newer)
    second = run("--again")
    settings.FERNET_KEYS = StoredKeys([second])
    assert fernet().decrypt(stored) == b"a" and key_ids() == ids and second != first
    by_older, by_newer = (one.rpartition(":")[2] for one in (first, second))
    for entry in (f"aws-kms:{newer}:{by_older}", f"aws-kms:{older}:{by_newer}"):
        with pytest.raises(ImproperlyConfigured, match=r"cannot be opened. AWS KMS eu-west-1"):
            list(StoredKeys([entry]))
    assert list(StoredKeys([f"aws-kms:{newer}:{by_newer}"])) == [NEWEST_KEY]
