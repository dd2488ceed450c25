"""`$Section:Key`: what is a reference, where it is looked up, and what it may name. No database."""

import json
import os
from pathlib import Path

import pytest

from connections import conf
from connections.references import (
    InvalidReference,
    Resolution,
    State,
    is_reference,
    parse,
    unescape,
)
from connections.resolving import MACHINE, Policy, Resolver
from connections.sources import (
    DirectorySource,
    EnvironmentSource,
    FileSource,
    MappingSource,
    SourceError,
)
from connections.suggestions import reference_names
from providers.core.registry import get_provider
from tests.fakes import RecordingSource, fake_provider

POLICY = Policy(
    frozenset({"openai", "team"}),
    frozenset({"openai_api_key"}),
    ("key", "secret", "password", "token"),
    frozenset({("openai", "organization"), ("team", "*")}),
)
VALUE = "sk-value-of-a-reference-51c2"


def resolver(*sources, **environ: str) -> Resolver:
    environment = EnvironmentSource(environ)
    return Resolver([environment, *sources], POLICY, environment)


def resolve(reference: str, *sources, secret: bool = True, **environ: str) -> Resolution:
    return resolver(*sources, **environ).resolve(reference, secret, MACHINE)


# What is a reference

IS_REFERENCE = [
    *[
        ("$OpenAI:ApiKey", True),
        ("$A:B:C", True),
        ("$", True),
        ("$:", True),
        ("$A", True),
        ("$Env:HOME", True),
    ],
    *[
        ("sk-plain", False),
        ("", False),
        ("$$OpenAI:ApiKey", False),
        ("$$", False),
        ("a$B:C", False),
        (" $A:B", False),
    ],
    *[
        (None, False),
        (1, False),
        (True, False),
        (["$A:B"], False),
        ({"$A": "B"}, False),
        (b"$A:B", False),
    ],
]


@pytest.mark.parametrize(("value", "expected"), IS_REFERENCE)
def test_a_reference_is_a_text_that_starts_with_one_dollar(value, expected: bool):
    assert is_reference(value) is expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("$$A:B", "$A:B"), ("$$", "$"), ("$$$", "$$"), ("plain", "plain"), ("a$$b", "a$$b"), ("", "")],
)
def test_two_dollars_at_the_start_write_one(typed: str, meant: str):
    assert unescape(typed) == meant


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("$OpenAI:ApiKey", ("OpenAI", "ApiKey")),
        ("$A:B:C", ("A", "B", "C")),
        ("$a-b:c.d:e_f", ("a-b", "c.d", "e_f")),
        ("$1:2", ("1", "2")),
    ],
)
def test_a_reference_is_read_at_any_depth(text: str, key: tuple[str, ...]):
    assert parse(text) == key


