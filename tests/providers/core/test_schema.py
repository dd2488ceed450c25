"""One reading of a settings class, for every surface."""

from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, Secret, SecretStr

from providers.core.base import Provider
from providers.core.registry import get_provider, registered
from providers.core.schema import pascal, secret_names, settings_fields, validate
from providers.core.settings import NetworkSettings, setting
from providers.core.types import (
    ApiKey,
    Headers,
    HttpUrl,
    SecretEntries,
    SecretMap,
    Text,
    TextMap,
    lower_case,
)


class MadeUpSettings(NetworkSettings):
    """One of every kind."""

    mode: Annotated[Literal["key", "none"], BeforeValidator(lower_case)] = setting(
        "key", title="Mode", labels={"key": "A key"}
    )
    key: ApiKey | None = setting(
        None,
        title="Key",
        shown_when=("mode", "key"),
        required_when_shown=True,
        environment="MADE_UP_KEY",
    )
    plain_secret: SecretStr | None = setting(None, title="Secret")
    where: HttpUrl = setting(
        title="Where", description="An address.", address=True, placeholder="https://..."
    )
    count: int = setting(3, title="Count", ge=1, le=9)
    ratio: float | None = setting(None, title="Ratio")
    loud: bool = setting(False, title="Loud", group="Advanced")
    headers: Headers | None = setting(None, title="Headers")
    note: Text = setting("", max_length=5, title="Note")
    tags: TextMap = setting({}, title="Tags")
    keys: SecretMap = setting(SecretEntries({}), title="Keys")


class MadeUp(Provider[MadeUpSettings]):
    """For this module only."""

    id, name = "made-up", "Made up"


@pytest.fixture(autouse=True)
def made_up():
    with registered(MadeUp):
        yield


GOOD = {"where": "https://api.example.com", "key": "k"}


def codes(values: dict, **options: frozenset) -> dict[str, str]:
    return {one.field: one.code for one in validate(MadeUp, values, **options)[1]}


def test_kinds_are_read_off_the_types():
    kinds = {name: field.kind for name, field in settings_fields(MadeUp).items()}
    assert (
        kinds
        | {
            "mode": "choice",
            "count": "integer",
            "ratio": "number",
            "loud": "boolean",
            "headers": "headers",
        }
        == kinds
    )
    assert (kinds["tags"], kinds["keys"]) == ("map", "secret_map")
    assert kinds["key"] == kinds["where"] == kinds["note"] == "text"


def test_optional_secrets_and_headers_are_secret_too():
    assert secret_names(MadeUp) == {
        *("key", "plain_secret", "headers", "keys", "proxy_password"),
    }


def test_marks_are_carried():
    key, where = settings_fields(MadeUp)["key"], settings_fields(MadeUp)["where"]
    assert (key.environment, key.shown_when, key.required_when_shown, key.example) == (
        "MADE_UP_KEY",
        ("mode", ("key",)),
        True,
        "$MadeUp:Key",
    )
    assert (where.address, where.required, where.placeholder, where.help) == (
        True,
        True,
        "https://...",
        "An address.",
    )


def test_choices_have_words_and_bounds_are_kept():
    fields = settings_fields(MadeUp)
    assert fields["mode"].choices == (("key", "A key"), ("none", "None"))
    assert dict(fields["count"].bounds) == {"ge": 1, "le": 9} and dict(fields["note"].bounds) == {
        "max_length": 5
    }


def test_a_bare_secret_of_pydantic_is_headers_only_for_mappings():
    assert settings_fields(MadeUp)["plain_secret"].kind == "text"
    assert issubclass(Secret, object)


def test_own_settings_come_first_and_advanced_ones_last():
    names = list(settings_fields(MadeUp))
    assert names[0] == "mode" and names[-7:] == [
        "loud",
        "proxy",
        "proxy_user",
        "proxy_password",
        "ca_certificate",
        "timeout",
        "max_retries",
    ]


def test_good_values_are_typed():
    settings, errors = validate(MadeUp, {**GOOD, "count": "4", "loud": "true", "mode": "KEY"})
    assert not errors and (settings.count, settings.loud, settings.mode) == (4, True, "key")


def test_empty_means_not_given():
    settings, errors = validate(MadeUp, {**GOOD, "count": "", "ratio": None})
    assert not errors and settings.count == 3


def test_a_missing_value_says_how_to_write_it():
    _, errors = validate(MadeUp, {"key": "k"})
    assert [(one.field, one.code) for one in errors] == [
        ("where", "required")
    ] and "$MadeUp:Where" in errors[0].message


def test_what_is_shown_is_required_and_what_is_not_is_not():
    assert codes({"where": "https://a.example"}) == {"key": "required"}
    assert codes({"where": "https://a.example", "mode": "none"}) == {}


def test_an_unresolved_field_is_not_judged():
    assert codes({"where": "$A:B", "key": "k"}, ignore=frozenset({"where"})) == {}


def test_an_unknown_setting_lists_the_known_ones():
    _, errors = validate(MadeUp, {**GOOD, "nonsense": 1})
    assert errors[0].code == "unknown_field" and "where" in errors[0].message


def test_every_wrong_field_is_named_once():
    assert codes({"where": "ftp://x", "key": "k", "count": 99, "mode": "aad"}).keys() == {
        "where",
        "count",
        "mode",
    }


def test_a_wrong_choice_is_answered_with_the_right_ones():
    _, errors = validate(MadeUp, {**GOOD, "mode": "aad"})
    assert errors[0].message == "Choose one of: key, none."


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("loud", "TRUE", True), ("count", "4", 4), ("ratio", "0.5", 0.5), ("count", "x", "x")],
)
def test_a_text_becomes_what_it_means(name: str, text: str, value: object):
    assert settings_fields(MadeUp)[name].from_text(text) == value


def test_names_are_spelled_as_in_appsettings():
    assert (
        pascal("api_key") == "ApiKey"
        and settings_fields(get_provider("openai"))["api_key"].example == "$OpenAI:ApiKey"
    )
