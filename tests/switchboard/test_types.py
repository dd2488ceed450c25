"""The types by themselves: what they are made of, what they show, what they read from the
environment.
"""

import copy
import pickle
from dataclasses import MISSING
from typing import Any

import pytest
import yaml

from connections.promptflow.format.shapes import shape_of
from connections.promptflow.format.types import TYPES as SERVED
from connections.promptflow.format.types import provider_of_type
from providers.core.registry import all_providers, get_provider
from switchboard import (
    AzureAISearchConnection,
    AzureOpenAIConnection,
    CognitiveSearchConnection,
    Connection,
    CustomConnection,
    CustomStrongTypeConnection,
    InvalidError,
    OpenAIConnection,
    ProviderConnection,
    RequiredEnvironmentVariablesNotSetError,
    Secret,
    TypedConnection,
)
from switchboard.types import TYPES
from switchboard.wire import CLASSES, alias_of

from .samples import EACH, KEY, PLACE, one_of_each

BY_NAME = [pytest.param(position, id=name) for position, name in enumerate(EACH)]


@pytest.fixture
def each(request: pytest.FixtureRequest) -> Connection:
    return one_of_each("mine")[request.param]


every_type = pytest.mark.parametrize("each", BY_NAME, indirect=True)
every_class = pytest.mark.parametrize("cls", TYPES, ids=lambda cls: cls.__name__)


# What the server declares, the classes declare alike


def test_the_server_has_no_type_of_promptflow_that_is_missing_here():
    assert set(SERVED) == set(CLASSES)


@every_class
def test_a_class_is_called_as_the_server_calls_it(cls: type[TypedConnection]):
    found = SERVED[cls.provider_id]
    assert found and (found.type, found.class_name, found.module) == (
        cls.yaml_type,
        cls.__name__,
        cls.module,
    )


@every_class
def test_a_class_has_the_fields_that_the_server_names(cls: type[TypedConnection]):
    found = SERVED[cls.provider_id]
    assert {one.name: one.setting or f"promptflow.{one.name}" for one in cls.declared} == dict(
        found.fields
    )


@every_class
def test_a_field_that_no_request_carries_has_promptflows_value(cls: type[TypedConnection]):
    constants = {one.name: one.default for one in cls.declared if not one.setting}
    assert constants == dict(SERVED[cls.provider_id].constants)


@every_class
def test_the_same_fields_are_secret_on_both_sides(cls: type[TypedConnection]):
    found, shape = SERVED[cls.provider_id], shape_of(get_provider(cls.provider_id))
    secret = {one.name for one in cls.declared if one.secret}
    assert (
        secret
        == set(found.secrets)
        == {one.name for one in cls.declared if shape.setting(one.name).secret}
    )


@every_class
def test_both_sides_read_the_same_environment(cls: type[TypedConnection]):
    shape = shape_of(get_provider(cls.provider_id))
    assert {one.name: one.environment for one in cls.declared} == {
        one.name: shape.setting(one.name).environment for one in cls.declared
    }


@every_class
def test_a_default_is_the_servers_own_or_none(cls: type[TypedConnection]):
    """So that what the server does not store reads as what it takes."""
    shape = shape_of(get_provider(cls.provider_id))
    given = [one for one in cls.declared if one.default not in (MISSING, None)]
    assert {one.name: one.default for one in given} == {
        one.name: shape.setting(one.name).default for one in given
    }


@every_class
def test_the_same_fields_are_required(cls: type[TypedConnection]):
    shape = shape_of(get_provider(cls.provider_id))
    there = {one.name for one in cls.declared if shape.setting(one.name).required}
    assert {one.name for one in cls.declared if one.default is MISSING} == there


@every_class
def test_a_key_counts_in_the_same_mode(cls: type[TypedConnection]):
    shape = shape_of(get_provider(cls.provider_id))
    declared = [one.when and (one.when[0], (one.when[1],)) for one in cls.declared]
    assert declared == [shape.setting(one.name).shown_when for one in cls.declared]


