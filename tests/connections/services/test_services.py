"""Connections through the one door: create, change, switch, delete, use."""

import threading
import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database

from connections import display, runtime, services
from connections.credentials import Undecryptable
from connections.models import RESERVED_ALIASES, Connection, Profile
from connections.packages import services as package_services
from providers.core.base import Capability
from tests.fakes import OLDER_KEY, OTHER_SECRET, SECRET, connect, fake_provider, profile_of, reload

pytestmark = pytest.mark.django_db
ADDRESS = "https://elsewhere.example.com/v1"


def refused(act: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    """The codes of what a service refuses, by field."""
    with pytest.raises(services.Invalid) as caught:
        act(*arguments, **named)
    return {error.field: error.code for error in caught.value.errors}


def update(row: Connection, **changes: Any) -> services.Saved:
    return services.update_connection(row, actor=None, **changes)


@pytest.fixture
def lost(connection: Connection, settings) -> Connection:
    """A connection whose key is gone."""
    settings.FERNET_KEYS = [OLDER_KEY]
    return reload(connection)


# Creating


@pytest.mark.server
def test_a_connection_is_created_as_its_first_version(fake, operator):
    row = reload(connect(actor=operator, name=" My account ", tags=["b", "a", "b "]))
    assert (row.name, row.alias, row.tags, row.is_active, row.version) == (
        "My account",
        "my-account",
        ["b", "a"],
        True,
        1,
    )
    assert (row.created_by, row.modified_by, row.history.get().history_user) == (
        operator,
        operator,
        operator,
    )


def test_a_literal_secret_and_plain_settings_are_kept_apart(fake):
    row = reload(
        connect(
            settings={
                "api_key": SECRET,
                "organization": "org-1",
                "samples": "3",
                "fast": "true",
                "spare_key": "",
            }
        )
    )
    assert row.settings == {"organization": "org-1", "samples": 3, "fast": True}
    assert dict(row.credentials) == {"api_key": SECRET}


def test_a_reference_is_stored_as_typed_and_nothing_is_encrypted(fake):
    row = reload(connect(settings={"api_key": "$Fake:ApiKey"}))
    assert (row.settings, row.credentials, row.credentials_key) == (
        {"api_key": "$Fake:ApiKey"},
        None,
        None,
    )


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("OpenAI Production", "openai-production"),
        ("Ünïcödé!", "unicode"),
        ("日本", "connection"),
        ("a__b  c--d", "a-b-c-d"),
        ("Test", "test-2"),
    ],
)
def test_an_empty_alias_is_made_from_the_name(fake, name: str, alias: str):
    assert connect(name=name).alias == alias


def test_a_made_alias_is_one_that_nothing_has(fake):
    assert [connect(name="Same").alias for _ in range(3)] == ["same", "same-2", "same-3"]


def test_a_made_alias_of_a_long_name_is_short_enough(fake):
    assert len(connect(name="x" * 255).alias) <= 100


BAD_ALIASES = {
    "upper case": "Production",
    "spaces": "my alias",
    "a blank": " ",
    "101 characters": "a" * 101,
    "an underscore": "a_b",
    "two hyphens": "a--b",
    "a hyphen first": "-a",
    "a hyphen last": "a-",
    "a line break": "a\n",
    "a letter that is not ASCII": "ä",
    "a slash": "a/b",
    "an id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "an id without hyphens": "7c9e6679742540de944be07fc1f90ae7",
    "an id of digits": "1" * 32,
    **{f"reserved: {word}": word for word in sorted(RESERVED_ALIASES)},
}


@pytest.mark.parametrize("alias", BAD_ALIASES.values(), ids=BAD_ALIASES)
def test_a_bad_alias_is_refused_at_its_field(fake, alias: str):
    assert list(refused(connect, alias=alias)) == ["alias"]
    assert not Connection.objects.exists()


@pytest.mark.server
def test_an_alias_of_100_characters_is_good(fake):
    assert connect(alias="a" * 100).alias == "a" * 100


@pytest.mark.server
def test_a_taken_alias_is_refused_at_its_field(connection: Connection):
    assert refused(connect, alias=connection.alias) == {"alias": "unique"}


