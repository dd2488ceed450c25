"""FERNET_KEYS in a file or in a secret store."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice.encryption_keys import StoredKeys, read_keys
from backoffice.environment import Environment
from connections import conf
from connections.credentials import fernet, key_ids
from connections.references import State
from connections.resolving import MACHINE
from tests.fakes import NEWEST_KEY, OLDER_KEY

from .test_settings import KEYS, ROOT

REFERENCE = "$Switchboard:FernetKeys"


def held(settings: Any, value: str) -> None:
    settings.CONNECTIONS_CONFIG = {"Switchboard": {"FernetKeys": value}} if value else {}


def test_keys_of_a_store_are_asked_for_once_and_kept(settings):
    held(settings, f"{NEWEST_KEY}, {OLDER_KEY}")
    settings.FERNET_KEYS = StoredKeys([REFERENCE])
    assert fernet().decrypt(fernet().encrypt(b"a")) == b"a" and len(key_ids()) == 2
    held(settings, "")
    assert list(settings.FERNET_KEYS) == [NEWEST_KEY, OLDER_KEY]


def test_a_store_that_is_away_says_what_to_do_and_is_asked_again(settings):
    held(settings, "")
    keys = settings.FERNET_KEYS = StoredKeys([REFERENCE, OLDER_KEY])
    with pytest.raises(ImproperlyConfigured, match=r"\$Switchboard:FernetKeys cannot be read"):
        fernet()
    held(settings, NEWEST_KEY)
    assert list(keys) == [NEWEST_KEY, OLDER_KEY]


@pytest.mark.parametrize("value", ["hunter2", "hunter2" * 6, "your-key-here"])
def test_what_a_store_holds_is_judged_as_any_key_and_not_shown(settings, value: str):
    held(settings, value)
    with pytest.raises(ImproperlyConfigured) as refused:
        list(StoredKeys([REFERENCE]))
    assert "hunter2" not in str(refused.value) and REFERENCE in str(refused.value)


def test_no_text_of_them_shows_one(settings):
    held(settings, NEWEST_KEY)
    keys = StoredKeys([REFERENCE, OLDER_KEY])
    assert list(keys) and f"{keys!r} {keys}" == "[***, ***] [***, ***]"


def test_no_connection_may_refer_to_the_section_that_holds_them(settings):
    settings.FERNET_KEY_REFERENCES = [REFERENCE]
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Switchboard"]
    held(settings, NEWEST_KEY)
    for one in (REFERENCE, "$switchboard:fernetkeys", "$Switchboard:Other"):
        found = conf.resolver().resolve(one, True, MACHINE)
        assert (found.state, found.value) == (State.DENIED, None)
    assert conf.resolve_own(REFERENCE).value == NEWEST_KEY


def test_a_file_may_hold_them(tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(f"{NEWEST_KEY}\n{OLDER_KEY}\n")
    assert read_keys(Environment({"FERNET_KEYS_FILE": str(file)})) == ([NEWEST_KEY, OLDER_KEY], [])
    both = {"FERNET_KEYS_FILE": str(file), "FERNET_KEYS": NEWEST_KEY}
    with pytest.raises(ImproperlyConfigured, match="both set"):
        read_keys(Environment(both))


def test_a_server_does_not_start_without_the_keys_of_its_store():
    store = {"FERNET_KEYS": REFERENCE, "CONNECTIONS_SOURCES": "vault+http://127.0.0.1:9/secret/a"}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    own = {
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "VAULT_TOKEN": "hunter2",
        "PORT": "8141",
    }
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**KEYS, **own, **store},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{REFERENCE} cannot be read" in done.stderr and "Vault at" in done.stderr
    assert "hunter2" not in done.stderr
