"""Settings that are free maps: each entry is written, resolved, shown and remembered by itself."""

import random
from typing import Any

import pytest

from connections import conf, display, runtime, selectors, services
from connections.credentials import Undecryptable, mask, masked, merged
from connections.health.services import health
from connections.models import Connection
from providers.core.base import Provider
from providers.core.settings import NetworkSettings, setting
from providers.core.types import HttpUrl, SecretEntries, SecretMap, TextMap
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, available, connect, reload

pytestmark = pytest.mark.django_db
REFERENCE = "$Custom:ApiKey"


def custom(configs: Any = None, secrets: Any = None, **settings: Any) -> Connection:
    given = {"configs": configs, "secrets": secrets, **settings}
    return reload(
        connect(
            "custom",
            name="Search",
            settings={name: value for name, value in given.items() if value is not None},
        )
    )


def update(row: Connection, merge: bool = False, **settings: Any) -> services.Saved:
    return services.update_connection(row, actor=None, settings=settings, merge=merge)


def stored(row: Connection, name: str = "secrets") -> dict[str, Any]:
    """All entries as they are stored, references and literals."""
    row = reload(row)
    return merged(row.settings, row.credentials or {}).get(name, {})


def refused(act: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    with pytest.raises(services.Invalid) as caught:
        act(*arguments, **named)
    return {error.field: error.code for error in caught.value.errors}


@pytest.fixture
def row() -> Connection:
    return custom(
        {"region": "eu", "name": "$Custom:Configs:Name"}, {"api-key": SECRET, "token": REFERENCE}
    )


@pytest.fixture
def lost(row: Connection, settings) -> Connection:
    """A connection whose key is gone."""
    settings.FERNET_KEYS = [OLDER_KEY]
    return reload(row)


# At rest


def test_literals_are_encrypted_and_references_readable(row: Connection):
    assert row.settings == {
        "configs": {"region": "eu", "name": "$Custom:Configs:Name"},
        "secrets": {"token": REFERENCE},
    }
    assert dict(row.credentials) == {"secrets": {"api-key": SECRET}}


def test_without_literals_nothing_is_encrypted():
    row = custom(secrets={"token": REFERENCE})
    assert (row.credentials, row.credentials_key) == (None, None)


def test_configs_are_kept_as_typed_and_an_empty_one_too():
    assert stored(custom({"a": " two  words ", "b": "", "c": "x\ny\n"}), "configs") == {
        "a": " two  words ",
        "b": "",
        "c": "x\ny\n",
    }


def test_blanks_around_a_secret_are_removed_and_said_so():
    saved = services.create_connection(
        "custom", actor=None, name="A", settings={"secrets": {"a": f" {SECRET}\n"}}
    )
    assert stored(saved.row) == {"a": SECRET} and [one.code for one in saved.notices] == [
        "stripped"
    ]


def test_without_a_key_no_literal_is_taken(settings):
    settings.FERNET_KEYS = []
    assert refused(custom, secrets={"a": SECRET}) == {"settings.secrets": "no_encryption_key"}
    assert stored(custom({"a": "1"}, {"a-reference": REFERENCE})) == {"a-reference": REFERENCE}


# The write rule, for each entry: what is stored, what is posted, what is stored then (None:
# refused)

NOT_POSTED, GONE = object(), object()
OUTCOMES: list[tuple[Any, Any, Any]] = [
    *[
        (SECRET, NOT_POSTED, SECRET),
        (SECRET, "", SECRET),
        (SECRET, mask(SECRET), SECRET),
        (SECRET, None, GONE),
    ],
    *[
        (SECRET, OTHER_SECRET, OTHER_SECRET),
        (SECRET, REFERENCE, REFERENCE),
        (SECRET, "***", None),
        (SECRET, "••••", None),
    ],
    *[
        (REFERENCE, NOT_POSTED, REFERENCE),
        (REFERENCE, "", REFERENCE),
        (REFERENCE, REFERENCE, REFERENCE),
        (REFERENCE, None, GONE),
    ],
    *[
        (REFERENCE, "$Custom:OtherKey", "$Custom:OtherKey"),
        (REFERENCE, SECRET, SECRET),
        (REFERENCE, "***", None),
    ],
    *[
        (GONE, NOT_POSTED, GONE),
        (GONE, None, GONE),
        (GONE, SECRET, SECRET),
        (GONE, REFERENCE, REFERENCE),
        (GONE, "", None),
    ],
    *[
        (GONE, "sk-***", None),
        (SECRET, 5, None),
        (SECRET, [SECRET], None),
        (SECRET, "a\x00b", None),
        (SECRET, "$ nothing", None),
    ],
]


def written(
    outcomes: tuple[Any, ...],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], set[str]]:
    """What is stored, posted and expected, and which are refused, each outcome under a key of its
    own.
    """
    named = {f"key-{number}": outcome for number, outcome in enumerate(outcomes)}
    before = {key: old for key, (old, _, _) in named.items() if old is not GONE}
    posted = {key: new for key, (_, new, _) in named.items() if new is not NOT_POSTED}
    after = {key: end for key, (_, _, end) in named.items() if end is not GONE}
    return (
        before,
        posted,
        after,
        {f"settings.secrets.{key}" for key, (_, _, end) in named.items() if end is None},
    )