@pytest.mark.server
def test_an_alias_of_a_profile_may_be_that_of_a_connection(connection: Connection):
    assert profile_of(connection, alias=connection.alias).alias == connection.alias


def test_an_unknown_provider_is_refused_at_its_field():
    assert refused(connect, "nobody") == {"provider_id": "unknown_provider"}


@pytest.mark.server
@pytest.mark.parametrize(
    ("columns", "field"),
    [
        *[
            ({"name": ""}, "name"),
            ({"name": "   "}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"tags": "a"}, "tags"),
            ({"tags": ["x" * 51]}, "tags"),
        ],
        *[
            ({"tags": ["a,b"]}, "tags"),
            ({"tags": [1]}, "tags"),
            ({"tags": [f"t{n}" for n in range(51)]}, "tags"),
            ({"name": "a\x00b"}, "name"),
        ],
    ],
)
def test_a_bad_column_is_refused_at_its_field(fake, columns: dict, field: str):
    assert list(refused(connect, alias="fine", **columns)) == [field]


BAD_SETTINGS = [
    ({}, {"settings.api_key": "required"}),
    ({"api_key": "key", "samples": "many"}, {"settings.samples": "int_parsing"}),
    ({"api_key": "key", "samples": "10"}, {"settings.samples": "less_than_equal"}),
    ({"api_key": "key", "region": "mars"}, {"settings.region": "literal_error"}),
    ({"api_key": "key", "fast": "maybe"}, {"settings.fast": "bool_parsing"}),
    ({"api_key": "key", "base_url": "no address"}, {"settings.base_url": "url"}),
    ({"api_key": "key", "base_url": "file:///etc/passwd"}, {"settings.base_url": "url"}),
    (
        {"api_key": "key", "base_url": "http://169.254.169.254/"},
        {"settings.base_url": "blocked_address"},
    ),
    ({"api_key": "key", "no_such": "x"}, {"settings.no_such": "unknown_field"}),
    ({"api_key": "key", "no_such": "$Fake:Missing"}, {"settings.no_such": "unknown_field"}),
    ({"api_key": "a\nb"}, {"settings.api_key": "line_break"}),
    ({"api_key": "sk-***"}, {"settings.api_key": "masked_value"}),
    ({"api_key": "$"}, {"settings.api_key": "invalid_reference"}),
    ({"api_key": "$:"}, {"settings.api_key": "invalid_reference"}),
    ({"api_key": "$A"}, {"settings.api_key": "invalid_reference"}),
    ({"api_key": "$A:"}, {"settings.api_key": "invalid_reference"}),
    ({"api_key": "$" + "x" * 10_000}, {"settings.api_key": "invalid_reference"}),
    ({"api_key": "$Database:Url"}, {"settings.api_key": "denied_reference"}),
    ({"api_key": "$Env:HOME"}, {"settings.api_key": "denied_reference"}),
    (
        {"api_key": "key", "organization": "$Fake:ApiKey"},
        {"settings.organization": "denied_reference"},
    ),
    ({"api_key": 5}, {"settings.api_key": "string_type"}),
    ({"api_key": ["key"]}, {"settings.api_key": "string_type"}),
    ({"api_key": "key", "organization": {"a": 1}}, {"settings.organization": "string_type"}),
    (
        {"samples": "many", "region": "mars"},
        {
            "settings.api_key": "required",
            "settings.samples": "int_parsing",
            "settings.region": "literal_error",
        },
    ),
]


@pytest.mark.parametrize(("settings_given", "expected"), BAD_SETTINGS, ids=range(len(BAD_SETTINGS)))
def test_a_bad_setting_is_refused_at_its_field(fake, settings_given: dict, expected: dict):
    assert refused(connect, settings=settings_given) == expected
    assert not Connection.objects.exists()


def test_every_wrong_field_is_told_at_once(fake):
    assert set(refused(connect, name="", alias="A B", tags=["a,b"], settings={})) == {
        "name",
        "alias",
        "tags",
        "settings.api_key",
    }


def test_no_refusal_repeats_a_secret(fake):
    with pytest.raises(services.Invalid) as caught:
        connect(
            settings={
                "api_key": f"{SECRET}\n{SECRET}",
                "organization": SECRET * 3000,
                "base_url": SECRET,
            }
        )
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.errors}"


