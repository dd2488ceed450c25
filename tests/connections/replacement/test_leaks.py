"""A leaked key: whose it is, and what is done about it."""

import pytest
from django.core.exceptions import PermissionDenied

from connections import services
from connections.errors import Invalid
from connections.models import Connection, SecretFingerprints
from connections.replacement.services import (
    begin_replacement,
    find_key,
    refresh_fingerprints,
    replace_key,
    report_leak,
    same_key,
)
from tests.fakes import OLDER_KEY, OTHER_SECRET, SECRET, connect, reload

from .conftest import NEXT

pytestmark = pytest.mark.django_db


def told(secret: str, actor: object = None) -> list[tuple[str, str]]:
    return [
        (place.what, place.row.alias if place.row else "")
        for place in find_key(secret, actor=actor)
    ]


@pytest.mark.server
def test_a_key_in_use_is_found_whatever_is_saved_around_it(connection, fake, operator):
    assert told(f"  {SECRET}\n", operator) == [("in use as api_key", connection.alias)]
    assert told("sk-nobody-has-this") == []
    settings = {"api_key": OTHER_SECRET}
    services.update_connection(connection, actor=None, settings=settings, merge=True)
    assert told(OTHER_SECRET) == [("in use as api_key", connection.alias)]
    assert told(SECRET) == [("in a version of before", connection.alias)]


@pytest.mark.server
def test_a_key_of_a_deleted_connection_is_found_in_its_history(connection, fake):
    services.delete_connection(connection, actor=None)
    assert told(SECRET) == [("in a version of a deleted connection", "")]


def test_keys_of_replacements_are_found(connection, taken):
    begin_replacement(connection, {"api_key": NEXT}, actor=None)
    assert ("the next key of a replacement", connection.alias) in told(NEXT)


def test_a_previous_key_is_found(connection, taken):
    replace_key(connection, {"api_key": NEXT}, actor=None)
    assert ("a key that is kept", connection.alias) in told(SECRET)


def test_a_key_behind_a_reference_is_found(fake, monkeypatch):
    monkeypatch.setenv("Fake__ApiKey", OTHER_SECRET)
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    assert told(OTHER_SECRET) == [("behind $Fake:ApiKey", row.alias)]


def test_a_token_of_our_own_is_found(administrator):
    row, text = services.create_token("ci", user=administrator, actor=None, scopes=["admin"])
    assert told(text) == [(f"the token ci ({row.prefix}…)", "")]


@pytest.mark.server
def test_fingerprints_outlive_a_rotation_of_our_keys(connection, fake, settings):
    refresh_fingerprints()
    before = SecretFingerprints.objects.get().current
    settings.FERNET_KEYS = [OLDER_KEY, *settings.FERNET_KEYS]
    assert told(SECRET) and SecretFingerprints.objects.get().current != before
    services.rotate_credentials()
    settings.FERNET_KEYS = [OLDER_KEY]
    assert told(SECRET) == [("in use as api_key", connection.alias)]


def test_a_save_keeps_the_fingerprints_of_what_it_stores(connection, fake):
    made = SecretFingerprints.objects.get()
    settings = {"api_key": OTHER_SECRET}
    services.update_connection(connection, actor=None, settings=settings, merge=True)
    now = SecretFingerprints.objects.get()
    assert now.past == list(made.current.values()) and now.current != made.current
    assert refresh_fingerprints() == 0


@pytest.mark.server
def test_many_rows_at_once_keep_theirs_and_a_switch_makes_none(connection, fake):
    row = reload(connection)
    row.credentials = {"api_key": OTHER_SECRET}
    row.settings_version = row.version + 1
    services.save_versions([row], None)
    before = SecretFingerprints.objects.get()
    services.set_active(row, False, actor=None)
    assert refresh_fingerprints() == 0 and len(before.past) == 1


def test_fingerprints_do_not_show_the_key(connection, fake):
    refresh_fingerprints()
    row = SecretFingerprints.objects.get()
    assert SECRET not in str((row.current, row.past)) and len(row.current["api_key"]) == 64


def test_nothing_is_made_anew_while_nothing_changes(connection, fake):
    SecretFingerprints.objects.all().delete()
    assert [refresh_fingerprints() for _ in range(2)] == [1, 0]


@pytest.mark.server
def test_connections_with_the_same_key_are_found(connection, fake):
    other = connect(name="Other")
    connect(name="Third", settings={"api_key": OTHER_SECRET})
    assert same_key(reload(connection)) == [other]


def test_a_leaked_key_switches_its_connection_off(connection, fake, operator):
    leak = report_leak(connection, actor=operator, revoke=True)
    assert not reload(connection).is_active and leak.revoked == leak.failed == ""
    assert "known to others" in " ".join(services.versions(reload(connection))[0].changes)


def test_a_service_that_can_revoke_is_asked_to(connection, fake):
    fake.revoke = lambda self: f"{self.name} has revoked it."
    assert report_leak(connection, actor=None, revoke=True).revoked == "Fake has revoked it."


def test_a_viewer_may_neither_search_nor_report(connection, fake, viewer):
    for act in (
        lambda: find_key(SECRET, actor=viewer),
        lambda: report_leak(connection, actor=viewer, revoke=False),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert reload(connection).is_active


def test_an_empty_text_is_no_key(operator):
    with pytest.raises(Invalid):
        find_key("  ", actor=operator)


def test_a_lost_encryption_key_is_no_reason_to_fail(connection, fake, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    assert told(SECRET) == [] and Connection.objects.count() == 1