GOOD = tuple(outcome for outcome in OUTCOMES if outcome[2] is not None)


@pytest.mark.parametrize("merge", [False, True], ids=["put", "patch"])
@pytest.mark.parametrize("outcome", OUTCOMES, ids=range(len(OUTCOMES)))
def test_an_entry_is_written_whatever_is_posted_for_others(outcome: Any, merge: bool):
    before, posted, after, wrong = written((outcome, *GOOD))
    row = custom({"a": "1"}, before)
    if wrong:
        assert (
            set(refused(update, row, merge, configs={"a": "1"}, secrets=posted)) == wrong
            and stored(row) == before
        )
    else:
        assert update(row, merge, configs={"a": "1"}, secrets=posted) and stored(row) == after


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_entries_is_written(seed: int):
    mixture = random.Random(seed).choices(GOOD, k=12)  # the same mixtures each time
    before, posted, after, _ = written((*mixture, GOOD[0]))
    row = custom(secrets=before)
    update(row, secrets=posted)
    assert stored(row) == after


@pytest.mark.parametrize("whole", [{}, "", {"api-key": ""}])
def test_an_empty_map_of_secrets_keeps_them(row: Connection, whole: Any):
    update(row, configs={"a": "1"}, secrets=whole)
    assert stored(row) == {"api-key": SECRET, "token": REFERENCE}


def test_null_for_the_whole_map_clears_it(row: Connection):
    update(row, configs={"a": "1"}, secrets=None)
    assert (stored(row), reload(row).credentials, reload(row).settings) == (
        {},
        None,
        {"configs": {"a": "1"}},
    )


def test_the_last_entry_cannot_go(row: Connection):
    assert refused(update, row, secrets={"api-key": None, "token": None}) == {
        "settings.secrets": "nothing_given"
    }


# Plain maps: replaced, or merged


def test_configs_are_replaced(row: Connection):
    update(row, configs={"zone": "a", "gone": None})
    assert stored(row, "configs") == {"zone": "a"}


def test_configs_that_are_left_out_are_cleared(row: Connection):
    update(row)
    assert stored(row, "configs") == {} and stored(row) == {"api-key": SECRET, "token": REFERENCE}


def test_a_merge_patch_merges_configs(row: Connection):
    update(row, merge=True, configs={"zone": "a", "name": None, "never-there": None})
    assert stored(row, "configs") == {"region": "eu", "zone": "a"} and stored(row) == {
        "api-key": SECRET,
        "token": REFERENCE,
    }


def test_a_merge_patch_of_null_clears_the_map(row: Connection):
    update(row, merge=True, configs=None)
    assert stored(row, "configs") == {}


def test_a_merge_patch_that_names_no_map_changes_none(row: Connection):
    update(row, merge=True, custom_type="Mine")
    assert (
        stored(row, "configs") == {"region": "eu", "name": "$Custom:Configs:Name"}
        and stored(row)["api-key"] == SECRET
    )


@pytest.mark.parametrize("whole", ["text", ["a"], 5, REFERENCE])
@pytest.mark.parametrize("name", ["configs", "secrets"])
def test_what_is_no_map_is_refused(row: Connection, name: str, whole: Any):
    assert refused(update, row, **{"configs": {"a": "1"}, name: whole}) == {
        f"settings.{name}": "dict_type"
    }