BROKEN = [
    "$",
    "$:",
    "$A",
    "$A:",
    "$:B",
    "$A::B",
    "$A:B:",
    "$A B:C",
    "$A:B C",
    "$A/B:C",
    "$Ä:B",
    "$A:B\n",
    "$(A:B)",
    "$A:../B",
    "$" + "A:" * 5000,
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_reference_is_told_how_to_write_one(text: str):
    with pytest.raises(InvalidReference, match=r"\$Section:Key.*write \$\$"):
        parse(text)


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_reference_is_an_error_without_a_lookup(text: str):
    source = RecordingSource()
    assert resolve(text, source).state == State.ERROR
    assert source.lookups == []


def test_a_reference_of_500_characters_is_read_and_of_501_refused():
    assert parse("$A:" + "b" * 497)
    with pytest.raises(InvalidReference, match="at most 500"):
        parse("$A:" + "b" * 498)


def test_ten_thousand_characters_are_an_error_and_not_repeated():
    resolution = resolve("$OpenAI:" + "x" * 10_000)
    assert resolution.state == State.ERROR and "xxx" not in resolution.message


# The environment

ENVIRONMENT = [
    ("$OpenAI:ApiKey", "OpenAI__ApiKey"),
    ("$openai:APIKEY", "OpenAI__ApiKey"),
    ("$OpenAI:ApiKey", "OPENAI__APIKEY"),
    ("$OpenAI:ApiKey", "openai__apikey"),
    ("$OpenAI:Team:Blue:ApiKey", "OpenAI__Team__Blue__ApiKey"),
    ("$Env:OPENAI_API_KEY", "OPENAI_API_KEY"),
    ("$env:openai_api_key", "OPENAI_API_KEY"),
]


@pytest.mark.parametrize(("reference", "variable"), ENVIRONMENT)
def test_a_variable_is_found_in_any_case(reference: str, variable: str):
    resolution = resolve(reference, **{variable: VALUE})
    assert (resolution.state, resolution.value, resolution.source) == (
        State.RESOLVED,
        VALUE,
        "environment",
    )


@pytest.mark.parametrize("variable", ["OpenAI__ApiKey_FILE", "OPENAI__APIKEY_FILE"])
def test_a_variable_may_name_a_file(tmp_path: Path, variable: str):
    (tmp_path / "key").write_text(f"  {VALUE}\n")
    assert resolve("$OpenAI:ApiKey", **{variable: str(tmp_path / "key")}).value == VALUE


def test_env_may_name_a_file_too(tmp_path: Path):
    (tmp_path / "key").write_text(VALUE)
    assert resolve("$Env:OPENAI_API_KEY", OPENAI_API_KEY_FILE=str(tmp_path / "key")).value == VALUE


def test_the_variable_wins_over_its_file(tmp_path: Path):
    assert (
        resolve(
            "$OpenAI:ApiKey", OpenAI__ApiKey=VALUE, OpenAI__ApiKey_FILE=str(tmp_path / "gone")
        ).value
        == VALUE
    )


def test_a_file_that_is_gone_is_an_error_that_names_the_variable(tmp_path: Path):
    resolution = resolve(
        "$OpenAI:ApiKey",
        RecordingSource({"openai:apikey": "x"}),
        OpenAI__ApiKey_FILE=str(tmp_path / "gone"),
    )
    assert resolution.state == State.ERROR and "OpenAI__ApiKey_FILE" in resolution.message


@pytest.mark.parametrize(
    ("content", "cause"), [(b"\xff\xfe\xff", "UTF-8"), (b"x" * 70_000, "64 KB")]
)
def test_a_file_that_holds_no_setting_is_an_error(tmp_path: Path, content: bytes, cause: str):
    (tmp_path / "key").write_bytes(content)
    resolution = resolve("$OpenAI:ApiKey", OpenAI__ApiKey_FILE=str(tmp_path / "key"))
    assert resolution.state == State.ERROR and cause in resolution.message


def test_the_real_environment_is_read_late(monkeypatch: pytest.MonkeyPatch):
    source = EnvironmentSource()
    monkeypatch.setenv("OpenAI__Later", VALUE)
    assert source.lookup(("OpenAI", "Later")) == VALUE


# The secrets directory


@pytest.mark.parametrize("name", ["OpenAI__ApiKey", "OpenAI:ApiKey", "openai__apikey"])
def test_a_file_of_the_secrets_directory_is_found_in_both_spellings(tmp_path: Path, name: str):
    (tmp_path / name).write_text(f"{VALUE}\n")
    resolution = resolve("$OpenAI:ApiKey", DirectorySource(str(tmp_path)))
    assert (resolution.value, resolution.source) == (VALUE, "the secrets directory")


def test_a_changed_secret_is_seen_at_once(tmp_path: Path):
    source = DirectorySource(str(tmp_path))
    (tmp_path / "OpenAI__ApiKey").write_text("old")
    before = source.lookup(("OpenAI", "ApiKey"))
    (tmp_path / "OpenAI__ApiKey").write_text("new")
    assert (before, source.lookup(("OpenAI", "ApiKey"))) == ("old", "new")


@pytest.mark.parametrize(
    "key",
    [
        ("..", "outside"),
        ("../outside",),
        ("..", "..", "etc", "passwd"),
        ("..__outside",),
        (".", "..", "outside"),
    ],
)
def test_no_key_leads_out_of_the_secrets_directory(tmp_path: Path, key: tuple[str, ...]):
    (tmp_path / "outside").write_text(VALUE)
    inside = tmp_path / "inside"
    inside.mkdir()
    assert DirectorySource(str(inside)).lookup(key) is None


def test_folders_in_the_secrets_directory_are_no_values(tmp_path: Path):
    (tmp_path / "OpenAI__ApiKey").mkdir()
    assert DirectorySource(str(tmp_path)).lookup(("OpenAI", "ApiKey")) is None


def test_a_secrets_directory_that_is_gone_is_an_error(tmp_path: Path):
    resolution = resolve("$OpenAI:ApiKey", DirectorySource(str(tmp_path / "gone")))
    assert resolution.state == State.ERROR and "CONNECTIONS_SECRETS_DIR" in resolution.message


def test_a_file_of_the_secrets_directory_sets_its_section_aside(tmp_path: Path):
    (tmp_path / "Billing__ApiKey").write_text(VALUE)
    (tmp_path / "lonely").write_text(VALUE)
    source = DirectorySource(str(tmp_path))
    assert [source.holds(one) for one in ("billing", "lonely")] == [True, False]
    assert resolve("$Billing:ApiKey", DirectorySource(str(tmp_path))).value == VALUE


# The JSON file and the Django setting

DOCUMENTS = [
    {"OpenAI": {"ApiKey": VALUE}},
    {"openai": {"APIKEY": VALUE}},
    {"OpenAI:ApiKey": VALUE},
    {"OpenAI": {}, "openai:apikey": VALUE},
    {"OpenAI": {"ApiKey": f"{VALUE}\n"}},
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_setting_is_nested_or_joined_in_any_case(document: dict):
    resolution = resolve("$OpenAI:ApiKey", MappingSource(document))
    assert (resolution.value, resolution.source) == (VALUE, "CONNECTIONS_CONFIG")


@pytest.mark.parametrize(
    "document",
    [{"A": {"B": {"C": VALUE}}}, {"A": {"B:C": VALUE}}, {"A:B": {"C": VALUE}}, {"A:B:C": VALUE}],
)
def test_keys_may_be_joined_at_any_depth(document: dict):
    assert MappingSource(document).lookup(("a", "b", "c")) == VALUE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        (None, None),
        ({}, None),
        ([1], None),
    ],
)
def test_values_become_text_and_sections_are_no_values(value, text):
    assert MappingSource({"A": {"B": value}}).lookup(("A", "B")) == text