@pytest.mark.parametrize("spelling", ["azure_ai_search", "AzureAISearch"])
def test_the_new_name_of_a_search_service_is_the_same_class(spelling: str):
    found: Any = provider_of_type(spelling, all_providers())
    assert (
        AzureAISearchConnection is CognitiveSearchConnection
        and found.id == CognitiveSearchConnection.provider_id
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "My Connection",
        "my_connection",
        "Ünïcode & Co",
        "a--b__c",
        "---",
        "表",
        "x" * 200,
        "a.b/c?d",
    ],
)
def test_an_alias_is_made_as_the_server_makes_it(name: str):
    from connections.models import Connection as Row
    from connections.services.base import new_alias

    assert alias_of(name) == new_alias(Row, name)


# What they show


@every_type
def test_no_text_of_an_object_shows_a_secret(each: Connection):
    shown = f"{each!r} {each!s} {each.secrets!r} {each.secrets!s} {each.to_dict()} {[each]} {each:}"
    assert KEY not in shown and "******" in shown


@every_type
def test_the_text_of_an_object_is_promptflows_yaml(each: Connection):
    assert yaml.safe_load(str(each)) == each.to_dict()


def test_yaml_keeps_texts_that_look_like_something_else():
    configs = dict.fromkeys("", "") | {
        str(number): text
        for number, text in enumerate(
            [
                "2024-02-01",
                "yes",
                "null",
                "1.0",
                "a: b",
                "it's",
                "# no",
                "x\ny",
                " blank ",
                "",
                "é",
                "-",
                "a:b",
                "~",
            ]
        )
    }
    assert (
        yaml.safe_load(str(CustomConnection({"k": "v"}, configs, name="5")))["configs"] == configs
    )


def test_a_dictionary_has_promptflows_keys_in_promptflows_order():
    made = AzureOpenAIConnection(PLACE, KEY, name="mine")
    assert list(made.to_dict()) == [
        "auth_mode",
        "name",
        "module",
        "type",
        "api_key",
        "api_base",
        "api_type",
        "api_version",
    ]


def test_a_reference_is_shown_as_it_is():
    assert "$OpenAI:ApiKey" in str(OpenAIConnection("$OpenAI:ApiKey"))


def test_any_value_of_an_unsaved_connection_of_another_provider_may_be_a_secret():
    made = ProviderConnection("anthropic", {"apiKey": KEY}, name="mine")
    assert KEY not in f"{made!r}{made!s}{made.to_dict()}"


@every_type
def test_an_object_survives_copies_and_pickles(each: Connection):
    copies = [copy.copy(each), copy.deepcopy(each), pickle.loads(pickle.dumps(each))]
    assert [dict(one) for one in copies] == [dict(each)] * 3


# As a mapping, as promptflow has it


@every_type
def test_an_object_is_a_mapping_of_configs_and_secrets(each: Connection):
    assert dict(each) == {**each} == {**each.configs, **each.secrets}


def test_secrets_and_configs_are_live():
    made = OpenAIConnection(KEY)
    made.secrets["api_key"], made.configs["base_url"] = "another", PLACE
    assert (made.api_key, made["base_url"]) == ("another", PLACE)


def test_a_secret_wins_over_a_config_of_the_same_key():
    assert CustomConnection({"k": "secret"}, {"k": "config"})["k"] == "secret"


@every_type
def test_a_missing_key_is_named_with_its_connection(each: Connection):
    with pytest.raises(KeyError, match=r"'nope'.*'mine'"):
        each["nope"]


def test_a_field_that_the_type_does_not_have_cannot_be_set():
    with pytest.raises(KeyError, match="base_url"):
        OpenAIConnection(KEY).configs["api_bse"] = PLACE


def test_a_typo_among_the_arguments_is_refused():
    with pytest.raises(TypeError, match="apikey"):
        OpenAIConnection(apikey=KEY)  # type: ignore[call-arg]