def test_a_key_with_blanks_and_line_breaks_around_is_stripped_and_it_says_so(fake):
    saved = services.create_connection(
        "fake", actor=None, name="A", settings={"api_key": f"\n  {SECRET} \r\n"}
    )
    assert dict(reload(saved.row).credentials) == {"api_key": SECRET}
    assert [notice.code for notice in saved.notices] == ["stripped"]


def test_a_missing_reference_is_saved_with_a_notice_that_names_key_and_cure(fake):
    saved = services.create_connection(
        "fake", actor=None, name="A", settings={"api_key": "$Fake:ApiKey"}
    )
    (notice,) = saved.notices
    assert (notice.field, notice.code) == ("settings.api_key", "missing_reference")
    assert "$Fake:ApiKey" in notice.message and "Fake__ApiKey" in notice.message


def test_a_source_that_fails_is_saved_with_a_notice(fake, settings, tmp_path):
    settings.CONNECTIONS_SECRETS_DIR = str(tmp_path / "gone")
    saved = services.create_connection(
        "fake", actor=None, name="A", settings={"api_key": "$Fake:ApiKey"}
    )
    assert [notice.code for notice in saved.notices] == ["error_reference"]


def test_a_wrong_value_behind_a_reference_is_told_without_it(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"Samples": "secret-lot"}}
    with pytest.raises(services.Invalid, match=r"\$Fake:Samples") as caught:
        connect(settings={"api_key": "key", "samples": "$Fake:Samples"})
    assert "secret-lot" not in str(caught.value)


@pytest.mark.server
def test_a_failed_save_leaves_no_half_of_a_row(fake):
    refused(connect, settings={"api_key": SECRET, "samples": "many"})
    assert not Connection.objects.exists() and not Connection.history.exists()


def test_without_an_encryption_key_only_references_can_be_saved(fake, settings):
    settings.FERNET_KEYS = []
    assert refused(connect) == {"settings.api_key": "no_encryption_key"}
    assert connect(settings={"api_key": "$Fake:ApiKey"}).pk


# Two at once


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_of_two_saves_of_one_alias_one_wins_and_the_other_is_told_at_the_field(
    monkeypatch: pytest.MonkeyPatch,
):
    both_looked, race = threading.Barrier(2, timeout=10), services.connections.alias_race

    def wait_and_race(row: Connection) -> Any:
        both_looked.wait()
        return race(row)

    monkeypatch.setattr(services.connections, "alias_race", wait_and_race)
    with fake_provider():
        outcomes = at_once(lambda: connect(alias="production").alias, both_looked)
    assert sorted(outcomes, key=str) == ["production", {"alias": "unique"}]
    assert Connection.objects.count() == Connection.history.count() == 1


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_of_two_profiles_of_one_alias_one_wins():
    with fake_provider():
        row = connect()
        outcomes = at_once(lambda: profile_of(row, alias="answers").alias)
    assert sorted(outcomes, key=str) == ["answers", {"alias": "unique"}]
    assert Profile.objects.count() == 1


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_edit_one_version_the_second_is_told():
    with fake_provider():
        row = connect()
        outcomes = at_once(
            lambda: (
                update(row, name=threading.current_thread().name, expected_version=1).row.version
            )
        )
    assert sorted(outcomes, key=str) == [2, "Stale"]


def at_once(act: Any, meet: Any = None) -> list[Any]:
    """What two threads get that do the same at the same moment; they wait for each other first, or
    where `meet` says.
    """
    outcomes: list[Any] = []
    ready = meet or threading.Barrier(2, timeout=10)

    def run() -> None:
        try:
            if not meet:
                ready.wait()
            outcomes.append(act())
        except services.Invalid as error:
            outcomes.append({one.field: one.code for one in error.errors})
        except services.Stale:
            outcomes.append("Stale")
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# Changing


@pytest.mark.server
def test_a_change_is_the_next_version_with_a_history_row(connection: Connection, operator):
    saved = services.update_connection(connection, actor=operator, name="Renamed")
    row = reload(connection)
    assert saved.changed and (row.name, row.version, row.modified_by) == ("Renamed", 2, operator)
    assert [one.version for one in row.history.all()] == [
        2,
        1,
    ] and row.history.first().history_user == operator