@pytest.mark.parametrize("key", [("A", "B", "C"), ("A",), ("B",)])
def test_below_a_value_there_is_nothing(key: tuple[str, ...]):
    assert MappingSource({"A": {"B": "x"}}).lookup(key) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_json_file_is_read_with_and_without_a_byte_order_mark(tmp_path: Path, encoding: str):
    (tmp_path / "appsettings.json").write_text(
        json.dumps({"OpenAI": {"ApiKey": "ä" + VALUE}}), encoding
    )
    assert (
        FileSource(str(tmp_path / "appsettings.json")).lookup(("OpenAI", "ApiKey")) == "ä" + VALUE
    )


def test_a_json_file_is_read_again_when_it_changes(tmp_path: Path):
    path = tmp_path / "appsettings.json"
    path.write_text('{"A": {"B": "1"}}')
    source = FileSource(str(path))
    before = source.lookup(("A", "B"))
    path.write_text('{"A": {"B": "2"}}')
    os.utime(path, ns=(1, 1))
    assert (before, source.lookup(("A", "B"))) == ("1", "2")


def test_a_json_file_that_does_not_change_is_read_once(tmp_path: Path):
    path = tmp_path / "appsettings.json"
    path.write_text('{"A": {"B": "1"}}')
    source = FileSource(str(path))
    assert source.lookup(("A", "B")) is not None
    assert source._mapping() is source._mapping()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{", "no valid JSON"),
        ("[1]", "one JSON object"),
        ("", "no valid JSON"),
        ('"x"', "one JSON object"),
    ],
)
def test_a_broken_json_file_is_an_error_and_no_later_source_is_asked(
    tmp_path: Path, content: str, cause: str
):
    path, later = tmp_path / "appsettings.json", RecordingSource({"openai:apikey": VALUE})
    path.write_text(content)
    resolution = resolve("$OpenAI:ApiKey", FileSource(str(path)), later)
    assert resolution.state == State.ERROR and cause in resolution.message
    assert later.lookups == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{// keys of the team\n "A": {"B": "//x,}", /* y */ }, // end\n}'),
        ("a.yaml", "A:\n  B: //x,}\n"),
        ("a.yml", "A: {B: '//x,}'}"),
    ],
)
def test_a_file_may_have_comments_and_trailing_commas_or_be_yaml(
    tmp_path: Path, name: str, content: str
):
    (tmp_path / name).write_text(content)
    assert FileSource(str(tmp_path / name)).lookup(("A", "B")) == "//x,}"


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.json", '{\n  "A": @SECRET}', "line 2, column 8"),
        ("a.json", '{"Team": {"K": "SECRET"}, "team": {}}', "the key team twice"),
        ("a.yaml", "A:\n  - SECRET: [", "line 2"),
        ("a.yaml", "Team: SECRET\nteam: x\n", "the key team twice"),
    ],
)
def test_a_broken_file_names_the_place_and_shows_nothing(
    tmp_path: Path, name: str, content: str, cause: str
):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=cause) as raised:
        FileSource(str(tmp_path / name)).lookup(("A", "B"))
    assert "SECRET" not in str(raised.value)


