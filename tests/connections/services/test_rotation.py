"""Encrypting everything with the newest key, by service and by command."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connections import services
from connections.credentials import Undecryptable, key_id
from connections.models import Connection
from tests.connections.test_credentials import token_of
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, connect, reload

pytestmark = [pytest.mark.django_db, pytest.mark.server]
LOST_KEY = "lost-key-for-tests-only-0123456789abcdefgh"
NEW, OLD = key_id(NEWEST_KEY), key_id(OLDER_KEY)


@pytest.fixture
def rows(fake, settings) -> dict[str, Connection]:
    """One row per key, and their history: lost, old, new; and one without credentials.

    Newest and older key are set.
    """
    made = {}
    for name, key in (("lost", LOST_KEY), ("old", OLDER_KEY), ("new", NEWEST_KEY)):
        settings.FERNET_KEYS = [key]
        made[name] = connect(name=name)
    made["none"] = connect(name="none", settings={"api_key": "$Fake:ApiKey"})
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    return made


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_credentials", *arguments, stdout=out)
    return out.getvalue()


def test_the_report_counts_rows_and_history_per_key(rows: dict):
    report = services.key_report()
    assert (report.counts, report.unreadable, report.is_rotated) == ({NEW: 2, OLD: 2}, 2, False)


def test_rotation_encrypts_rows_and_history_with_the_newest_key(rows: dict):
    assert services.rotate_credentials() == 2
    report = services.key_report()
    assert (report.counts, report.unreadable, report.is_rotated) == ({NEW: 4, OLD: 0}, 2, True)


def test_after_a_rotation_the_older_key_is_not_needed(rows: dict, settings):
    services.rotate_credentials()
    settings.FERNET_KEYS = [NEWEST_KEY]
    row = reload(rows["old"])
    assert dict(row.credentials) == {"api_key": SECRET} and row.is_decryptable
    assert dict(row.history.get().credentials) == {"api_key": SECRET}


def test_what_no_key_opens_is_not_touched(rows: dict):
    before = token_of(rows["lost"]), reload(rows["lost"]).credentials_key
    services.rotate_credentials()
    assert (
        (token_of(rows["lost"]), reload(rows["lost"]).credentials_key)
        == before
        == (before[0], key_id(LOST_KEY))
    )
    assert isinstance(rows["lost"].history.get().credentials, Undecryptable)


def test_what_the_newest_key_opens_is_not_touched(rows: dict):
    before = token_of(rows["new"])
    services.rotate_credentials()
    assert token_of(rows["new"]) == before


def test_a_rotation_is_no_new_version_and_no_history(rows: dict):
    services.rotate_credentials()
    row = reload(rows["old"])
    assert (row.version, row.history.count(), row.date_modified) == (
        1,
        1,
        rows["old"].date_modified,
    )


def test_a_rotation_can_be_run_again(rows: dict):
    services.rotate_credentials()
    token = token_of(rows["old"])
    assert services.rotate_credentials() == 0
    assert token_of(rows["old"]) == token


def test_a_rotation_works_in_batches(fake, settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(services.rotation, "BATCH", 2)
    settings.FERNET_KEYS = [OLDER_KEY]
    for number in range(5):
        connect(name=f"Number {number}")
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    assert services.rotate_credentials() == 10
    assert services.key_report().counts == {NEW: 10, OLD: 0}


def test_a_save_that_came_between_is_not_overwritten(rows: dict, monkeypatch: pytest.MonkeyPatch):
    batch = services.rotation._rotate_batch

    def save_first(table, keys):
        services.update_connection(rows["old"], actor=None, settings={"api_key": OTHER_SECRET})
        return batch(table, keys)

    monkeypatch.setattr(services.rotation, "_rotate_batch", save_first)
    services.rotate_credentials()
    assert dict(reload(rows["old"]).credentials) == {"api_key": OTHER_SECRET}


def test_a_history_row_of_a_deleted_connection_is_rotated_too(rows: dict, settings):
    services.delete_connection(rows["old"], actor=None)
    services.rotate_credentials()
    assert services.key_report().is_rotated


# The command


def test_the_command_rotates_and_counts(rows: dict):
    lines = run().splitlines()
    assert lines == [
        "2 encrypted again with the newest key.",
        f"key 1 ({NEW}, newest): 4",
        f"key 2 ({OLD}): 0",
        "no key: 2",
    ]


def test_the_command_with_check_counts_and_fails_while_an_older_key_is_needed(rows: dict):
    out = StringIO()
    with pytest.raises(CommandError, match="An older key is still needed"):
        call_command("rotate_credentials", "--check", stdout=out)
    assert out.getvalue().splitlines() == [
        f"key 1 ({NEW}, newest): 2",
        f"key 2 ({OLD}): 2",
        "no key: 2",
    ]


def test_the_command_with_check_fails_otherwise_where_no_key_opens_something(rows: dict):
    run()
    with pytest.raises(CommandError, match="No key opens 2") as refused:
        run("--check")
    assert refused.value.returncode == 3


def test_the_command_with_check_writes_nothing(rows: dict):
    before = token_of(rows["old"])
    with pytest.raises(CommandError):
        run("--check")
    assert token_of(rows["old"]) == before


def test_the_command_with_check_passes_after_a_rotation(rows: dict, settings):
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY, LOST_KEY]
    run()
    assert run("--check").startswith(f"key 1 ({NEW}, newest): 6")


def test_the_command_can_be_run_again(rows: dict):
    run()
    assert run().startswith("0 encrypted again")


def test_the_command_without_keys_says_so(settings):
    settings.FERNET_KEYS = []
    with pytest.raises(CommandError, match="FERNET_KEYS is not set"):
        run()


def test_the_command_prints_no_key_and_no_secret(rows: dict):
    said = run()
    assert all(word not in said for word in (NEWEST_KEY, OLDER_KEY, SECRET))