def test_one_key_in_both_is_refused_whatever_stands_there(row: Connection):
    assert refused(update, row, configs={"token": "x"}) == {"settings.secrets": "duplicate_key"}


def test_a_key_moves_from_configs_to_secrets(row: Connection):
    update(row, configs={}, secrets={"region": "eu"})
    assert stored(row, "configs") == {} and stored(row)["region"] == "eu"


# References


def test_every_reference_is_resolved_at_use(row: Connection, settings):
    settings.CONNECTIONS_CONFIG = {"Custom": {"ApiKey": OTHER_SECRET, "Configs": {"Name": "here"}}}
    used = runtime.resolved_settings(runtime.find_connection(row.alias))
    assert used.configs == {"region": "eu", "name": "here"}
    assert used.secrets.get_secret_value() == {"api-key": SECRET, "token": OTHER_SECRET}


def test_two_dollars_write_one():
    used = runtime.resolved_settings(custom({"a": "$$A:B"}, {"b": "$$key"}))
    assert (used.configs, used.secrets.get_secret_value()) == ({"a": "$A:B"}, {"b": "$key"})


def test_a_missing_reference_is_saved_with_a_notice_and_refused_at_use(row: Connection):
    saved = update(row, configs={"name": "$Custom:Configs:Name"})
    assert {one.field: one.code for one in saved.notices} == {
        "settings.configs.name": "missing_reference",
        "settings.secrets.token": "missing_reference",
    }
    with pytest.raises(services.Unusable, match=r"\$Custom:.* is not set"):
        runtime.resolved_settings(reload(row))


def test_a_config_may_not_name_a_secret_key_but_a_secret_may(row: Connection):
    assert refused(update, row, configs={"a": "$Custom:ApiKey"}) == {
        "settings.configs.a": "denied_reference"
    }
    assert refused(update, row, secrets={"a": "$Elsewhere:ApiKey"}) == {
        "settings.secrets.a": "denied_reference"
    }


def test_a_text_that_only_looks_like_a_reference_is_told_how_to_write_one():
    assert refused(custom, {"a": "$HOME"}) == {"settings.configs.a": "invalid_reference"}


def test_references_are_listed_with_their_keys(row: Connection):
    found = {
        one.field: (one.label, str(one.resolution.state)) for one in display.reference_states(row)
    }
    assert found == {
        "configs.name": ("Configs: name", "missing"),
        "secrets.token": ("Secrets: token", "missing"),
    }
    assert {setting for use in selectors.reference_uses() for *_, setting in use.uses} == set(found)


def test_a_broken_reference_in_a_map_is_no_good_health(row: Connection, settings):
    assert health(row).label == "Reference missing"
    settings.CONNECTIONS_CONFIG = {"Custom": {"ApiKey": OTHER_SECRET, "Configs": {"Name": "here"}}}
    assert health(row).label == "Not tested"


def test_a_test_says_what_was_looked_at(settings, row: Connection):
    settings.CONNECTIONS_CONFIG = {"Custom": {"ApiKey": OTHER_SECRET, "Configs": {"Name": "here"}}}
    check = services.test_connection(row, actor=None)
    assert check.success and "nothing is asked" in check.asked


def test_unsaved_settings_are_tested_with_what_is_stored(row: Connection):
    given = {"configs": {"a": "1"}, "secrets": {"token": None}}
    assert services.test_settings("custom", given, actor=None, connection=row).success
    assert (
        services.test_settings("custom", {"configs": {"a": "1"}}, actor=None, connection=row).code
        == "unresolved_reference"
    )


# What is shown


def test_each_secret_is_shown_as_its_own_mask(row: Connection):
    shown = display.public_settings(row)
    assert shown["secrets"] == {"api-key": "sk-***", "token": REFERENCE} and shown["configs"] == {
        "region": "eu",
        "name": "$Custom:Configs:Name",
    }


def test_what_is_shown_can_be_posted_back(row: Connection):
    assert update(row, **display.public_settings(row)).changed is False