def test_a_mended_json_file_works_again(tmp_path: Path):
    path = tmp_path / "appsettings.json"
    path.write_text("{")
    source = FileSource(str(path))
    with pytest.raises(SourceError):
        source.lookup(("A", "B"))
    path.write_text('{"A": {"B": "1"}}')
    assert source.lookup(("A", "B")) == "1"


def test_a_json_file_that_is_gone_is_an_error(tmp_path: Path):
    resolution = resolve("$OpenAI:ApiKey", FileSource(str(tmp_path / "gone.json")))
    assert resolution.state == State.ERROR and "CONNECTIONS_CONFIG_FILE" in resolution.message


def test_an_unreadable_file_shows_nothing_of_its_content(tmp_path: Path):
    (tmp_path / "broken.json").write_text(f'{{"OpenAI": {{"ApiKey": "{VALUE}"')
    resolution = resolve("$OpenAI:ApiKey", FileSource(str(tmp_path / "broken.json")))
    assert VALUE not in f"{resolution!r} {resolution.message}"


# Order


def test_the_first_source_that_has_the_key_wins():
    first, second = (
        RecordingSource({"openai:apikey": "first"}, "one"),
        RecordingSource({"openai:apikey": "second"}, "two"),
    )
    resolution = resolve("$OpenAI:ApiKey", first, second)
    assert (resolution.value, resolution.source, resolution.tried) == (
        "first",
        "one",
        ("environment", "one"),
    )
    assert second.lookups == []


def test_a_source_without_the_key_passes_on():
    resolution = resolve(
        "$OpenAI:ApiKey",
        RecordingSource(name="one"),
        RecordingSource({"openai:apikey": VALUE}, "two"),
    )
    assert (resolution.value, resolution.tried) == (VALUE, ("environment", "one", "two"))


def test_a_source_that_fails_never_falls_through():
    later = RecordingSource({"openai:apikey": VALUE})
    resolution = resolve("$OpenAI:ApiKey", RecordingSource(name="vault", broken=True), later)
    assert (resolution.state, resolution.source, resolution.value) == (State.ERROR, "vault", None)
    assert later.lookups == []


def test_the_process_asks_environment_directory_file_and_setting_in_this_order(
    settings, tmp_path: Path
):
    (tmp_path / "config.json").write_text("{}")
    settings.CONNECTIONS_SECRETS_DIR, settings.CONNECTIONS_CONFIG_FILE = (
        str(tmp_path),
        str(tmp_path / "config.json"),
    )
    tried = conf.resolver().resolve("$OpenAI:ApiKey", True, MACHINE).tried
    assert tried == ("environment", "the secrets directory", "the JSON file", "CONNECTIONS_CONFIG")


