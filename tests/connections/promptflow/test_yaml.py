"""promptflow's YAML: what a file means, and the way there and back."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from connections import services
from connections.models import Connection
from connections.promptflow.format import values, yaml_text
from connections.promptflow.format.documents import Document, read_changes, read_document
from connections.promptflow.format.errors import Refused
from connections.promptflow.format.files import pairs, with_overrides
from connections.promptflow.format.shapes import shape_of, shape_of_type
from connections.promptflow.services.connections import save_promptflow
from connections.promptflow.services.finding import find_promptflow
from connections.promptflow.services.show import (
    behind_lost_keys,
    promptflow_file,
    promptflow_view,
)
from tests.fakes import OLDER_KEY, SECRET, connect, reload

SCHEMA = (
    "$schema: https://azuremlschemas.azureedge.net/promptflow/latest/{}Connection.schema.json\n"
)
KEY = f"api_key: {SECRET}\n"
FILES = {
    "azure_open_ai": (
        "AzureOpenAI",
        KEY + 'api_base: https://a.openai.azure.com\napi_type: azure\napi_version: "2024-02-01"\n',
    ),
    "open_ai": ("OpenAI", KEY + "base_url: https://proxy.example.com/v1\norganization: org-1\n"),
    "azure_ai_services": (
        "AzureAIServices",
        KEY + "endpoint: https://a.cognitiveservices.azure.com\n",
    ),
    "cognitive_search": (
        "CognitiveSearch",
        KEY + 'api_base: https://a.search.windows.net\napi_version: "2023-11-01"\n',
    ),
    "azure_content_safety": (
        "AzureContentSafety",
        KEY
        + (
            'endpoint: https://a.cognitiveservices.azure.com\napi_version: "2023-10-01"\napi_type: '
            "Content Safety\n"
        ),
    ),
    "form_recognizer": (
        "FormRecognizer",
        KEY
        + (
            'endpoint: https://a.cognitiveservices.azure.com\napi_version: "2023-07-31"\napi_type: '
            "Form Recognizer\n"
        ),
    ),
    "serp": ("Serp", KEY),
    "serverless": ("Serverless", KEY + "api_base: https://a.example.com\n"),
    "qdrant": ("Qdrant", KEY + "api_base: https://a.example.com\n"),
    "weaviate": ("Weaviate", KEY + "api_base: https://a.example.com\n"),
    "custom": (
        "Custom",
        'configs:\n  endpoint: https://a.example.com\n  count: "5"\nsecrets:\n  api-key: '
        + SECRET
        + "\n",
    ),
}
STRONG = (
    "name: strong\ntype: custom\ncustom_type: MyConnection\nmodule: my.connections\npackage: "
    "my-package\npackage_version: 0.0.2\n"
    f"configs:\n  base: x\nsecrets:\n  token: {SECRET}\n"
)


def text_of(kind: str) -> str:
    name, fields = FILES[kind]
    return f"{SCHEMA.format(name)}name: my {kind}\ntype: {kind}\n{fields}"


def document_of(text: str, **named: str) -> Document:
    return read_document(yaml_text.parse(text), **named)


def saved(text: str) -> Connection:
    return reload(save_promptflow(document_of(text), actor=None).row)


def problems(text: str) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        document_of(text)
    return {".".join(path): said for path, said in caught.value.problems}


# There and back


@pytest.mark.django_db
@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_dumped_as_it_came_with_a_placeholder_for_its_secret(kind: str):
    dumped = promptflow_file(saved(text_of(kind)), actor=None)
    assert yaml_text.parse(dumped.replace("<user-input>", SECRET)) == yaml_text.parse(text_of(kind))
    assert SECRET not in dumped


@pytest.mark.django_db
@pytest.mark.parametrize("kind", FILES)
def test_a_dumped_file_begins_as_promptflow_writes_it(kind: str):
    assert list(yaml_text.parse(promptflow_file(saved(text_of(kind)), actor=None)))[:3] == [
        "$schema",
        "type",
        "name",
    ]


@pytest.mark.django_db
def test_a_strong_type_keeps_its_class_and_puts_the_module_last():
    fields = yaml_text.parse(promptflow_file(saved(STRONG), actor=None))
    assert fields == {
        **yaml_text.parse(STRONG),
        "$schema": "https://azuremlschemas.azureedge.net/promptflow/latest/CustomConnection.schema.json",
        "secrets": {"token": "<user-input>"},
    }
    assert list(fields)[-3:] == ["configs", "secrets", "module"]


@pytest.mark.django_db
def test_an_environment_reference_is_stored_as_ours_and_dumped_as_theirs():
    row = saved(
        "name: a\ntype: open_ai\napi_key: ${env:OPENAI_API_KEY}\nbase_url: ' "
        "${env:OPENAI_BASE_URL} '\n"
    )
    assert row.settings == {"api_key": "$Env:OPENAI_API_KEY", "base_url": "$Env:OPENAI_BASE_URL"}
    assert "api_key: ${env:OPENAI_API_KEY}\nbase_url: ${env:OPENAI_BASE_URL}\n" in promptflow_file(
        row, actor=None
    )


@pytest.mark.django_db
def test_our_references_and_our_own_settings_travel_too():
    row = saved('name: a\ntype: open_ai\napi_key: $OpenAI:ApiKey\ntimeout: "30"\n')
    assert row.settings == {"api_key": "$OpenAI:ApiKey", "timeout": 30}
    assert "api_key: $OpenAI:ApiKey\ntimeout: '30'" in promptflow_file(row, actor=None)


@pytest.mark.django_db
def test_a_variable_that_is_not_listed_is_refused_with_the_cure():
    with pytest.raises(services.Invalid, match="CONNECTIONS_REFERENCE_ENV"):
        saved("name: a\ntype: open_ai\napi_key: ${env:SOMETHING_ELSE}\n")
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_a_name_that_another_connection_answers_to_is_dumped_as_the_alias(fake):
    connect(name="Production", alias="other")
    row = connect(name="Production")
    assert "name: production\n" in promptflow_file(row, actor=None)


TEXTS = some.text(some.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    some.one_of(
        TEXTS, TEXTS.map(lambda text: "$" + text), some.from_regex(r"\A\$+[A-Za-z]+(:[A-Za-z]+)+\Z")
    )
)
def test_a_stored_value_survives_the_way_out_and_in(text: str):
    stored = values.stored(text.strip())
    assert values.stored(values.written(stored)) == stored or values.ENVIRONMENT.fullmatch(
        values.written(stored)
    )


# What a file means

SPELLINGS = [
    *((name, name) for name in FILES),
    *((name.capitalize(), name) for name in ("serp", "serverless", "qdrant", "weaviate", "custom")),
    *(
        (name, "azure_open_ai")
        for name in (
            "AzureOpenAI",
            "azureOpenAI",
            "AZURE_OPEN_AI",
            "Azure_Open_AI",
            "azure_openai",
            "azureopenai",
        )
    ),
    *(
        (name, "azure_open_ai")
        for name in ("azure-open-ai", "azure open ai", "AzureOpenAIConnection")
    ),
    *((name, "open_ai") for name in ("OpenAI", "openAI", "OPEN_AI", "open_AI", "openai", "OpenAi")),
    *(
        (name, "cognitive_search")
        for name in ("CognitiveSearch", "Cognitive_Search", "azure_ai_search", "AzureAISearch")
    ),
    *(
        (name, "azure_ai_services")
        for name in ("AzureAIServices", "azure_a_i_services", "AzureAiServices")
    ),
    *((name, "azure_content_safety") for name in ("AzureContentSafety", "content_safety")),
    ("FormRecognizer", "form_recognizer"),
    ("SERP", "serp"),
    ("CUSTOM", "custom"),
    ("custom_strong_type", "custom"),
]


@pytest.mark.parametrize(("spelling", "kind"), SPELLINGS)
def test_a_type_is_known_by_any_spelling(spelling: str, kind: str):
    shape = shape_of_type(spelling)
    assert shape and shape.type == kind


def test_a_type_that_promptflow_does_not_have_is_our_provider():
    shape = shape_of_type("openai-compatible")
    assert shape and (shape.provider.id.split("-"), shape.type) == (
        ["openai", "compatible"],
        "openai_compatible",
    )


def test_dates_and_the_schema_are_dropped_without_a_word():
    text = (
        "$schema: 5\nname: a\ntype: serp\napi_key: abc\ncreated_date: "
        "2024-01-01\nlast_modified_date: x\nexpiry_time: null\nmodule: m\n"
    )
    assert (document_of(text).values, document_of(text).warnings) == ({"api_key": "abc"}, ())


def test_words_of_yaml_1_1_are_texts():
    assert document_of(
        "name: a\ntype: custom\nconfigs:\n  a: yes\n  b: 10:30\nsecrets:\n  c: off\n"
    ).values == {
        "configs": {"a": "yes", "b": "10:30"},
        "secrets": {"c": "off"},
    }


def test_anchors_and_merges_are_resolved():
    text = "name: a\ntype: custom\nconfigs: &c\n  a: &v x\n  b: *v\nsecrets:\n  <<: *c\n  b: y\n"
    assert document_of(text).values == {
        "configs": {"a": "x", "b": "x"},
        "secrets": {"a": "x", "b": "y"},
    }


def test_azures_mark_for_no_address_is_no_address():
    assert document_of("name: a\ntype: open_ai\napi_key: x\nbase_url: _\n").values["base_url"] == ""


def test_the_mode_may_have_any_letter_case_and_null_is_key():
    assert (
        document_of(
            "name: a\ntype: azure_open_ai\napi_base: https://a.b\napi_key: k\nauth_mode: null\n"
        ).values["api_key"]
        == "k"
    )


def test_with_entra_id_the_key_is_left_out_and_said_so():
    document = document_of(
        "name: a\ntype: azure_open_ai\napi_base: https://a.b\napi_key: k\nauth_mode: MEID_TOKEN\n"
    )
    assert "api_key" not in document.values and document.dropped == ("api_key",)
    assert "api_key is left out" in document.warnings[0]


def test_an_unknown_field_is_warned_about_with_the_one_that_was_meant():
    warnings = document_of(
        "name: a\ntype: open_ai\napi_key: x\norganisation: o\ndeployment: d\n"
    ).warnings
    assert "Did you mean organization?" in warnings[0]
    assert (
        "'deployment' is not a field of open_ai" in warnings[1]
        and "Did you mean" not in warnings[1]
    )


def test_a_slip_in_a_field_that_is_needed_is_an_error():
    assert problems(f"name: a\ntype: open_ai\napikey: {SECRET}\n") == {
        "apikey": "open_ai has no such field. Did you mean api_key?"
    }


@pytest.mark.parametrize("given", ["endpoint", "azure_endpoint", "apibase"])
def test_our_name_of_a_field_leads_to_promptflows(given: str):
    assert (
        "Did you mean api_base?"
        in problems(f"name: a\ntype: azure_open_ai\napi_key: x\n{given}: https://a.b\n")[given]
    )


def test_fields_of_another_type_are_only_warned_about():
    document = document_of(
        "name: a\ntype: open_ai\napi_key: x\napi_type: azure\napi_version: '1'\n"
    )
    assert len(document.warnings) == 2


# Placeholders

PLACEHOLDERS = [
    "<to-be-replaced>",
    "<your-api-key>",
    "to_replace_with_api_key",
    "<YOUR KEY>",
    "<api-key>",
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
@pytest.mark.parametrize("path", ["api_key", "api_base"])
def test_a_placeholder_is_refused_in_any_field(text: str, path: str):
    fields = {"api_key": "k", "api_base": "https://a.b", path: text}
    assert (
        "is a placeholder"
        in problems(
            "name: a\ntype: azure_open_ai\n" + "".join(f"{k}: '{v}'\n" for k, v in fields.items())
        )[path]
    )


def test_a_placeholder_inside_an_address_is_refused():
    text = (
        "name: a\ntype: azure_open_ai\napi_key: k\napi_base: "
        "https://<your-resource>.openai.azure.com\n"
    )
    assert problems(text) == {"api_base": f"<your-resource> {values.FILL_IN}."}


@pytest.mark.parametrize("text", ["<s>", "<|endoftext|>", "Hello <name>", "a < b > c"])
def test_angle_brackets_may_be_real_in_a_config(text: str):
    assert values.read_value(text, secret=False, free=True) == (values.ValueKind.TEXT, text)


@pytest.mark.parametrize("text", ["", "*", "******", "<no-change>"])
def test_a_scrubbed_secret_is_kept(text: str):
    assert document_of(f"name: a\ntype: serp\napi_key: '{text}'\n").kept == (("api_key",),)


def test_user_input_is_asked_for_in_any_field():
    document = document_of(
        "name: a\ntype: azure_open_ai\napi_key: <user-input>\napi_base: <user-input>\n"
    )
    assert document.asked == (("api_key",), ("api_base",))


@pytest.mark.parametrize("text", ["x${env:A}", "${env:A}${env:B}", "${env:}", "${env:A B}"])
def test_only_a_whole_value_is_a_reference(text: str):
    assert "${env:" in problems(f"name: a\ntype: serp\napi_key: '{text}'\n")["api_key"]


def test_a_dollar_that_is_no_reference_is_only_a_dollar():
    document = document_of("name: a\ntype: serp\napi_key: $SERP_KEY\n")
    assert document.values == {"api_key": "$$SERP_KEY"}
    assert "${env:NAME}" in document.warnings[0]


def test_a_document_shows_no_value():
    assert SECRET not in repr(document_of(text_of("open_ai")))


# Saving


@pytest.mark.server
@pytest.mark.django_db
def test_a_connection_is_found_by_alias_and_by_its_original_name():
    row = saved("name: Mein Schlüssel/1?\ntype: serp\napi_key: abc\n")
    assert (row.name, row.alias) == ("Mein Schlüssel/1?", "mein-schlussel1")
    assert find_promptflow("Mein Schlüssel/1?") == find_promptflow("mein-schlussel1") == row
    assert find_promptflow("mein schlüssel/1?") is None


@pytest.mark.server
@pytest.mark.django_db
def test_a_name_that_several_have_is_refused_with_their_aliases(fake):
    connect(name="Same"), connect(name="Same", alias="b")
    with pytest.raises(services.Invalid, match="Use one of their aliases: b, same"):
        find_promptflow("Same")


@pytest.mark.server
@pytest.mark.django_db
def test_a_name_with_a_null_character_finds_nothing():
    assert find_promptflow("a\x00") is None


def changed(row: Connection, *items: str) -> Connection:
    document = read_changes(
        shape_of_type(shape_of(row.provider).type), with_overrides({}, pairs(items))
    )
    return reload(save_promptflow(document, actor=None, onto=row, merge=True).row)


@pytest.mark.django_db
def test_set_changes_only_what_it_names():
    row = changed(saved(text_of("azure_open_ai")), "api_version=2024-10-21")
    assert (
        row.settings["api_version"],
        row.settings["promptflow.api_type"],
        row.credentials["api_key"],
    ) == (
        "2024-10-21",
        "azure",
        SECRET,
    )


@pytest.mark.django_db
def test_set_reaches_into_maps():
    row = changed(saved(text_of("custom")), "configs.region=eu", "secrets.other=abc")
    assert row.settings["configs"] == {
        "endpoint": "https://a.example.com",
        "count": "5",
        "region": "eu",
    }
    assert dict(row.credentials["secrets"]) == {"api-key": SECRET, "other": "abc"}


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "******", "<no-change>"])
def test_scrubbed_values_keep_the_stored_secret(text: str):
    assert changed(saved(text_of("open_ai")), f"api_key={text}").credentials["api_key"] == SECRET


@pytest.mark.django_db
def test_a_file_replaces_promptflows_fields_and_keeps_ours():
    row = saved(text_of("open_ai") + 'timeout: "30"\n')
    document = document_of("name: x\ntype: open_ai\napi_key: abc\n")
    after = reload(save_promptflow(document, actor=None, onto=row).row)
    assert (after.settings, after.name, dict(after.credentials)) == (
        {"timeout": 30},
        "my open_ai",
        {"api_key": "abc"},
    )


@pytest.mark.django_db
def test_a_file_takes_away_secrets_it_has_no_more_and_keeps_those_it_hides():
    row = saved("name: a\ntype: custom\nsecrets:\n  one: abc\n  two: def\n  three: ghi\n")
    document = document_of("name: a\ntype: custom\nsecrets:\n  one: '******'\n  two: new\n")
    assert dict(
        reload(save_promptflow(document, actor=None, onto=row).row).credentials["secrets"]
    ) == {"one": "abc", "two": "new"}


@pytest.mark.django_db
def test_going_to_entra_id_takes_the_key_away():
    row = saved(text_of("azure_open_ai"))
    document = document_of(
        "name: a\ntype: azure_open_ai\napi_base: https://a.openai.azure.com\nauth_mode: "
        "meid_token\n"
    )
    assert reload(save_promptflow(document, actor=None, onto=row).row).credentials is None


@pytest.mark.django_db
def test_another_type_is_refused_with_the_cure():
    row = saved(text_of("open_ai"))
    with pytest.raises(
        services.Invalid,
        match=r"is of type open_ai, and the type of a connection is fixed\. Choose",
    ):
        save_promptflow(document_of(text_of("serp")), actor=None, onto=row)


@pytest.mark.django_db
def test_what_is_hidden_is_no_value_for_a_new_connection():
    with pytest.raises(services.Invalid, match="api_key: Its value is hidden"):
        save_promptflow(document_of("name: a\ntype: serp\napi_key: '******'\n"), actor=None)
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_a_service_refuses_in_promptflows_words():
    with pytest.raises(services.Invalid) as caught:
        saved("name: a\ntype: azure_open_ai\napi_key: x\napi_base: nowhere\n")
    assert [error.field for error in caught.value.errors] == ["api_base"]


@pytest.mark.django_db
def test_what_is_shown_has_promptflows_keys_in_their_order():
    view = promptflow_view(saved(text_of("azure_open_ai")))
    order = [
        "auth_mode",
        "name",
        "module",
        "created_date",
        "last_modified_date",
        "type",
        "api_key",
        "api_base",
        "api_type",
        "api_version",
    ]
    assert list(view) == order
    assert (view["auth_mode"], view["api_key"], view["module"]) == (
        "key",
        "******",
        "promptflow.connections",
    )


@pytest.mark.django_db
def test_a_connection_behind_a_lost_key_is_shown(settings):
    row = saved(text_of("open_ai"))
    settings.FERNET_KEYS = [OLDER_KEY]
    assert promptflow_view(reload(row))["api_key"] == "******"


@pytest.mark.django_db
def test_a_connection_of_a_provider_that_is_gone_is_shown_without_its_fields(connection):
    Connection.objects.update(provider_id="gone")
    assert promptflow_view(reload(connection))["type"] == "gone"
    with pytest.raises(services.Invalid, match="not installed"):
        promptflow_file(reload(connection), actor=None)


@pytest.mark.django_db
def test_a_secret_of_another_choice_is_not_invented_behind_a_lost_key(settings):
    row = saved(text_of("azure_open_ai"))
    settings.FERNET_KEYS = [OLDER_KEY]
    view = promptflow_view(reload(row))
    assert view["api_key"] == "******" and "client_secret" not in view
    assert behind_lost_keys() == behind_lost_keys([row]) == [row.name]


@pytest.mark.django_db
def test_nothing_is_lost_while_the_key_is_there():
    saved(text_of("open_ai"))
    assert behind_lost_keys() == []
