"""Cognigy's schemas become types, with guesses on the safe side."""

import json

import pytest

from providers.core.schema import secret_names, settings_fields, validate
from providers.manifests import (
    ManifestError,
    manifest_text,
    provider_of,
    read_documents,
    read_manifest,
)

# The survey in 25 rows: type -> its fields as Cognigy names them, those that are secrets with a !.
SURVEY = {
    "openai": "apiKey!",
    "anthropic": "apiKey!",
    "monday": "key!",
    "freshsales-apikey": "key! subdomain",
    "zendesk": "email apiToken! subdomain",
    "jira": "domain email key!",
    "store-api-access-token": "accessToken! storeHash",
    "speechservice": "key! region",
    "qna-maker": "runtimeEndpoint resourceKey! knowledgebaseId",
    "api-key": "key!",
    "here": "appId apiKey!",
    "ups-access-key": "accessKey!",
    "commercetools": "projectKey clientId secret! scope apiUrl authUrl",
    "fedex": "serverUrl clientId clientSecret!",
    "abbyy-oauth": "clientId clientSecret! url username password!",
    "powerBI": "clientId tenantId username password!",
    "microsoftOnline": "clientId clientSecret! tenantId scope",
    "oauth": "consumerKey! consumerSecret! instanceUrl",
    "aws": "region accessKeyId secretAccessKey!",
    "serviceAccount-connection": "serviceAccountJSON!",
    "cloud": "cloudId user password!",
    "onPremAuth": "orchestratorUrl tenancyName user password!",
    "slack": "webhookUrl!",
    "twilio": "accountSid authToken!",
    "salesforceLiveChat": "liveAgentUrl organizationId deploymentId livechatButtonId",
}
BUILT_IN = {
    "http_oauth2": "oAuth2Url oAuth2ClientId oAuth2ClientSecret! oAuth2Scope",
    "SMTP": "host port username password! tlsOption",
    "mongodb": "connectionString!",
    "mssql": "host port username password! database",
    "GoogleVertexAIProvider": (
        "credentialsStringified! fileToken! clientEmail privateKey! projectId"
    ),
    "AzureOpenAIProvider": "apiKey! resourceName deploymentName apiVersion",
    "S3": "accessKeyId secretAccessKey! region bucketName",
    "AzureBlob": "containerName account accountKey!",
    "basicAuth": (
        "node pass! pwd! pat! pin! credentials! connectionString! userKey! somethingNew! locale"
    ),
    "instanceData": "clientId userKey! accountLogicalName tenantLogicalName",
}


def schema(type_: str, names: list[str]) -> dict[str, object]:
    return {
        "type": type_,
        "label": f"The {type_}",
        "fields": [{"fieldName": name} for name in names],
    }


@pytest.mark.parametrize(("type_", "row"), [*SURVEY.items(), *BUILT_IN.items()])
def test_the_schemas_of_the_survey_become_types(type_: str, row: str):
    names = row.replace("!", "").split()
    [found] = read_documents(json.dumps(schema(type_, names)))
    provider = provider_of(found)
    secrets = [one.is_secret for one in found.fields]
    assert dict(zip(names, secrets, strict=True)) == {
        name.rstrip("!"): name.endswith("!") for name in row.split()
    }
    assert len(secret_names(provider)) == sum(secrets) and len(found.guesses) >= len(names)
    assert all(
        field.label and field.help.endswith(".") and field.required
        for field in settings_fields(provider).values()
    )
    assert read_manifest(manifest_text(found)) == found


def test_there_are_all_25_rows():
    assert len(SURVEY) == 25


@pytest.mark.parametrize(
    ("name", "key", "label", "kind"),
    [
        ("clientSecret", "client_secret", "Client secret", "secret"),
        ("apiKey", "api_key", "API key", "secret"),
        ("Api-Token", "api_token", "API token", "secret"),
        ("accountSid", "account_sid", "Account SID", "string"),
        ("URL", "url", "URL", "string"),
        ("baseUrl", "base_url", "Base URL", "url"),
        ("Email", "email", "Email", "email"),
        ("serviceAccountJSON", "service_account_json", "Service account JSON", "secret_json"),
        ("privateKey", "private_key", "Private key", "secret_text"),
        ("oAuth2ClientId", "oauth2_client_id", "OAuth2 client ID", "string"),
        ("name", "name_value", "Name", "string"),
        ("schema", "schema_value", "Schema", "string"),
        ("from", "from", "From", "string"),
        ("2faCode", "field_2fa_code", "2fa code", "secret"),
        ("Größe key", "gr_e_key", "Gr e key", "secret"),
    ],
)
def test_a_name_says_what_it_can(name: str, key: str, label: str, kind: str):
    [found] = read_documents(json.dumps(schema("acme", [name])))
    [field] = found.fields
    assert (field.key, field.label, field.shape) == (key, label, kind)
    assert provider_of(found)


@pytest.mark.parametrize(
    ("type_", "key"),
    [
        ("powerBI", "power-bi"),
        ("http_basic", "http-basic"),
        ("api-key", "api-key"),
        ("SMTP", "smtp"),
    ],
)
def test_the_key_is_the_type_in_lower_case(type_: str, key: str):
    assert read_documents(json.dumps(schema(type_, ["key"])))[0].key == key


def test_an_extension_keeps_types_of_the_same_name_apart():
    data = {"extension": "google-maps", "connections": [schema("api-key", ["key"])]}
    assert read_documents(json.dumps(data))[0].key == "google-maps.api-key"