def test_nothing_given_changes_nothing(connection: Connection):
    assert update(connection).changed is False
    assert reload(connection).version == 1 and connection.history.count() == 1


def test_a_save_without_settings_keeps_them(fake):
    row = connect(settings={"api_key": SECRET, "organization": "org-1"})
    update(row, name="Renamed")
    assert (reload(row).settings, dict(reload(row).credentials)) == (
        {"organization": "org-1"},
        {"api_key": SECRET},
    )


def test_given_settings_replace_the_plain_ones(fake):
    row = connect(settings={"api_key": SECRET, "organization": "org-1", "samples": 3})
    update(row, settings={"samples": 4})
    assert reload(row).settings == {"samples": 4}


@pytest.mark.server
@pytest.mark.parametrize(
    "posted",
    [{}, {"api_key": ""}, {"api_key": "  "}, {"api_key": "sk-***"}],
    ids=["absent", "empty", "blank", "mask"],
)
def test_a_secret_left_empty_stays(connection: Connection, posted: dict):
    update(connection, settings=posted)
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


def test_a_cleared_secret_is_gone(fake):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    update(row, settings={"spare_key": None})
    assert dict(reload(row).credentials) == {"api_key": SECRET}


def test_a_required_secret_cannot_be_cleared(connection: Connection):
    assert refused(update, connection, settings={"api_key": None}) == {
        "settings.api_key": "required"
    }
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


def test_a_new_secret_replaces_the_old_one(connection: Connection):
    update(connection, settings={"api_key": OTHER_SECRET})
    assert dict(reload(connection).credentials) == {"api_key": OTHER_SECRET}


def test_a_reference_replaces_a_literal_and_leaves_nothing_behind(connection: Connection):
    update(connection, settings={"api_key": "$Fake:ApiKey"})
    row = reload(connection)
    assert (row.settings, row.credentials, row.credentials_key) == (
        {"api_key": "$Fake:ApiKey"},
        None,
        None,
    )


def test_a_literal_replaces_a_reference(fake):
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    update(row, settings={"api_key": SECRET})
    assert (reload(row).settings, dict(reload(row).credentials)) == ({}, {"api_key": SECRET})


@pytest.mark.parametrize("mask", ["***", "pk-***", "*****", "•••••"])
def test_a_mask_that_is_not_the_own_one_is_refused(connection: Connection, mask: str):
    assert refused(update, connection, settings={"api_key": mask}) == {
        "settings.api_key": "masked_value"
    }
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


@pytest.mark.parametrize("fixed", [{"alias": "other"}, {"provider_id": "echo"}])
def test_what_is_fixed_is_refused(connection: Connection, fixed: dict):
    assert refused(update, connection, **fixed) == dict.fromkeys(fixed, "immutable")


def test_what_is_fixed_may_be_sent_unchanged(connection: Connection):
    assert update(connection, alias=connection.alias, provider_id="fake").changed is False


@pytest.mark.server
def test_the_second_of_two_editors_is_told_who_was_first(connection: Connection, operator):
    services.update_connection(connection, actor=operator, expected_version=1, name="First")
    with pytest.raises(
        services.Stale, match=r"olaf changed this.*version 2 now\. Nothing was saved"
    ) as caught:
        update(connection, expected_version=1, name="Second")
    assert caught.value.current.name == reload(connection).name == "First"


@pytest.mark.server
def test_an_old_row_writes_nothing_old_back(connection: Connection):
    old = reload(connection)
    update(connection, name="Renamed", settings={"api_key": OTHER_SECRET})
    services.set_active(old, False, actor=None)
    row = reload(connection)
    assert (row.name, dict(row.credentials), row.is_active, row.version) == (
        "Renamed",
        {"api_key": OTHER_SECRET},
        False,
        3,
    )


# An address that changes


def test_a_stored_key_does_not_follow_a_new_address(connection: Connection):
    with pytest.raises(
        services.Invalid, match="Enter the API key again, because the endpoint changed"
    ) as caught:
        update(connection, settings={"base_url": ADDRESS})
    assert [error.code for error in caught.value.errors] == ["secret_required"]
    assert reload(connection).settings == {}


