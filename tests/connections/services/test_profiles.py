"""Profiles through the one door."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError

from connections import change_counter, services
from connections.models import Connection, Profile
from providers.core.base import Capability
from tests.fakes import connect, fake_provider, profile_of, reload

from .test_services import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection)


@pytest.mark.server
def test_a_profile_is_created_as_its_first_version(connection: Connection, operator):
    row = reload(
        profile_of(
            connection,
            operator,
            name=" Answers ",
            model=" fake-chat ",
            tags=["a"],
            settings={"temperature": "0.5"},
        )
    )
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
    (
        "Chat",
        {
            "temperature": 0,
            "max_tokens": 1,
            "system_prompt_template": "Answer in {language}. {{json}}",
        },
    ),
    ("Chat", {"temperature": "2", "max_tokens": "10000000"}),
    ("Chat", {"temperature": "", "max_tokens": None, "system_prompt_template": ""}),
    (
        "Chat",
        {
            "top_p": 0,
            "seed": -5,
            "presence_penalty": "-2",
            "frequency_penalty": 2,
            "stop": ["END", "\n\n"],
        },
    ),
    (
        "Chat",
        {
            "max_tokens": 500,
            "max_tokens_limit": 500,
            "allowed_overrides": ["tools"],
            "fallback_on": ["timeout", "dns"],
        },
    ),
    ("Chat", {"max_tokens_limit": "4000", "allowed_overrides": [], "fallback_on": []}),
    ("Embedding", {"dimensions": "256"}),
    ("Embedding", {"allowed_overrides": ["dimensions", "other"], "fallback_on": ["error"]}),
]


@pytest.mark.server
@pytest.mark.parametrize(("capability", "settings_given"), GOOD)
def test_good_settings_are_stored(connection: Connection, capability: str, settings_given: dict):
    row = profile_of(connection, capability=capability, settings=settings_given)
    assert set(reload(row).settings) == {
        name for name, value in settings_given.items() if value not in ("", None)
    }


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
    ("Chat", {"top_p": 1.1}, "top_p"),
    ("Chat", {"seed": 2**63}, "seed"),
    ("Chat", {"seed": "1.5"}, "seed"),
    ("Chat", {"presence_penalty": -2.1}, "presence_penalty"),
    ("Chat", {"frequency_penalty": 2.1}, "frequency_penalty"),
    ("Chat", {"stop": []}, "stop"),
    ("Chat", {"stop": ["a"] * 5}, "stop"),
    ("Chat", {"stop": [""]}, "stop"),
    ("Chat", {"stop": ["x" * 501]}, "stop"),
    ("Chat", {"stop": ["a\x00"]}, "stop"),
    ("Chat", {"stop": "END"}, "stop"),
    ("Chat", {"max_tokens_limit": 0}, "max_tokens_limit"),
    ("Chat", {"max_tokens": 501, "max_tokens_limit": 500}, "max_tokens_limit"),
    ("Chat", {"allowed_overrides": ["model"]}, "allowed_overrides"),
    ("Chat", {"allowed_overrides": ["dimensions"]}, "allowed_overrides"),
    ("Chat", {"allowed_overrides": "tools"}, "allowed_overrides"),
    ("Chat", {"allowed_overrides": [["tools"]]}, "allowed_overrides"),
    ("Chat", {"fallback_on": ["bad_request"]}, "fallback_on"),
    ("Embedding", {"allowed_overrides": ["tools"]}, "allowed_overrides"),
    ("Embedding", {"max_tokens_limit": 5}, "max_tokens_limit"),
    ("Chat", {"dimensions": 3}, "dimensions"),
    ("Embedding", {"dimensions": 0}, "dimensions"),
    ("Embedding", {"temperature": 1}, "temperature"),
]


@pytest.mark.parametrize(("capability", "settings_given", "field"), BAD, ids=range(len(BAD)))
def test_bad_settings_are_refused_at_their_field(
    connection: Connection, capability: str, settings_given: dict, field: str
):
    assert list(
        refused(profile_of, connection, capability=capability, settings=settings_given)
    ) == [f"settings.{field}"]
    assert not Profile.objects.exists()


@pytest.mark.server
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


@pytest.mark.server
def test_a_taken_alias_is_refused_at_its_field(profile: Profile):
    assert refused(profile_of, profile.connection, alias=profile.alias) == {"alias": "unique"}


def test_a_provider_without_the_capability_is_refused():
    with fake_provider(capabilities=(Capability.CHAT,)):
        assert refused(profile_of, connect(), capability="Embedding") == {
            "connection": "capability"
        }


def test_a_connection_without_its_provider_is_refused(connection: Connection):
    Connection.objects.update(provider_id="nobody")
    assert refused(profile_of, connection) == {"connection": "unknown_provider"}


@pytest.mark.server
def test_a_change_is_the_next_version(profile: Profile, operator):
    services.update_profile(profile, actor=operator, model="other", settings={"max_tokens": 5})
    row = reload(profile)
    assert (row.model, row.settings, row.version, row.modified_by) == (
        "other",
        {"max_tokens": 5},
        2,
        operator,
    )
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
    assert refused(services.update_profile, profile, actor=None, **fixed) == dict.fromkeys(
        fixed, "immutable"
    )


@pytest.mark.server
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


@pytest.mark.server
def test_a_deleted_profile_keeps_its_history(profile: Profile, administrator):
    services.delete_profile(profile, actor=administrator)
    newest = Profile.history.first()
    assert not Profile.objects.exists()
    assert (newest.history_type, newest.history_user) == ("-", administrator)


@pytest.mark.server
def test_a_profile_that_somebody_changed_meanwhile_is_not_deleted(profile: Profile):
    services.update_profile(profile, actor=None, name="Renamed")
    with pytest.raises(services.Stale):
        services.delete_profile(profile, actor=None, expected_version=1)
    assert reload(profile)


@pytest.mark.server
def test_the_database_itself_protects_the_connection_of_a_profile(profile: Profile):
    with pytest.raises(ProtectedError):
        profile.connection.delete()


ACTS: dict[str, tuple[Any, set[str]]] = {
    "create": (
        lambda row, actor: profile_of(row.connection, actor, name="New"),
        {"administrator", "operator"},
    ),
    "change": (
        lambda row, actor: services.update_profile(row, actor=actor, name="New"),
        {"administrator", "operator"},
    ),
    "switch": (
        lambda row, actor: services.set_profile_active(row, False, actor=actor),
        {"administrator", "operator"},
    ),
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


@pytest.mark.server
def test_the_same_choice_is_stored_as_the_same_list(connection: Connection):
    row = profile_of(
        connection,
        settings={"allowed_overrides": ["other", "stop", "other"], "fallback_on": ["error", "dns"]},
    )
    assert reload(row).settings == {
        "allowed_overrides": ["stop", "other"],
        "fallback_on": ["dns", "error"],
    }


@pytest.mark.server
def test_an_empty_list_is_kept_and_is_not_the_same_as_none(connection: Connection):
    row = profile_of(connection, settings={"allowed_overrides": []})
    assert reload(row).settings == {"allowed_overrides": []}
    services.update_profile(row, actor=None, settings={"allowed_overrides": None}, merge=True)
    assert reload(row).settings == {}


# Fallbacks


@pytest.fixture
def others(connection: Connection) -> list[Profile]:
    """Three profiles that could stand in."""
    return [profile_of(connection, name=name) for name in ("First", "Second", "Third")]


def chain_of(profile: Profile) -> list[str]:
    """The names of a profile's fallbacks in their order, as the database has it."""
    return [step.fallback.name for step in reload(profile).fallback_steps.all()]