def test_with_entra_id_there_is_no_key():
    made = AzureOpenAIConnection(PLACE, KEY, auth_mode="MEID_token")
    assert (made.api_key, dict(made.secrets), made.auth_mode) == (None, {}, "meid_token")


@pytest.mark.parametrize("text", ["", "_"])
def test_openai_takes_an_empty_address_for_none(text: str):
    assert OpenAIConnection(KEY, base_url=text).base_url is None


def test_an_entry_of_a_custom_connection_can_still_be_read_as_an_attribute():
    with pytest.warns(DeprecationWarning, match="configs"):
        assert CustomConnection({}, {"region": "eu"}).region == "eu"  # type: ignore[attr-defined]


# Classes of one's own


class Shop(CustomStrongTypeConnection):
    """A strong type as promptflow's documents write it."""

    api_key: Secret
    api_base: str
    region: str = "eu"


def test_a_strong_type_reads_its_fields_from_configs_and_secrets():
    made = Shop({"api_key": KEY}, {"api_base": PLACE})
    assert (made.api_key, made.api_base, made.region) == (KEY, PLACE, "eu")


def test_a_strong_type_writes_its_fields_to_configs_and_secrets():
    made = Shop({"api_key": KEY}, {"api_base": PLACE})
    made.api_key, made.region = Secret("new"), "us"
    assert (made.secrets["api_key"], made.configs["region"]) == ("new", "us")


def test_a_strong_type_refuses_keys_that_it_does_not_declare():
    with pytest.raises(
        InvalidError, match=r"no config 'zzz'.*declares configs: api_base, region; secrets: api_key"
    ) as refused:
        Shop({"api_key": KEY}, {"zzz": "1"})
    assert [one.pointer for one in refused.value.errors] == ["/settings/configs/zzz"]


def test_a_missing_field_of_a_strong_type_is_named():
    with pytest.raises(KeyError, match="api_base"):
        _ = Shop({"api_key": KEY}, name="shop").api_base


def test_annotations_that_are_texts_tell_secrets_apart_too():
    late = type(
        "Late",
        (CustomStrongTypeConnection,),
        {"__annotations__": {"token": "switchboard.Secret", "place": "str"}},
    )
    assert dict(late({"token": KEY}, {"place": PLACE}).secrets) == {"token": KEY}


# From the environment


@every_class
def test_every_type_is_made_from_its_environment(
    cls: type[TypedConnection], monkeypatch: pytest.MonkeyPatch
):
    named = [one for one in cls.declared if one.environment]
    for one in named:
        monkeypatch.setenv(one.environment, f"value-{one.name}")
    made = cls.from_env("mine")
    assert made.name == "mine" and {one.name: getattr(made, one.name) for one in named} == {
        one.name: f"value-{one.name}" for one in named
    }


@every_class
def test_what_is_missing_is_listed_with_all_that_is_required(cls: type[TypedConnection]):
    with pytest.raises(RequiredEnvironmentVariablesNotSetError, match=cls.__name__) as missing:
        cls.from_env()
    assert missing.value.missing == missing.value.required and all(
        one in str(missing.value) for one in missing.value.required
    )


def test_only_what_is_absent_or_empty_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", PLACE)
    with pytest.raises(RequiredEnvironmentVariablesNotSetError) as missing:
        AzureOpenAIConnection.from_env()
    assert (missing.value.missing, missing.value.required) == (
        ["AZURE_OPENAI_API_KEY"],
        ["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"],
    )


def test_an_empty_optional_variable_leaves_the_default(monkeypatch: pytest.MonkeyPatch):
    for variable, value in {
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_ENDPOINT": PLACE,
        "OPENAI_API_VERSION": "",
    }.items():
        monkeypatch.setenv(variable, value)
    assert AzureOpenAIConnection.from_env().api_version == "2024-02-01"


def test_with_entra_id_the_environment_needs_no_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", PLACE)
    assert AzureOpenAIConnection.from_env("mine", auth_mode="meid_token").api_key is None