def test_several_schemas_are_several_types():
    rows = [schema("basic", ["user"]), schema("cloud", ["cloudId"])]
    assert [one.key for one in read_documents(json.dumps(rows))] == ["basic", "cloud"]
    assert [one.key for one in read_documents(json.dumps({"connections": rows}))] == [
        "basic",
        "cloud",
    ]


def test_a_label_that_is_a_sentence_is_the_description():
    [found] = read_documents(
        json.dumps(
            {
                "type": "api-key",
                "label": "Holds an api-key for an API request.",
                "fields": [{"fieldName": "key"}],
            }
        )
    )
    assert (found.label, found.description) == ("API key", "Holds an api-key for an API request.")


def test_what_the_schema_says_is_kept():
    field = {
        "fieldName": "region",
        "label": "AWS region",
        "description": "Where it runs",
        "required": False,
        "params": {"x": 1},
    }
    [found] = read_documents(json.dumps({"type": "aws", "label": "AWS", "fields": [field]}))
    assert (found.fields[0].label, found.fields[0].help, found.fields[0].required) == (
        "AWS region",
        "Where it runs.",
        False,
    )


def test_a_field_that_is_there_twice_is_there_once():
    [found] = read_documents(json.dumps(schema("mssql", ["user", "password", "user"])))
    assert [field.key for field in found.fields] == ["user", "password"] and "twice" in " ".join(
        found.guesses
    )


def test_nothing_is_asked_over_the_network():
    [found] = read_documents(json.dumps(schema("acme", ["apiKey"])))
    provider = provider_of(found)
    settings, _ = validate(provider, {"api_key": "x"})
    assert (
        provider(settings)
        .check()
        .verdict.startswith("Every value resolves. Nothing was asked over the network")
    )


SOURCE = """
import { IConnectionSchema } from "@cognigy/extension-tools";

/**
 * A 'comment' with { fieldName: "nothing" } in it.
 */
export const zendeskConnection: IConnectionSchema = {
\ttype: 'zendesk', // the type
\t"label": "Zendesk \\u0041PI",
\tfields: [
\t\t{ fieldName: "email" as const },
\t\t{ 'fieldName': 'apiToken', required: true, },
\t],
} satisfies IConnectionSchema;

export interface Zendesk { email: string }
export const nodes = { type: "node", fields: [
  { key: "a", type: "cognigyText", onChange: () => `x` }] };
"""


def test_the_typescript_source_itself_is_read():
    [found] = read_documents(SOURCE)
    assert (found.key, found.label, [field.key for field in found.fields]) == (
        "zendesk",
        "Zendesk API",
        ["email", "api_token"],
    )


def test_schemas_in_a_list_of_the_source_are_read():
    text = (
        "export const all = [{type: 'a', label: 'A', fields: [{fieldName: 'x'}]}, {type: 'b', "
        "label: 'B', fields: [{fieldName: 'y'}]}]"
    )
    assert [one.key for one in read_documents(text)] == ["a", "b"]


def test_an_object_alone_with_comments_is_read():
    assert (
        read_documents("{ type: 'a', // x\n label: 'A', fields: [{fieldName: 'x'}] }")[0].key == "a"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "export const a = { type: `a`, label: 'A', fields: [{ fieldName: 'x' }] }",
            "template literal",
        ),
        (
            "export const a = { type: 'a', label: name, fields: [{ fieldName: 'x' }] }",
            "name is not a literal",
        ),
        (
            "export const a = { type: 'a', label: 'A', fields: [{ fieldName: 'x' }, ...more] }",
            "not a literal",
        ),
        (
            "export const a = { ...base, type: 'a', fields: [{ fieldName: 'x' }] }",
            "not a name with a value",
        ),
        ("export const a = { type: 'a' + 'b', fields: [{ fieldName: 'x' }] }", "A comma or }"),
        ("export const a = { type: 'a', fields: [{ fieldName: 'x' }]", "the end of the source"),
        ("export const a = { type: 'a', type: 'b', fields: [{ fieldName: 'x' }] }", "twice"),
        ("export const a = 1", "no connection schema"),
        ("export const a = " + "{a:" * 5000, "no connection schema"),
        ("import " + "{" * 50_000, "no connection schema"),
        ("import " + "/*" * 50_000, "no connection schema"),
        ("import " + "/* " * 80_000, "no connection schema"),
        ("import " + "{a:[" * 50_000, "no connection schema"),
        ("import " + "'" * 50_001, "no connection schema"),
    ],
)
def test_a_program_is_never_run_and_never_half_read(source: str, said: str):
    with pytest.raises(ManifestError) as caught:
        read_documents(source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"type": "a", "label": "A"}, "fields"),
        ({"type": "a", "label": "A", "fields": []}, "fields"),
        ({"type": "a", "label": "A", "fields": [{"fieldName": ""}]}, "fields[0].fieldName"),
        ({"type": "a", "label": "A", "fields": [{"fieldNam": "b"}]}, "fields[0].fieldNam"),
        ({"type": "a", "label": "A", "fields": ["b"]}, "fields[0]"),
        ({"type": "a", "label": 1, "fields": [{"fieldName": "b"}]}, "label"),
        ({"type": "!!", "label": "A", "fields": [{"fieldName": "b"}]}, "type"),
        ({"type": "a", "lable": "A", "fields": [{"fieldName": "b"}]}, "lable"),
        ({"connections": []}, "connections"),
        (
            [
                {"type": "a", "fields": [{"fieldName": "b"}]},
                {"type": "a", "fields": [{"fieldName": "b"}]},
            ],
            "",
        ),
    ],
)
def test_a_schema_that_is_wrong_is_told_where(data: object, place: str):
    with pytest.raises(ManifestError) as caught:
        read_documents(json.dumps(data))
    assert place in dict(caught.value.problems)