@pytest.mark.server
def test_fallbacks_are_stored_in_their_order(connection: Connection, others: list[Profile]):
    row = profile_of(connection, fallbacks=[others[2], others[0]])
    assert (chain_of(row), row.version) == (["Third", "First"], 1)


@pytest.mark.server
def test_another_order_is_the_next_version_and_is_told(
    profile: Profile, others: list[Profile], operator
):
    services.update_profile(profile, actor=None, fallbacks=others[:2])
    saved = services.update_profile(profile, actor=operator, fallbacks=[others[1], others[0]])
    assert (chain_of(profile), saved.changed, saved.row.version) == (["Second", "First"], True, 3)
    assert services.versions(profile)[0].changes == ("fallbacks changed",)


def test_a_change_beside_the_fallbacks_says_nothing_of_them(
    profile: Profile, others: list[Profile]
):
    services.update_profile(profile, actor=None, fallbacks=others)
    services.update_profile(profile, actor=None, fallbacks=others, name="Renamed")
    assert services.versions(profile)[0].changes == ("name changed",)


@pytest.mark.parametrize("given", [{}, {"fallbacks": None}])
def test_a_save_that_names_no_fallbacks_keeps_them(
    profile: Profile, others: list[Profile], given: dict
):
    services.update_profile(profile, actor=None, fallbacks=others)
    services.update_profile(profile, actor=None, name="Renamed", **given)
    assert chain_of(profile) == ["First", "Second", "Third"]