# Missing


def test_a_missing_key_names_itself_and_the_cure():
    resolution = resolve("$OpenAI:ApiKey", MappingSource({}))
    assert (resolution.state, resolution.value) == (State.MISSING, None)
    assert (
        "$OpenAI:ApiKey is not set" in resolution.message and "OpenAI__ApiKey" in resolution.message
    )


def test_a_missing_variable_names_itself():
    assert "environment variable OPENAI_API_KEY" in resolve("$Env:OPENAI_API_KEY").message


@pytest.mark.parametrize("value", ["", "   ", "\n"])
def test_an_empty_value_is_missing_and_no_later_source_is_asked(value: str):
    later = RecordingSource({"openai:apikey": VALUE})
    resolution = resolve("$OpenAI:ApiKey", later, OpenAI__ApiKey=value)
    assert resolution.state == State.MISSING and "but empty" in resolution.message
    assert later.lookups == []


# What may be named

DENIED = [
    ("$Database:Url", True),  # a section that nobody set aside
    ("$Secret:Key", True),
    ("$Env:DATABASE_URL", True),  # a variable that no provider declares
    ("$Env:HOME", True),
    ("$Env:OPENAI_API_KEY:More", True),
    ("$OpenAI:ApiKey", False),  # a secret in a setting that is shown
    ("$OpenAI:client_secret", False),
    ("$Team:Password:Token", False),
    ("$Env:OPENAI_API_KEY", False),
]


@pytest.mark.parametrize(("reference", "secret"), DENIED)
def test_what_may_not_be_named_is_denied_without_a_lookup(reference: str, secret: bool):
    source = RecordingSource()
    resolution = resolve(
        reference,
        source,
        secret=secret,
        DATABASE_URL="x",
        HOME="x",
        Database__Url="x",
        OPENAI_API_KEY="x",
    )
    assert (resolution.state, resolution.value, resolution.tried) == (State.DENIED, None, ())
    assert source.lookups == []


def test_a_denial_tells_nothing_about_existence():
    there, not_there = resolve("$Database:Url", Database__Url=VALUE), resolve("$Database:Url")
    assert there == not_there


def test_a_plain_setting_may_name_a_plain_key():
    assert (
        resolve("$OpenAI:Organization", secret=False, OpenAI__Organization="org-1").value == "org-1"
    )


def test_a_secret_setting_may_name_any_key():
    assert resolve("$OpenAI:Organization", OpenAI__Organization="org-1").value == "org-1"


def test_env_is_no_section_of_a_source():
    source = RecordingSource({"env:openai_api_key": VALUE})
    assert resolve("$Env:OPENAI_API_KEY", source).state == State.MISSING
    assert source.lookups == []


def test_a_section_in_the_setting_is_set_aside(settings):
    settings.CONNECTIONS_CONFIG = {"Billing": {"ApiKey": VALUE}}
    assert conf.resolver().resolve("$billing:apikey", True, MACHINE).value == VALUE


def test_a_section_in_the_json_file_is_set_aside(settings, tmp_path: Path):
    (tmp_path / "config.json").write_text('{"Billing:ApiKey": "x"}')
    settings.CONNECTIONS_CONFIG_FILE = str(tmp_path / "config.json")
    assert conf.resolver().resolve("$Billing:ApiKey", True, MACHINE).value == "x"