def test_a_stored_key_is_not_tested_against_a_new_address(connection: Connection, fake):
    posted = {"base_url": ADDRESS, "api_key": ""}
    found = refused(services.test_settings, "fake", posted, actor=None, connection=connection)
    assert found == {"settings.api_key": "secret_required"}
    assert fake.asked == []


def test_a_mask_does_not_follow_a_new_address_either(connection: Connection):
    assert refused(update, connection, settings={"base_url": ADDRESS, "api_key": "sk-***"}) == {
        "settings.api_key": "secret_required"
    }


def test_a_key_entered_again_goes_to_a_new_address(connection: Connection):
    update(connection, settings={"base_url": ADDRESS, "api_key": SECRET})
    assert reload(connection).settings == {"base_url": ADDRESS}


def test_every_kept_key_is_asked_for_again(fake):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    assert refused(update, row, settings={"base_url": ADDRESS, "api_key": SECRET}) == {
        "settings.spare_key": "secret_required"
    }


def test_a_reference_follows_a_new_address(fake):
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    assert update(row, settings={"base_url": ADDRESS}).changed


def test_the_default_address_written_out_is_no_change(connection: Connection):
    assert update(connection, settings={"base_url": "https://fake.example.com/v1"}).row.version == 2


def test_an_address_behind_another_reference_is_a_change(connection: Connection):
    assert refused(update, connection, settings={"base_url": "$Fake:BaseUrl"}) == {
        "settings.api_key": "secret_required"
    }


def test_an_address_that_falls_back_to_its_default_is_a_change(fake):
    row = connect(settings={"api_key": SECRET, "base_url": ADDRESS})
    assert refused(update, row, settings={}) == {"settings.api_key": "secret_required"}


def test_undecryptable_credentials_do_not_follow_a_new_address(lost: Connection):
    assert refused(update, lost, settings={"base_url": ADDRESS}) == {
        "settings.api_key": "secret_required"
    }


def test_a_host_that_is_not_listed_is_refused(fake, settings):
    settings.CONNECTIONS_EGRESS_ALLOW = ["fake.example.com"]
    assert refused(connect, settings={"api_key": "key", "base_url": ADDRESS}) == {
        "settings.base_url": "blocked_address"
    }


# A lost key


def test_undecryptable_credentials_are_kept_by_a_save_of_other_settings(lost: Connection, settings):
    saved = update(lost, name="Renamed", settings={"organization": "org-1"})
    assert saved.changed and isinstance(reload(lost).credentials, Undecryptable)
    settings.FERNET_KEYS = [OLDER_KEY, "newest-key-for-tests-only-0123456789abcdef"]
    assert dict(reload(lost).credentials) == {"api_key": SECRET}


def test_undecryptable_credentials_are_replaced_by_what_is_entered_and_it_says_so(lost: Connection):
    saved = update(lost, settings={"api_key": OTHER_SECRET})
    assert (
        dict(reload(lost).credentials) == {"api_key": OTHER_SECRET} and reload(lost).is_decryptable
    )
    assert "replaced_undecryptable" in [notice.code for notice in saved.notices]


def test_undecryptable_credentials_are_shown_as_a_mask(lost: Connection):
    assert display.public_settings(lost) == dict.fromkeys(
        ("api_key", "spare_key", "proxy_password"), "***"
    )


def test_undecryptable_credentials_are_switched_and_deleted(lost: Connection):
    services.set_active(lost, False, actor=None)
    assert reload(lost).is_active is False
    services.delete_connection(lost, actor=None)
    assert not Connection.objects.exists()


# Switching and deleting


@pytest.mark.server
def test_switching_is_a_version_with_a_history_row(connection: Connection, operator):
    saved = services.set_active(connection, False, actor=operator)
    row = reload(connection)
    assert (saved.changed, row.is_active, row.version, row.modified_by) == (
        True,
        False,
        2,
        operator,
    )
    assert [change for version in services.versions(row) for change in version.changes] == [
        "switched off",
        "created",
    ]


def test_switching_to_what_it_is_changes_nothing(connection: Connection):
    assert services.set_active(connection, True, actor=None).changed is False
    assert reload(connection).version == 1


