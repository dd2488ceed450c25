"""Custom: free configs and secrets, checked without a network."""

import sys

import pytest

from connections.promptflow.format.types import provider_of_type
from providers.core.registry import all_providers, get_provider
from providers.core.schema import settings_fields, validate
from providers.core.types import is_entry_key

CUSTOM = get_provider("custom")
SECRET = "sk-of-a-custom-connection-61f0"


def codes(**values: object) -> dict[str, str]:
    return {one.field: one.code for one in validate(CUSTOM, dict(values))[1]}


def made(**values: object):
    settings, errors = validate(CUSTOM, dict(values))
    assert settings, errors
    return settings


def test_its_maps_are_read_as_maps():
    kinds = {
        name: (field.kind, field.secret, field.required, field.default)
        for name, field in settings_fields(CUSTOM).items()
    }
    assert kinds["configs"] == ("map", False, False, None) and kinds["secrets"] == (
        "secret_map",
        True,
        False,
        None,
    )


def test_entries_are_used_by_their_keys():
    settings = made(
        configs={"api-base": "https://a.example", "Empty": ""}, secrets={"api_key": SECRET}
    )
    assert (settings.configs["api-base"], settings.configs["Empty"]) == ("https://a.example", "")
    assert settings.secrets.get_secret_value() == {"api_key": SECRET}


def test_one_of_both_maps_is_enough():
    assert (
        made(configs={"a": "1"}).secrets.get_secret_value() == {}
        and made(secrets={"a": "1"}).configs == {}
    )


@pytest.mark.parametrize(
    "values", [{}, {"configs": {}}, {"configs": {}, "secrets": {}}, {"module": "m"}]
)
def test_nothing_at_all_is_refused(values: dict):
    found = validate(CUSTOM, values)[1]
    assert [(one.field, one.message) for one in found] == [
        ("secrets", "Give at least one config or secret.")
    ]


def test_one_key_in_both_maps_is_refused():
    assert codes(configs={"a": "1", "b": "2"}, secrets={"a": "3"}) == {"secrets": "duplicate_key"}
    assert codes(configs={"A": "1"}, secrets={"a": "3"}) == {}


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": "b"}])
@pytest.mark.parametrize("name", ["configs", "secrets"])
def test_a_value_that_is_no_text_is_refused_at_its_key(name: str, value: object):
    assert codes(**{name: {"good": "1", "bad": value}}) == {f"{name}.bad": "string_type"}


@pytest.mark.parametrize("value", ["text", ["a"], 5, "$Custom:All"])
@pytest.mark.parametrize("name", ["configs", "secrets"])
def test_what_is_no_map_is_refused(name: str, value: object):
    assert codes(**{name: value, "custom_type": "A"})[name] == "dict_type"


KEYS = {"a": True, "api-key": True, "A B": True, "ä": True, "x" * 200: True, "a.b/c~d": True}
NO_KEYS = {
    "": False,
    "x" * 201: False,
    " a": False,
    "a ": False,
    "a\n": False,
    "a\x00b": False,
    "\x85": False,
    "a\tb": False,
}


@pytest.mark.parametrize(("key", "expected"), [*KEYS.items(), *NO_KEYS.items()], ids=repr)
def test_a_key_is_one_short_line(key: str, expected: bool):
    assert is_entry_key(key) is expected
    assert codes(configs={key: "1"}) == ({} if expected else {"configs": "entry_key"})


def test_a_key_that_is_no_text_is_none():
    assert not is_entry_key(5) and codes(configs={5: "1"}) == {"configs": "string_type"}


def test_there_are_at_most_two_hundred_entries():
    assert codes(configs={str(number): "" for number in range(200)}) == {}
    assert codes(configs={str(number): "" for number in range(201)}) == {
        "configs": "too_many_entries"
    }
    assert codes(secrets={str(number): "" for number in range(201)}) == {
        "secrets": "too_many_entries"
    }


def test_a_value_may_have_several_lines_but_no_null_character():
    assert codes(configs={"pem": "-----BEGIN\nabc\n"}) == {} and codes(configs={"a": "\x00"}) == {
        "configs.a": "null_character"
    }


def test_no_secret_is_in_a_repr_a_dump_or_an_error():
    settings = made(secrets={"a": SECRET})
    errors = validate(CUSTOM, {"secrets": {"a": [SECRET], f"{SECRET}\n": SECRET}})[1]
    assert errors and SECRET not in (
        f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {errors}"
    )


def test_a_check_asks_nobody_and_says_so():
    found = CUSTOM(made(configs={"a": "1"})).check()
    assert (
        "nothing is asked" in found.asked
        and found.model_count is None
        and CUSTOM.capabilities == ()
    )


def test_no_models_are_listed():
    assert CUSTOM(made(configs={"a": "1"})).list_models() == []


def test_the_module_of_a_strong_type_is_kept_and_not_imported(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "strange_module_8d1.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    values = {
        "custom_type": "MyConnection",
        "module": "strange_module_8d1",
        "package": "strange",
        "package_version": "1.0",
    }
    settings = made(secrets={"a": "1"}, **values)
    CUSTOM(settings).check()
    assert {
        name: getattr(settings, name) for name in values
    } == values and "strange_module_8d1" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "custom",
        "Custom",
        "CustomConnection",
        "custom_strong_type",
        "CustomStrongTypeConnection",
        "CUSTOM",
    ],
)
def test_promptflow_finds_it_by_any_spelling(text: str):
    assert provider_of_type(text, all_providers()) is CUSTOM