@pytest.mark.server
def test_the_same_fallbacks_change_nothing(profile: Profile, others: list[Profile]):
    services.update_profile(profile, actor=None, fallbacks=others)
    assert services.update_profile(profile, actor=None, fallbacks=others).changed is False
    assert reload(profile).version == 2


@pytest.mark.server
def test_fallbacks_are_taken_away(profile: Profile, others: list[Profile]):
    services.update_profile(profile, actor=None, fallbacks=others)
    services.update_profile(profile, actor=None, fallbacks=[])
    assert chain_of(profile) == []


def test_two_profiles_may_stand_in_for_each_other(profile: Profile, others: list[Profile]):
    services.update_profile(profile, actor=None, fallbacks=others[:1])
    services.update_profile(others[0], actor=None, fallbacks=[profile])
    assert (chain_of(profile), chain_of(others[0])) == (["First"], ["Answers"])


def test_a_profile_is_no_fallback_of_itself(profile: Profile):
    assert refused(services.update_profile, profile, actor=None, fallbacks=[profile]) == {
        "fallbacks": "itself"
    }


def test_a_fallback_is_named_once(connection: Connection, others: list[Profile]):
    assert refused(profile_of, connection, fallbacks=[others[0], others[0]]) == {
        "fallbacks": "duplicate"
    }


def test_a_fallback_has_the_same_capability(profile: Profile):
    vectors = profile_of(profile.connection, name="Vectors", capability="Embedding")
    assert refused(services.update_profile, profile, actor=None, fallbacks=[vectors]) == {
        "fallbacks": "capability"
    }


def test_there_are_at_most_ten_fallbacks(connection: Connection):
    many = [profile_of(connection, name=f"Row {number}") for number in range(11)]
    assert refused(profile_of, connection, fallbacks=many) == {"fallbacks": "too_many"}
    assert len(chain_of(profile_of(connection, fallbacks=many[:10]))) == 10


@pytest.mark.server
def test_a_fallback_that_was_deleted_meanwhile_is_refused(
    connection: Connection, others: list[Profile]
):
    services.delete_profile(reload(others[0]), actor=None)
    assert refused(profile_of, connection, fallbacks=others) == {"fallbacks": "not_found"}


def test_refused_fallbacks_change_nothing_else(profile: Profile):
    refused(services.update_profile, profile, actor=None, name="Renamed", fallbacks=[profile])
    assert reload(profile).name == "Answers"


@pytest.mark.server
def test_a_fallback_is_not_deleted_and_those_that_need_it_are_named(
    profile: Profile, others: list[Profile]
):
    services.update_profile(profile, actor=None, fallbacks=others[:1])
    with pytest.raises(services.InUse, match="Answers") as caught:
        services.delete_profile(others[0], actor=None)
    assert caught.value.dependents == (profile,)


@pytest.mark.server
def test_a_profile_that_became_a_fallback_at_the_last_moment_is_not_deleted(
    profile: Profile, others: list[Profile], monkeypatch
):
    services.update_profile(profile, actor=None, fallbacks=others[:1])
    monkeypatch.setattr(
        "connections.services.profiles.dependents_of", lambda row: []
    )  # the look that came too early
    with pytest.raises(services.InUse) as caught:
        services.delete_profile(others[0], actor=None)
    assert (
        caught.value.dependents == (profile,) and Profile.objects.filter(pk=others[0].pk).exists()
    )


def test_a_profile_with_fallbacks_is_deleted_and_they_stay(profile: Profile, others: list[Profile]):
    services.update_profile(profile, actor=None, fallbacks=others)
    services.delete_profile(profile, actor=None)
    assert Profile.objects.count() == 3


def test_who_remembers_profiles_learns_of_other_fallbacks(profile: Profile, others: list[Profile]):
    before = change_counter.read_change_counter()
    services.update_profile(profile, actor=None, fallbacks=others)
    assert change_counter.read_change_counter() > before


def test_a_token_for_a_profile_that_was_deleted_may_use_none(profile: Profile, operator):
    text = services.create_token(
        "CI", user=operator, actor=None, scopes=["gateway:use"], profiles=["answers"]
    )[1]
    services.delete_profile(profile, actor=None)
    assert services.find_caller(text).profile_ids == frozenset()


@pytest.mark.server
def test_two_merge_patches_from_one_reading_both_hold(connection: Connection):
    row = profile_of(connection)
    first, second = reload(row), reload(row)
    services.update_profile(first, actor=None, settings={"temperature": 0.5}, merge=True)
    services.update_profile(second, actor=None, settings={"max_tokens": 7}, merge=True)
    assert reload(row).settings == {"temperature": 0.5, "max_tokens": 7}