@pytest.mark.server
def test_a_connection_that_a_profile_needs_is_not_deleted(connection: Connection):
    profile = profile_of(connection)
    with pytest.raises(services.InUse, match="Still used by Answers") as caught:
        services.delete_connection(connection, actor=None)
    assert caught.value.dependents == (profile,) and reload(connection)


@pytest.mark.server
def test_a_connection_that_somebody_changed_meanwhile_is_not_deleted(connection: Connection):
    services.update_connection(connection, actor=None, name="Renamed")
    with pytest.raises(services.Stale):
        services.delete_connection(connection, actor=None, expected_version=1)
    assert reload(connection)
    services.delete_connection(connection, actor=None, expected_version=2)
    assert not Connection.objects.exists()


@pytest.mark.server
def test_a_deleted_connection_keeps_its_history_without_a_secret_in_clear(
    connection: Connection, administrator
):
    services.delete_connection(connection, actor=administrator)
    newest = Connection.history.first()
    assert not Connection.objects.exists()
    assert (newest.history_type, newest.history_user, newest.alias) == (
        "-",
        administrator,
        "production",
    )


@pytest.mark.server
def test_profiles_move_to_another_connection(connection: Connection):
    profile, other = profile_of(connection), connect(name="Other")
    assert services.move_profiles(connection, other, actor=None).number == 1
    assert (reload(profile).connection, reload(profile).version) == (other, 2)


def test_profiles_do_not_move_to_a_connection_that_cannot_serve_them(connection: Connection):
    profile = profile_of(connection, capability="Embedding")
    with fake_provider(id="chat-only", section="ChatOnly", capabilities=(Capability.CHAT,)):
        found = refused(services.move_profiles, connection, connect("chat-only"), actor=None)
    assert found == {"target": "capability"} and reload(profile).connection == connection


def test_profiles_do_not_move_to_where_they_are(connection: Connection):
    profile_of(connection)
    assert refused(services.move_profiles, connection, connection, actor=None) == {
        "target": "invalid"
    }


# A provider that is gone


@pytest.fixture
def orphan() -> Connection:
    """A connection whose provider is not installed any more."""
    with fake_provider(id="gone"):
        row = connect(
            "gone",
            settings={"api_key": SECRET, "organization": "org-1", "spare_key": "$Fake:Spare"},
        )
    return reload(row)


def test_a_connection_without_its_provider_can_be_read(orphan: Connection):
    assert display.public_settings(orphan) == {
        "organization": "org-1",
        "api_key": "sk-***",
        "spare_key": "$Fake:Spare",
    }
    assert [one.field for one in display.reference_states(orphan)] == ["spare_key"]
    assert (orphan.provider, orphan.provider_name) == (None, "gone")


def test_a_connection_without_its_provider_is_renamed_switched_and_deleted(orphan: Connection):
    update(orphan, name="Renamed")
    services.set_active(orphan, False, actor=None)
    assert (reload(orphan).name, reload(orphan).is_active, dict(reload(orphan).credentials)) == (
        "Renamed",
        False,
        {"api_key": SECRET},
    )
    services.delete_connection(orphan, actor=None)


def test_settings_of_a_connection_without_its_provider_are_refused(orphan: Connection):
    assert refused(update, orphan, settings={"api_key": "x"}) == {"provider_id": "unknown_provider"}


# Using


def unusable(row: Any) -> services.Unusable:
    with pytest.raises(services.Unusable) as caught:
        runtime.get_configured_provider(row)
    return caught.value


def test_a_connection_is_resolved_for_use(fake, settings):
    settings.CONNECTIONS_CONFIG = {
        "Fake": {
            "ApiKey": SECRET,
            "Organization": "org-9",
            "Samples": 7,
            "Fast": True,
            "Timeout": "2.5",
        }
    }
    references = {
        "api_key": "$Fake:ApiKey",
        "organization": "$Fake:Organization",
        "samples": "$Fake:Samples",
        "fast": "$fake:fast",
    }
    used = runtime.resolved_settings(connect(settings={**references, "timeout": "$Fake:Timeout"}))
    assert (
        used.api_key.get_secret_value(),
        used.organization,
        used.samples,
        used.fast,
        used.timeout,
    ) == (SECRET, "org-9", 7, True, 2.5)


