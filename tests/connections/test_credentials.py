"""The encrypted column, the mask, the write rule and the seal."""

import copy
import json
import pickle
import time
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Value
from django.forms import modelform_factory

from connections import display, services
from connections.bindings import bound
from connections.credentials import (
    BOUND,
    SecretDict,
    Undecryptable,
    fernet,
    key_ids,
    looks_masked,
    mask,
    opening_key,
    seal,
    stored_text,
    unseal,
    write_rule,
)
from connections.models import Connection
from providers.core.schema import secret_names
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, connect, reload
from tests.providers.samples import PROVIDERS, SHIPPED, of_each_kind, sample_settings

pytestmark = pytest.mark.django_db


def token_of(row: Connection) -> bytes:
    """What the database has."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT credentials FROM connections_connection WHERE alias = %s", [row.alias]
        )
        return bytes(cursor.fetchone()[0])


@pytest.fixture
def lost(connection: Connection, settings) -> Connection:
    """A connection whose key is gone."""
    settings.FERNET_KEYS = [OLDER_KEY]
    return reload(connection)


# The column

DOCUMENTS = [
    {"api_key": SECRET},
    {
        "text": "ä€😀\n\x00",
        "number": 5,
        "part": 0.5,
        "yes": True,
        "no": False,
        "nothing": None,
        "list": [1, "2"],
        "dict": {"a": {"b": 1}},
    },
    {"gAAAAA-looks-encrypted": "gAAAAABlooks-encrypted", "$": "$A:B", "***": "***"},
    {"long": "x" * 100_000},
]


@pytest.mark.server
@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document_comes_back_with_its_types(document: dict):
    row = Connection.objects.create(alias="a", name="A", provider_id="fake", credentials=document)
    assert dict(reload(row).credentials) == document


@pytest.mark.server
def test_the_database_has_neither_values_nor_names(connection: Connection):
    clear = json.loads(fernet().decrypt(token_of(connection)))
    assert clear.keys() == {"api_key", BOUND} and clear["api_key"] == SECRET
    assert b"api_key" not in token_of(connection) and SECRET.encode() not in token_of(connection)


@pytest.mark.server
@pytest.mark.parametrize("nothing", [None, {}])
def test_no_credentials_are_null(nothing: Any):
    row = Connection.objects.create(alias="a", name="A", provider_id="fake", credentials=nothing)
    assert Connection.objects.filter(
        pk=row.pk, credentials__isnull=True, credentials_key__isnull=True
    ).exists()


def test_the_same_document_is_never_encrypted_the_same(fake):
    assert token_of(connect(name="One")) != token_of(connect(name="Two"))


def test_a_lost_key_is_a_state(lost: Connection):
    assert isinstance(lost.credentials, Undecryptable)
    assert not lost.credentials and not lost.is_decryptable


def test_what_no_key_opens_is_saved_as_it_is(lost: Connection):
    before = token_of(lost)
    lost.name = "Renamed"
    lost.save()
    assert token_of(lost) == before
    assert reload(lost).name == "Renamed"


def test_what_no_key_opens_is_readable_when_the_key_is_back(lost: Connection, settings):
    lost.save()
    settings.FERNET_KEYS = [OLDER_KEY, NEWEST_KEY]
    assert dict(reload(lost).credentials) == {"api_key": SECRET} and reload(lost).is_decryptable


def test_without_any_key_rows_can_be_read(connection: Connection, settings):
    settings.FERNET_KEYS = []
    assert isinstance(reload(connection).credentials, Undecryptable)


def test_without_any_key_nothing_is_encrypted(settings):
    settings.FERNET_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="FERNET_KEYS is not set"):
        Connection.objects.create(
            alias="a", name="A", provider_id="fake", credentials={"api_key": SECRET}
        )


@pytest.mark.server
def test_garbage_in_the_column_is_a_state(connection: Connection):
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_connection SET credentials = %s",
            [database.Database.Binary(b"garbage \xff")],
        )
    assert isinstance(reload(connection).credentials, Undecryptable)


def test_the_newest_key_encrypts_and_every_key_decrypts(connection: Connection, settings):
    settings.FERNET_KEYS = [OLDER_KEY, NEWEST_KEY]
    row = reload(connection)
    row.save()
    settings.FERNET_KEYS = [OLDER_KEY]
    assert dict(reload(row).credentials) == {"api_key": SECRET}


def test_the_key_column_names_the_key(connection: Connection):
    assert connection.credentials_key == key_ids()[0] == opening_key(token_of(connection))
    assert connection.credentials_key not in NEWEST_KEY


@pytest.mark.server
def test_an_update_may_copy_the_column(connection: Connection, fake):
    other = connect(name="Other", settings={"api_key": OTHER_SECRET})
    Connection.objects.filter(pk=other.pk).update(credentials=F("credentials"))
    assert dict(reload(other).credentials) == {"api_key": OTHER_SECRET}


@pytest.mark.server
@pytest.mark.parametrize(
    "expression", [Value("clear text"), F("name")], ids=["Value", "F of another column"]
)
def test_an_expression_that_would_be_stored_in_clear_is_refused(
    connection: Connection, expression: Any
):
    with pytest.raises(TypeError, match="stored in clear"), transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(credentials=expression)
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


@pytest.mark.server
def test_an_update_encrypts(connection: Connection):
    values = bound({"api_key": OTHER_SECRET}, connection.binding)
    Connection.objects.update(credentials=values)
    assert dict(reload(connection).credentials) == {"api_key": OTHER_SECRET}
    assert OTHER_SECRET.encode() not in token_of(connection)


@pytest.mark.server
def test_a_bulk_update_encrypts(connection: Connection):
    connection.credentials = bound({"api_key": OTHER_SECRET}, connection.binding)
    Connection.objects.bulk_update([connection], ["credentials"])
    assert dict(reload(connection).credentials) == {"api_key": OTHER_SECRET}
    assert OTHER_SECRET.encode() not in token_of(connection)


@pytest.mark.server
def test_deferred_credentials_are_not_touched_by_a_save(connection: Connection):
    before = token_of(connection)
    row = Connection.objects.listed().get(pk=connection.pk)
    row.name = "Renamed"
    row.save()
    assert token_of(connection) == before and reload(connection).credentials_key == key_ids()[0]


@pytest.mark.server
def test_a_list_loads_no_credentials(connection: Connection):
    assert Connection.objects.listed().get(pk=connection.pk).get_deferred_fields() == {
        "credentials"
    }


@pytest.mark.server
@pytest.mark.parametrize("model", ["connections.Connection", "connections.HistoricalConnection"])
def test_dumpdata_has_no_credentials(connection: Connection, model: str):
    out = StringIO()
    call_command("dumpdata", model, stdout=out)
    assert [row["fields"]["credentials"] for row in json.loads(out.getvalue())] == [None]
    assert SECRET not in out.getvalue()


def test_loaded_and_assigned_credentials_print_their_keys_only(connection: Connection):
    assigned = Connection(credentials={"api_key": SECRET})
    for row in (assigned, connection, reload(connection), connection.history.first()):
        assert (
            repr(row.credentials)
            == str(row.credentials)
            == f"{row.credentials}"
            == "{api_key: ***}"
        )


def test_credentials_assigned_later_print_their_keys_only(connection: Connection):
    connection.credentials = {"other": OTHER_SECRET}
    assert OTHER_SECRET not in f"{vars(connection)} {connection.credentials!r}"


def test_undecryptable_credentials_print_nothing(lost: Connection):
    assert (
        f"{lost.credentials} {lost.credentials!r} {[lost.credentials]}"
        == "<cannot decrypt> <cannot decrypt> [<cannot decrypt>]"
    )


def test_a_copy_prints_its_keys_only(connection: Connection):
    copies = [
        copy.copy(connection.credentials),
        copy.deepcopy(connection.credentials),
        pickle.loads(pickle.dumps(connection.credentials)),
    ]
    assert [type(one) for one in copies] == [SecretDict] * 3
    assert SECRET not in repr(copies)


def test_credentials_have_no_form_field():
    form = modelform_factory(Connection, fields="__all__")
    assert "credentials" not in form.base_fields and "name" in form.base_fields


# The mask

MASKS = [
    *[
        ("sk-proj-1234567890", "sk-***"),
        ("sk_live_1234567890", "sk_***"),
        ("org-abcdefgh", "org-***"),
        ("1234567-90ab", "1234567-***"),
    ],
    *[
        ("12345678-0ab", "***"),
        ("sk-12345678", "***"),
        ("sk-123456789", "sk-***"),
        ("abcdefghijklmnop", "***"),
        ("-bcdefghijkl", "-***"),
    ],
    *[
        ("a_b-cdefghijkl", "a_***"),
        ("a-b_cdefghijkl", "a-***"),
        ("", "***"),
        ("short", "***"),
        ("x" * 1000, "***"),
        ({"X": "y"}, "***"),
        (None, "***"),
    ],
]


@pytest.mark.parametrize(("secret", "shown"), MASKS, ids=[str(one[0])[:20] for one in MASKS])
def test_a_mask_shows_the_prefix_at_most(secret: Any, shown: str):
    assert mask(secret) == shown


MASKED = [
    ("sk-***", True),
    ("***", True),
    ("anything***", True),
    ("*", True),
    ("••••", True),
    ("*•*", True),
    ("$A:B***", True),
]
NOT_MASKED = [
    ("", False),
    ("sk-***x", False),
    ("a*", False),
    ("**a**", False),
    ("sk-key", False),
    (None, False),
    (["***"], False),
]


@pytest.mark.parametrize(("value", "expected"), MASKED + NOT_MASKED)
def test_what_looks_like_a_mask_is_known(value: Any, expected: bool):
    assert looks_masked(value) is expected


# The write rule

LOST = Undecryptable(b"token")
RULE = [
    ("absent", {}, SECRET, "keep"),
    ("absent, nothing stored", {}, None, "keep"),
    ("empty", {"key": ""}, SECRET, "keep"),
    ("none", {"key": None}, SECRET, "clear"),
    ("none, nothing stored", {"key": None}, None, "clear"),
    ("the exact mask", {"key": "sk-***"}, SECRET, "keep"),
    ("the mask of a short one", {"key": "***"}, "short", "keep"),
    ("the stored reference", {"key": "$A:B"}, "$A:B", "keep"),
    ("another mask", {"key": "***"}, SECRET, "masked_value"),
    ("a mask of another key", {"key": "pk-***"}, SECRET, "masked_value"),
    ("stars", {"key": "********"}, SECRET, "masked_value"),
    ("dots", {"key": "••••••••"}, SECRET, "masked_value"),
    ("a mask, nothing stored", {"key": "sk-***"}, None, "masked_value"),
    ("a mask over a reference", {"key": "***"}, "$A:B", "masked_value"),
    ("the mask of what cannot be read", {"key": "***"}, LOST, "keep"),
    ("a mask of what cannot be read", {"key": "sk-***"}, LOST, "masked_value"),
    ("a new key", {"key": OTHER_SECRET}, SECRET, "replace"),
    ("the same key", {"key": SECRET}, SECRET, "replace"),
    ("a key for what cannot be read", {"key": SECRET}, LOST, "replace"),
    ("a reference", {"key": "$A:B"}, SECRET, "replace"),
    ("another reference", {"key": "$A:C"}, "$A:B", "replace"),
    ("headers", {"key": {"X": "y"}}, {"X": "z"}, "replace"),
]


@pytest.mark.parametrize(
    ("posted", "stored", "expected"), [one[1:] for one in RULE], ids=[one[0] for one in RULE]
)
def test_the_write_rule(posted: dict, stored: Any, expected: str):
    assert write_rule(posted, "key", stored) == expected


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(SECRET, "sk-***"), ("$A:B", "$A:B"), ("$$A:B", "***"), ({"X": "y"}, "***"), (LOST, "***")],
)
def test_a_stored_secret_is_shown_as_reference_or_mask(stored: Any, shown: str):
    assert stored_text(stored) == shown


OF_EACH_KIND = of_each_kind(PROVIDERS | SHIPPED)


@pytest.mark.parametrize("provider", OF_EACH_KIND.values(), ids=OF_EACH_KIND)
def test_what_is_shown_can_be_posted_back_and_changes_nothing(provider):
    row = connect(provider.id, settings=sample_settings(provider, key=SECRET))
    before = dict(row.settings), dict(row.credentials or {})
    saved = services.update_connection(row, actor=None, settings=display.public_settings(row))
    assert (dict(saved.row.settings), dict(saved.row.credentials or {})) == before
    assert saved.changed is False and reload(row).version == 1


@pytest.mark.parametrize(
    "provider",
    [one for one in OF_EACH_KIND.values() if secret_names(one)],
    ids=lambda provider: provider.id,
)
def test_every_stored_literal_is_shown_as_a_mask(provider):
    row = connect(provider.id, settings=sample_settings(provider, key=SECRET))
    shown = display.public_settings(reload(row))
    masks = [shown[name] for name in row.credentials]
    assert {
        one for mask in masks for one in (mask.values() if isinstance(mask, dict) else [mask])
    } <= {
        "sk-***",
        "sk_***",
        "ghp_***",
        "***",
    }
    assert SECRET not in str(shown) and SECRET not in str(row.settings)


# The seal


def test_a_sealed_secret_opens_for_its_purpose_only():
    token = seal(SECRET, "1:fake:")
    assert SECRET not in token
    assert [unseal(token, purpose) for purpose in ("1:fake:", "2:fake:", "1:fake:5", "")] == [
        SECRET,
        "",
        "",
        "",
    ]


@pytest.mark.parametrize("token", ["", "garbage", "gAAAAA", "ä", "x" * 10_000])
def test_a_forged_seal_is_nothing(token: str):
    assert unseal(token, "1:fake:") == ""


def test_the_token_of_a_row_is_no_seal(connection: Connection):
    assert unseal(token_of(connection).decode(), "") == ""


def test_a_seal_lasts_an_hour():
    sealed = [
        fernet()
        .encrypt_at_time(json.dumps(["1", SECRET]).encode(), int(time.time()) - age)
        .decode()
        for age in (3500, 3700)
    ]
    assert [unseal(token, "1") for token in sealed] == [SECRET, ""]


def test_a_seal_of_a_lost_key_is_nothing(settings):
    token = seal(SECRET, "1")
    settings.FERNET_KEYS = [OLDER_KEY]
    assert unseal(token, "1") == ""