def test_a_listed_section_may_be_named(settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("Billing__ApiKey", VALUE)
    before = conf.resolver().resolve("$Billing:ApiKey", True, MACHINE).state
    settings.CONNECTIONS_REFERENCE_SECTIONS = [" billing "]
    assert (before, conf.resolver().resolve("$Billing:ApiKey", True, MACHINE).state) == (
        State.DENIED,
        State.RESOLVED,
    )


def test_a_listed_variable_may_be_named(settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_VARIABLE", VALUE)
    before = conf.resolver().resolve("$Env:MY_VARIABLE", True, MACHINE).state
    settings.CONNECTIONS_REFERENCE_ENV = ["MY_VARIABLE"]
    assert (before, conf.resolver().resolve("$Env:MY_VARIABLE", True, MACHINE).state) == (
        State.DENIED,
        State.RESOLVED,
    )


def test_a_provider_sets_its_section_and_its_variables_aside(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAKE_API_KEY", VALUE)
    with fake_provider():
        states = [
            conf.resolver().resolve(one, True, MACHINE).state
            for one in ("$Fake:ApiKey", "$Env:FAKE_API_KEY")
        ]
    assert states == [State.MISSING, State.RESOLVED]


def test_what_counts_as_secret_can_be_set(settings):
    settings.CONNECTIONS_SECRET_KEYS = ["Pin"]
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["OpenAI:*"]
    assert conf.resolver().resolve("$OpenAI:MyPin", False, MACHINE).state == State.DENIED
    assert conf.resolver().resolve("$OpenAI:Other", False, MACHINE).state == State.MISSING


def test_a_setting_shown_in_clear_names_declared_and_listed_keys_only(settings):
    settings.CONNECTIONS_CONFIG = {"ConnectionStrings": {"Default": VALUE}}
    names = ("$OpenAI:BaseUrl", "$OpenAI:ApiKey", "$OpenAI:Other", "$ConnectionStrings:Default")
    before = [conf.resolver().resolve(one, False, MACHINE).state for one in names]
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["ConnectionStrings:Default"]
    assert before == [State.MISSING, State.DENIED, State.DENIED, State.DENIED]
    assert conf.resolver().resolve(names[-1], False, MACHINE).value == VALUE


def test_an_installed_type_opens_nothing(settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("Fake__ApiKey", VALUE)
    with fake_provider() as provider:
        pass
    monkeypatch.setattr("providers.core.registry._installed", {provider.id: provider})
    names = ("$Fake:ApiKey", "$Env:FAKE_API_KEY")
    conf.resolver.cache_clear()
    assert [conf.resolver().resolve(one, True, MACHINE).state for one in names] == [
        State.DENIED
    ] * 2


def test_what_one_source_holds_opens_no_other(settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("Billing__Other", VALUE)
    settings.CONNECTIONS_CONFIG = {"Billing": {"ApiKey": "x"}}
    resolution = conf.resolver().resolve("$Billing:Other", True, MACHINE)
    assert (resolution.state, resolution.tried) == (State.MISSING, ("CONNECTIONS_CONFIG",))


def test_a_source_that_cannot_say_its_sections_is_an_error(tmp_path: Path):
    resolution = resolve("$Billing:ApiKey", DirectorySource(str(tmp_path / "gone")))
    assert resolution.state == State.ERROR


# The result


def test_no_value_is_in_a_repr():
    resolution = resolve("$OpenAI:ApiKey", OpenAI__ApiKey=VALUE)
    assert resolution.value == VALUE
    assert VALUE not in f"{resolution!r} {resolution}"


@pytest.mark.parametrize("value", ["$OpenAI:Other", "$$", "$Env:OPENAI_API_KEY"])
def test_there_is_no_recursion(value: str):
    assert resolve("$OpenAI:ApiKey", OpenAI__ApiKey=value, OpenAI__Other=VALUE).value == value


# Spellings


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("$OpenAI:ApiKey", "OpenAI:ApiKey"),
        ("$Team:My-Key.1", "Team__My_Key_1"),
        ("$Team:My-Key", "TEAM__MY_KEY"),
        ("$Team:Keys:0", "Team__Keys__0"),
    ],
)
def test_a_variable_is_found_by_what_shells_can_set(reference: str, name: str):
    assert resolve(reference, **{name: VALUE}).value == VALUE


def test_two_spellings_of_a_variable_are_an_error_unless_they_agree_or_one_is_empty():
    two = {"OpenAI__ApiKey": VALUE, "OPENAI__APIKEY": "other"}
    found = resolve("$OpenAI:ApiKey", **two)
    assert found.state == State.ERROR and "OPENAI__APIKEY and OpenAI__ApiKey" in found.message
    assert VALUE not in found.message
    for other in (VALUE, ""):
        assert resolve("$OpenAI:ApiKey", **two | {"OPENAI__APIKEY": other}).value == VALUE


def test_a_variable_that_changes_is_seen(monkeypatch: pytest.MonkeyPatch):
    environ = {"OpenAI__ApiKey": "first"}
    source = EnvironmentSource(environ)
    assert source.lookup(("OpenAI", "ApiKey")) == "first"
    environ["OpenAI__ApiKey"] = "second"
    assert source.lookup(("OpenAI", "ApiKey")) == "second"
    del environ["OpenAI__ApiKey"]
    environ["OPENAI__APIKEY"] = "third"
    assert source.lookup(("OpenAI", "ApiKey")) == "third"


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_name_of_a_file_names_none(path: str):
    assert resolve("$OpenAI:ApiKey", OpenAI__ApiKey_FILE=path).state == State.MISSING


def test_a_file_is_read_where_the_variable_is_empty(tmp_path: Path):
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + VALUE.encode() + b"\r\n")
    found = resolve("$OpenAI:ApiKey", OpenAI__ApiKey="", OpenAI__ApiKey_FILE=str(tmp_path / "key"))
    assert found.value == VALUE, "and its byte order mark is no part of it"


def test_two_files_of_one_key_are_an_error_unless_they_agree(tmp_path: Path):
    (tmp_path / "OpenAI__ApiKey").write_text(VALUE)
    (tmp_path / "OpenAI:ApiKey").write_text("other")
    found = resolve("$OpenAI:ApiKey", DirectorySource(str(tmp_path)))
    assert found.state == State.ERROR and "OpenAI:ApiKey and OpenAI__ApiKey" in found.message
    (tmp_path / "OpenAI:ApiKey").write_text(f"{VALUE}\n")
    assert resolve("$OpenAI:ApiKey", DirectorySource(str(tmp_path))).value == VALUE


@pytest.mark.parametrize(
    ("reference", "value"),
    [("$Team:Keys:0", "k0"), ("$Team:Keys:1:Name", "k1"), ("$Team:Keys:2", None)],
)
def test_an_entry_of_a_list_has_its_number_as_a_key(reference: str, value: str | None):
    source = MappingSource({"Team": {"Keys": ["k0", {"Name": "k1"}]}})
    assert resolve(reference, source).value == value


def test_a_section_in_two_spellings_is_one():
    source = MappingSource({"Team": {"Key": "k"}, "team": {"Key2": "z"}})
    assert [resolve(one, source).value for one in ("$Team:Key", "$Team:Key2")] == ["k", "z"]


@pytest.mark.parametrize("text", ['{"Team":{},"Team":{}}', '{"Team":{"A":1,"a":2}}'])
def test_a_key_that_is_twice_in_the_json_file_is_told(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)
    found = resolve("$Team:Key", FileSource(str(tmp_path / "a.json")))
    assert found.state == State.ERROR and "twice" in found.message


def test_the_cure_for_a_hyphen_is_a_name_that_a_shell_can_set():
    message = resolve("$Team:My-Key", MappingSource({})).message
    assert "variable Team__My_Key," in message and "CONNECTIONS_SOURCES" in message
    assert "CONNECTIONS_CONFIG " not in message, "which is code"


@pytest.mark.django_db
def test_suggestions_are_names_that_the_setting_may_name_and_never_values(settings, monkeypatch):
    monkeypatch.setenv("OpenAI__Spare__ApiKey", "sk-spare")
    monkeypatch.setenv("Private__Password", "hidden")
    settings.CONNECTIONS_CONFIG = {"Acme": {"Token": "sk-acme"}}
    names = reference_names(get_provider("openai"), None)
    assert {"$OpenAI:ApiKey", "$Env:OPENAI_API_KEY", "$OpenAI:Spare:ApiKey", "$Acme:Token"} <= {
        *names[True]
    }
    assert "$OpenAI:BaseUrl" in names[False] and "$OpenAI:ApiKey" not in names[False]
    assert "$Private:Password" not in names[True] and not any("sk-" in one for one in names[True])