def test_a_rotated_secret_is_seen_at_the_next_use(fake, secrets):
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    for value in ("first", "second"):
        (secrets / "Fake__ApiKey").write_text(value)
        assert runtime.resolved_settings(row).api_key.get_secret_value() == value


@pytest.mark.parametrize(
    ("stored", "used"),
    [("$$5-discount", "$5-discount"), ("$$", "$"), ("$$OpenAI:ApiKey", "$OpenAI:ApiKey")],
)
def test_an_escaped_dollar_is_used_as_one_dollar(fake, stored: str, used: str):
    row = connect(settings={"api_key": stored, "organization": stored})
    settings = runtime.resolved_settings(reload(row))
    assert (settings.api_key.get_secret_value(), settings.organization) == (used, used)


def test_a_value_behind_a_reference_is_no_reference(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": "$$Fake:Other", "Other": SECRET}}
    assert (
        runtime.resolved_settings(
            connect(settings={"api_key": "$Fake:ApiKey"})
        ).api_key.get_secret_value()
        == "$$Fake:Other"
    )


def test_an_inactive_connection_is_not_used(connection: Connection):
    error = unusable(services.set_active(connection, False, actor=None).row)
    assert error.code == "connection_inactive" and "production is switched off" in error.message


def test_an_inactive_connection_may_be_tested(connection: Connection):
    row = services.set_active(connection, False, actor=None).row
    assert runtime.get_configured_provider(row, even_inactive=True)


def test_an_undecryptable_connection_is_not_used(lost: Connection):
    error = unusable(lost)
    assert error.code == "undecryptable" and "FERNET_KEYS" in error.message


def test_a_connection_without_its_provider_is_not_used(orphan: Connection):
    error = unusable(orphan)
    assert error.code == "unknown_provider" and "'gone'" in error.message


@pytest.mark.parametrize("reference", ["$Fake:ApiKey", "$Fake:Deep:Down"])
def test_an_unresolved_reference_is_not_used_and_names_the_key(fake, reference: str):
    error = unusable(connect(settings={"api_key": reference}))
    assert (
        error.code == "unresolved_reference"
        and reference in error.message
        and "Set the environment variable" in error.message
    )


def test_a_reference_that_is_denied_by_now_is_not_used(fake, settings):
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Team"]
    row = connect(settings={"api_key": "$Team:ApiKey"})
    settings.CONNECTIONS_REFERENCE_SECTIONS = []
    assert unusable(row).code == "unresolved_reference"


def test_settings_that_do_not_fit_any_more_are_told_by_label(connection: Connection):
    connection.settings = {"samples": 99, "vanished": "x"}
    connection.save()
    error = unusable(reload(connection))
    assert (
        error.code == "invalid_settings"
        and "Samples:" in error.message
        and "vanished" in error.message
    )
    assert SECRET not in error.message


def test_settings_stored_under_a_secret_name_by_hand_do_not_reach_a_message(connection: Connection):
    Connection.objects.update(settings={"samples": SECRET})
    assert SECRET not in unusable(reload(connection)).message


@pytest.mark.server
def test_a_connection_is_found_by_id_and_by_alias(connection: Connection):
    found = [
        runtime.find_connection(one)
        for one in (connection.alias, str(connection.pk), connection.pk.hex)
    ]
    assert {one.id for one in found} == {connection.pk}
    assert dict(found[0].credentials) == {"api_key": SECRET} and SECRET not in repr(found)


@pytest.mark.server
@pytest.mark.parametrize(
    "unknown", ["nobody", "", "x" * 36, str(uuid.UUID(int=1)), "' OR 1=1 --", "a\x00b"]
)
def test_a_connection_that_is_not_there_is_not_found(connection: Connection, unknown: str):
    with pytest.raises(Connection.DoesNotExist):
        runtime.find_connection(unknown)


def test_a_found_connection_can_be_used(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"Samples": 5}}
    connect(settings={"api_key": SECRET, "samples": "$Fake:Samples"})
    used = runtime.get_configured_provider(runtime.find_connection("production")).settings
    assert (used.api_key.get_secret_value(), used.samples) == (SECRET, 5)


def test_a_provider_gets_the_address_policy(connection: Connection, settings):
    settings.CONNECTIONS_EGRESS_ALLOW, settings.CONNECTIONS_EGRESS_PRIVATE = (
        ["fake.example.com"],
        False,
    )
    policy = runtime.get_configured_provider(connection).egress
    assert (policy.allow, policy.private) == (("fake.example.com",), False)