def test_every_entry_is_on_its_own_line_of_the_detail_page(row: Connection):
    found = {
        one.label: (one.value, one.origin)
        for one in selectors.shown_settings(row, display.public_settings(row))
    }
    assert found["Secrets: api-key"] == ("sk-***", "stored") and found["Secrets: token"] == (
        REFERENCE,
        "reference",
    )
    assert found["Configs: region"] == ("eu", "typed")


def test_headers_are_still_masked_as_a_whole():
    assert masked({"X": SECRET}, is_map=False) == "***" and masked({"X": SECRET}, is_map=True) == {
        "X": "sk-***"
    }


def test_history_names_the_entry_and_no_value(row: Connection):
    update(
        row, merge=True, configs={"region": "us"}, secrets={"api-key": OTHER_SECRET, "token": None}
    )
    assert services.versions(reload(row))[0].changes == (
        "configs.region changed",
        "secrets.token changed",
        "secrets.api-key replaced",
    )


# A lost key


def test_a_lost_key_keeps_what_it_encrypted(lost: Connection, settings):
    assert isinstance(lost.credentials, Undecryptable) and display.public_settings(lost)[
        "secrets"
    ] == {"token": REFERENCE}
    update(lost, configs={"region": "us"}, secrets={"token": REFERENCE, "api-key": ""})
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert stored(lost) == {"api-key": SECRET, "token": REFERENCE} and stored(lost, "configs") == {
        "region": "us"
    }


def test_with_a_lost_key_posting_back_what_is_shown_changes_nothing(lost: Connection):
    assert update(lost, **display.public_settings(lost)).changed is False


def test_with_a_lost_key_a_new_secret_replaces_all_and_says_so(lost: Connection):
    saved = update(lost, configs={"region": "us"}, secrets={"api-key": OTHER_SECRET})
    assert "replaced_undecryptable" in [one.code for one in saved.notices]
    assert stored(lost) == {"api-key": OTHER_SECRET, "token": REFERENCE}


def test_with_a_lost_key_nothing_can_be_tested(lost: Connection, settings):
    settings.CONNECTIONS_CONFIG = {"Custom": {"ApiKey": OTHER_SECRET, "Configs": {"Name": "here"}}}
    assert (
        services.test_settings("custom", {"configs": {"a": "1"}}, actor=None, connection=lost).code
        == "undecryptable"
    )


# Configs that sound secret


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "API-KEY",
        "apiKey",
        "AccessToken",
        "password",
        "client_secret",
        "endpoint_api_key",
        "key2",
    ],
)
def test_a_config_that_sounds_secret_is_taken_with_a_notice(key: str):
    saved = services.create_connection(
        "custom", actor=None, name="A", settings={"configs": {key: "x"}}
    )
    assert [(one.field, one.code) for one in saved.notices] == [
        (f"settings.configs.{key}", "sounds_secret")
    ]
    assert key in saved.notices[0].message and "Put it under Secrets" in saved.notices[0].message


@pytest.mark.parametrize("key", ["max_tokens", "region", "api_base", "keyboard", "tokenizer", "5"])
def test_other_configs_are_taken_without_one(key: str):
    assert (
        services.create_connection(
            "custom", actor=None, name="A", settings={"configs": {key: "x"}}
        ).notices
        == []
    )
    assert not conf.sounds_secret(key)


# An address beside a secret map


class HookSettings(NetworkSettings):
    """An address, and secrets that are sent there."""

    where: HttpUrl = setting(
        "https://a.example.com", title="Where", description="Its address.", address=True
    )
    more: TextMap = setting({}, title="More", description="Anything.")
    secrets: SecretMap = setting(SecretEntries({}), title="Secrets", description="Its secrets.")


class Hook(Provider[HookSettings]):
    """Registered where it is needed."""

    id, name = "hook", "Hook"


def test_a_stored_secret_of_a_map_does_not_follow_an_address():
    with available(Hook):
        row = connect(
            "hook", settings={"secrets": {"a": SECRET, "b": OTHER_SECRET, "c": "$Hook:Key"}}
        )
        moved = {"where": "https://b.example.com", "secrets": {"b": OTHER_SECRET}}
        assert refused(update, row, **moved) == {"settings.secrets.a": "secret_required"}
        update(row, **moved | {"secrets": {"a": OTHER_SECRET, "b": SECRET}})
        assert stored(row) == {"a": OTHER_SECRET, "b": SECRET, "c": "$Hook:Key"}
