"""Profiles through the one door."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError

from connections import services
from connections.models import Connection, Profile
from providers.base import Capability
from tests.connections.test_services import refused
from tests.fakes import connect, fake_provider, profile_of, reload

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection)


def test_a_profile_is_created_as_its_first_version(connection: Connection, operator):
    row = reload(profile_of(connection, operator, name=" Answers ", model=" fake-chat ", tags=["a"], settings={"temperature": "0.5"}))
    assert (row.name, row.alias, row.model, row.tags, row.settings, row.version) == (
        "Answers",
        "answers",
        "fake-chat",
        ["a"],
        {"temperature": 0.5},
        1,
    )
    assert (row.created_by, row.history.get().history_user) == (operator, operator)


GOOD = [
    ("Chat", {"temperature": 0, "max_tokens": 1, "system_prompt_template": "Answer in {language}. {{json}}"}),
    ("Chat", {"temperature": "2", "max_tokens": "10000000"}),
    ("Chat", {"temperature": "", "max_tokens": None, "system_prompt_template": ""}),
    ("Embedding", {"dimensions": "256"}),
]


@pytest.mark.parametrize(("capability", "settings_given"), GOOD)
def test_good_settings_are_stored(connection: Connection, capability: str, settings_given: dict):
    row = profile_of(connection, capability=capability, settings=settings_given)
    assert set(reload(row).settings) == {name for name, value in settings_given.items() if value not in ("", None)}


BAD = [
    ("Chat", {"temperature": 2.1}, "temperature"),
    ("Chat", {"temperature": -0.1}, "temperature"),
    ("Chat", {"temperature": "warm"}, "temperature"),
    ("Chat", {"temperature": "nan"}, "temperature"),
    ("Chat", {"max_tokens": 0}, "max_tokens"),
    ("Chat", {"max_tokens": "1.5"}, "max_tokens"),
    ("Chat", {"max_tokens": 10_000_001}, "max_tokens"),
    ("Chat", {"system_prompt_template": "{"}, "system_prompt_template"),
    ("Chat", {"system_prompt_template": "{0}"}, "system_prompt_template"),
    ("Chat", {"system_prompt_template": "{}"}, "system_prompt_template"),
    ("Chat", {"system_prompt_template": "{a.b}"}, "system_prompt_template"),
    ("Chat", {"system_prompt_template": "x" * 100_001}, "system_prompt_template"),
    ("Chat", {"system_prompt_template": "a\x00"}, "system_prompt_template"),
    ("Chat", {"dimensions": 3}, "dimensions"),
    ("Embedding", {"dimensions": 0}, "dimensions"),
    ("Embedding", {"temperature": 1}, "temperature"),
]


@pytest.mark.parametrize(("capability", "settings_given", "field"), BAD, ids=range(len(BAD)))
def test_bad_settings_are_refused_at_their_field(connection: Connection, capability: str, settings_given: dict, field: str):
    assert list(refused(profile_of, connection, capability=capability, settings=settings_given)) == [f"settings.{field}"]
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"name": ""}, "name"),
        ({"model": " "}, "model"),
        ({"model": "x" * 256}, "model"),
        ({"alias": "A B"}, "alias"),
        ({"alias": "add"}, "alias"),
    ],
)
def test_a_bad_column_is_refused_at_its_field(connection: Connection, columns: dict, field: str):
    assert list(refused(profile_of, connection, **({"alias": "fine"} | columns))) == [field]


@pytest.mark.parametrize("capability", ["chat", "Speech", ""])
def test_an_unknown_capability_is_refused_at_its_field(connection: Connection, capability: str):
    assert list(refused(profile_of, connection, capability=capability)) == ["capability"]


def test_a_taken_alias_is_refused_at_its_field(profile: Profile):
    assert refused(profile_of, profile.connection, alias=profile.alias) == {"alias": "unique"}


def test_a_provider_without_the_capability_is_refused():
    with fake_provider(capabilities=(Capability.CHAT,)):
        assert refused(profile_of, connect(), capability="Embedding") == {"connection": "capability"}


def test_a_connection_without_its_provider_is_refused(connection: Connection):
    Connection.objects.update(provider_id="nobody")
    assert refused(profile_of, connection) == {"connection": "unknown_provider"}


def test_a_change_is_the_next_version(profile: Profile, operator):
    services.update_profile(profile, actor=operator, model="other", settings={"max_tokens": 5})
    row = reload(profile)
    assert (row.model, row.settings, row.version, row.modified_by) == ("other", {"max_tokens": 5}, 2, operator)
    assert services.versions(row)[0].changes == ("model changed", "max_tokens changed")


def test_nothing_given_changes_nothing(profile: Profile):
    assert services.update_profile(profile, actor=None).changed is False
    assert reload(profile).version == 1


def test_a_save_without_settings_keeps_them(connection: Connection):
    row = profile_of(connection, settings={"max_tokens": 5})
    services.update_profile(row, actor=None, name="Renamed")
    assert reload(row).settings == {"max_tokens": 5}


@pytest.mark.parametrize("fixed", [{"alias": "other"}, {"capability": "Embedding"}])
def test_what_is_fixed_is_refused(profile: Profile, fixed: dict):
    assert refused(services.update_profile, profile, actor=None, **fixed) == dict.fromkeys(fixed, "immutable")


def test_the_second_of_two_editors_is_told(profile: Profile, operator):
    services.update_profile(profile, actor=operator, expected_version=1, name="First")
    with pytest.raises(services.Stale, match="olaf"):
        services.update_profile(profile, actor=None, expected_version=1, name="Second")
    assert reload(profile).name == "First"


def test_a_profile_moves_to_another_connection(profile: Profile):
    other = connect(name="Other")
    services.update_profile(profile, actor=None, connection=other)
    assert reload(profile).connection == other


def test_a_profile_is_switched(profile: Profile):
    services.set_profile_active(profile, False, actor=None)
    assert (reload(profile).is_active, reload(profile).version) == (False, 2)
    assert services.versions(profile)[0].changes == ("switched off",)


def test_switching_and_editing_at_once_is_one_version(profile: Profile):
    saved = services.update_profile(profile, actor=None, is_active=False)
    assert saved.changed and (reload(profile).is_active, reload(profile).version) == (False, 2)


def test_a_deleted_profile_keeps_its_history(profile: Profile, administrator):
    services.delete_profile(profile, actor=administrator)
    newest = Profile.history.first()
    assert not Profile.objects.exists()
    assert (newest.history_type, newest.history_user) == ("-", administrator)


def test_the_database_itself_protects_the_connection_of_a_profile(profile: Profile):
    with pytest.raises(ProtectedError):
        profile.connection.delete()


ACTS: dict[str, tuple[Any, set[str]]] = {
    "create": (lambda row, actor: profile_of(row.connection, actor, name="New"), {"administrator", "operator"}),
    "change": (lambda row, actor: services.update_profile(row, actor=actor, name="New"), {"administrator", "operator"}),
    "switch": (lambda row, actor: services.set_profile_active(row, False, actor=actor), {"administrator", "operator"}),
    "delete": (lambda row, actor: services.delete_profile(row, actor=actor), {"administrator"}),
}


@pytest.mark.parametrize("who", ["administrator", "operator", "viewer", "stranger", "nobody"])
@pytest.mark.parametrize(("act", "allowed"), ACTS.values(), ids=ACTS)
def test_who_may_do_what(profile: Profile, people: dict, who: str, act: Any, allowed: set[str]):
    if who in allowed:
        act(profile, people[who])
    else:
        with pytest.raises(PermissionDenied):
            act(profile, people[who])


def test_two_merge_patches_from_one_reading_both_hold(connection: Connection):
    row = profile_of(connection)
    first, second = reload(row), reload(row)
    services.update_profile(first, actor=None, settings={"temperature": 0.5}, merge=True)
    services.update_profile(second, actor=None, settings={"max_tokens": 7}, merge=True)
    assert reload(row).settings == {"temperature": 0.5, "max_tokens": 7}