# What others may read


@pytest.mark.server
def test_the_history_names_what_changed_and_no_values(fake):
    row = connect(settings={"api_key": SECRET, "organization": "org-1"})
    update(
        row, name="Renamed", settings={"api_key": OTHER_SECRET, "organization": "org-2"}, tags=["a"]
    )
    newest = services.versions(reload(row))[0]
    assert set(newest.changes) == {
        "name changed",
        "tags changed",
        "organization changed",
        "api_key replaced",
    }
    assert (newest.number, newest.user) == (2, None)


def test_the_history_claims_nothing_about_what_cannot_be_decrypted(lost: Connection):
    update(lost, name="Renamed")
    update(reload(lost), name="Again")
    changes = [one.changes for one in services.versions(reload(lost))]
    assert changes == [
        ("name changed",),
        ("name changed", "credentials cannot be compared"),
        ("created",),
    ]


# Who may

ACTS: dict[str, tuple[Any, set[str]]] = {
    "create": (lambda row, actor: connect(actor=actor, name="New"), {"administrator", "operator"}),
    "change": (
        lambda row, actor: services.update_connection(row, actor=actor, name="New"),
        {"administrator", "operator"},
    ),
    "switch": (
        lambda row, actor: services.set_active(row, False, actor=actor),
        {"administrator", "operator"},
    ),
    "switch while editing": (
        lambda row, actor: services.update_connection(row, actor=actor, is_active=False),
        {"administrator", "operator"},
    ),
    "test": (
        lambda row, actor: services.test_connection(row, actor=actor),
        {"administrator", "operator"},
    ),
    "test several": (
        lambda row, actor: services.begin_bulk_test([row], actor=actor),
        {"administrator", "operator"},
    ),
    "test unsaved": (
        lambda row, actor: services.test_settings("fake", {"api_key": "x"}, actor=actor),
        {"administrator", "operator"},
    ),
    "test an edit": (
        lambda row, actor: services.test_settings("fake", {}, actor=actor, connection=row),
        {"administrator", "operator"},
    ),
    "move": (
        lambda row, actor: services.move_profiles(row, connect(name="Other"), actor=actor),
        {"administrator", "operator"},
    ),
    "delete": (lambda row, actor: services.delete_connection(row, actor=actor), {"administrator"}),
    "list models": (
        lambda row, actor: services.list_models(row, actor=actor),
        {"administrator", "operator", "viewer"},
    ),
    "export": (
        lambda row, actor: package_services.export_package([row], actor=actor),
        {"administrator", "operator", "viewer"},
    ),
}


@pytest.mark.parametrize("who", ["administrator", "operator", "viewer", "stranger", "nobody"])
@pytest.mark.parametrize(("act", "allowed"), ACTS.values(), ids=ACTS)
def test_who_may_do_what(
    connection: Connection, people: dict, who: str, act: Any, allowed: set[str]
):
    if who in allowed:
        act(connection, people[who])
    else:
        with pytest.raises(PermissionDenied, match="Ask an administrator"):
            act(connection, people[who])


def test_an_operator_without_the_right_to_switch_cannot_switch_while_editing(
    connection: Connection, viewer
):
    from django.contrib.auth.models import Permission, User

    viewer.user_permissions.add(Permission.objects.get(codename="change_connection"))
    with pytest.raises(PermissionDenied, match="switch a connection on or off"):
        services.update_connection(
            connection, actor=User.objects.get(pk=viewer.pk), is_active=False
        )


@pytest.mark.server
def test_two_merge_patches_from_one_reading_both_hold(fake):
    row = connect(settings={"api_key": SECRET})
    first, second = reload(row), reload(row)
    services.update_connection(first, actor=None, settings={"organization": "org-1"}, merge=True)
    services.update_connection(second, actor=None, settings={"samples": 3}, merge=True)
    kept = reload(row)
    assert (kept.settings["organization"], kept.settings["samples"]) == ("org-1", 3)
    assert display.public_settings(kept)["api_key"] != SECRET and kept.credentials == {
        "api_key": SECRET
    }
