"""Every column of a connection is known wherever columns matter, or is named here with a reason.

A column that people edit, say `owner`, is written down in these eight places:

1. connections/models/connections.py: the column itself, and its name in ConnectionColumns
2. connections/migrations/: `manage.py makemigrations`
3. connections/forms/connections.py: its input
4. connections/api/connection_serializers.py: its field, in ConnectionColumnsSerializer
5. connections/packages/format/documents.py: its field in ConnectionDocument, with a default,
   so that packages that were made before it can still be read
6. templates/connections/_connection_detail.html: its place on the page
7. connections/api/operations.yaml: in the example of a connection
8. docs/openapi.yaml: `make docs`

Everything else reads ConnectionColumns: saving, comparing, copying, exporting, importing, the
history, the form's template and Django's admin. A search or a filter (connections/listing.py) and
the Python client (switchboard/) take it when somebody needs it there.
"""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import models
from django.test import Client

from connections import services
from connections.api.camelcase import camel
from connections.models import Connection, Profile
from connections.models.base import KEYS_OF_NAME
from connections.packages import services as package_services
from connections.packages.services import Decisions
from tests.fakes import OTHER_SECRET, connect, reload
from tests.pages import entries, html
from tests.people import browser

from .api.calls import Api, token_of

pytestmark = pytest.mark.django_db

BY_SAVING = {
    *("id", "version", "date_created", "date_modified", "created_by", "modified_by"),
    *KEYS_OF_NAME,  # what the name is sorted and searched by
    "settings_version",
    "asked_at",
}
FIXED = {"alias", "provider_id", "capability"}  # after creation
WITH_RULES_OF_ITS_OWN = {
    "settings",  # validated by the provider's schema
    "credentials",  # the secrets among the settings
    "credentials_key",
    "type_version",
    "lacking",
    "last_check",
    "client_settings",  # under the prefixes of Umbraco.AI's clients alone
    "connection",
    "team",  # a page and an address of its own
}
COLUMNS = Connection.editable_columns


@pytest.mark.parametrize("model", [Connection, Profile])
def test_a_column_is_edited_or_named_here(model: Any):
    columns = {field.name for field in model._meta.concrete_fields}
    assert columns - BY_SAVING - FIXED - WITH_RULES_OF_ITS_OWN == set(model.editable_columns)


def sample(column: str) -> Any:
    """A value that a connection does not have by itself."""
    field = Connection._meta.get_field(column)
    if isinstance(field, models.BooleanField):
        return not field.get_default()
    if isinstance(field, models.DateField):
        return date(2031, 2, 3)
    return [f"some-{column}"] if isinstance(field, models.JSONField) else f"some-{column}"


def shown_as(column: str) -> Any:
    """The sample as JSON has it."""
    value = sample(column)
    return value.isoformat() if isinstance(value, date) else value


def typed(value: Any) -> str:
    """The text that an input sends; of a box that is not ticked, an empty one."""
    if isinstance(value, bool):
        return "on" if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value)


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Plain")


@pytest.fixture
def client(administrator: Any) -> Client:
    return browser(administrator)


@pytest.fixture
def api(administrator: Any) -> Api:
    return Api(token_of(administrator))


def changed(row: Connection, column: str) -> Any:
    values: Any = {column: sample(column)}
    return services.update_connection(row, actor=None, **values).row


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_a_column_is_saved_and_told_in_the_history(row: Connection, column: str):
    changed(row, column)
    assert getattr(reload(row), column) == sample(column)
    assert [len(one.changes) for one in services.versions(row)] == [1, 1]


@pytest.mark.parametrize("column", COLUMNS)
def test_the_form_changes_a_column(row: Connection, client: Client, column: str):
    given = {**entries({}, name="Plain", version="1"), column: typed(sample(column))}
    client.post(f"/connections/{row.pk}/edit/", given)
    assert getattr(reload(row), column) == sample(column)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_form_shows_a_column(row: Connection, client: Client, column: str):
    assert f'name="{column}"' in html(client.get(f"/connections/{row.pk}/edit/"))


SWITCHES = {"is_active", "is_checked"}


@pytest.mark.parametrize("column", sorted({*COLUMNS} - SWITCHES))
def test_the_page_shows_a_column(row: Connection, client: Client, column: str):
    shown = "2031-02-03" if column == "expires_at" else f"some-{column}"
    assert shown in html(client.get(changed(row, column).get_absolute_url()))


def test_the_page_shows_whether_it_is_checked_by_itself(row: Connection, client: Client):
    shown = [html(client.get(row.get_absolute_url()))]
    shown.append(html(client.get(changed(row, "is_checked").get_absolute_url())))
    assert [re.findall(r"Checked by itself</dt><dd>(\w+)", one) for one in shown] == [
        ["Yes"],
        ["No"],
    ]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("column", COLUMNS)
def test_the_api_takes_and_gives_a_column(row: Connection, api: Api, column: str, method: str):
    name = camel(column)
    body: dict[str, Any] = {"name": "Plain", name: shown_as(column)}
    if method == "POST":
        body |= {"alias": "second", "providerId": "fake", "settings": {"apiKey": "key"}}
    path = "/connections" if method == "POST" else "/connections/plain"
    answer = api(method, path, body).json()
    assert answer[name] == shown_as(column)
    listed = {one["alias"]: one[name] for one in api.read("/connections")["items"]}
    assert listed[answer["alias"]] == shown_as(column)


@pytest.mark.usefixtures("cheap_passphrases")
@pytest.mark.parametrize("column", COLUMNS)
def test_a_package_brings_a_column_back(row: Connection, column: str):
    content = exported(changed(row, column))
    row.delete()
    package_services.import_package(
        content, actor=None, passphrase=PASSPHRASE, decisions=Decisions()
    )
    assert getattr(Connection.objects.get(), column) == sample(column)


@pytest.mark.usefixtures("cheap_passphrases")
@pytest.mark.parametrize("column", COLUMNS)
def test_a_package_tells_that_a_column_differs_and_replaces_it(row: Connection, column: str):
    before = getattr(row, column)
    content = exported(row)
    changed(row, column)
    plan = package_services.plan_import(
        content, actor=None, passphrase=PASSPHRASE, decisions=Decisions()
    )
    assert plan.items[0].differences == (Connection.label(column),)
    wanted = Decisions(on_conflict="replace")
    package_services.import_package(content, actor=None, passphrase=PASSPHRASE, decisions=wanted)
    assert getattr(reload(row), column) == before


PASSPHRASE = "a long passphrase for tests only"


def exported(row: Connection) -> bytes:
    return package_services.export_package([row], actor=None, passphrase=PASSPHRASE)


@pytest.mark.parametrize("column", sorted({*COLUMNS} - {"name", "is_active"}))  # a copy's own
def test_a_copy_has_the_column_of_its_original(row: Connection, column: str):
    copy = services.duplicate_connection(changed(row, column), actor=None).row
    assert getattr(copy, column) == sample(column)


def test_an_empty_date_takes_the_stored_one_away(row: Connection, client: Client, api: Api):
    changed(row, "expires_at")
    given = {**entries({}, name="Plain", version="2"), "expires_at": ""}
    client.post(f"/connections/{row.pk}/edit/", given)
    assert reload(row).expires_at is None
    changed(reload(row), "expires_at")
    assert api("PATCH", "/connections/plain", {"expiresAt": None}).json()["expiresAt"] is None


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_date_that_a_request_leaves_out_stays(row: Connection, api: Api, method: str):
    changed(row, "expires_at")
    answer = api(method, "/connections/plain", {"name": "Other"}).json()
    assert (answer["name"], answer["expiresAt"]) == ("Other", "2031-02-03")


@pytest.mark.parametrize("given", ["2031-02-31", "2031-02-03T10:00:00Z", "", 20310203, True])
def test_what_is_not_a_day_is_refused(row: Connection, api: Api, given: Any):
    problem = api("PATCH", "/connections/plain", {"expiresAt": given}, status=400).json()
    assert [one["pointer"] for one in problem["errors"]] == ["/expiresAt"]


@pytest.mark.parametrize(("days", "is_kept"), [(-3, False), (20, False), (90, True)])
def test_another_key_takes_a_date_away_that_is_over_or_near(
    row: Connection, days: int, is_kept: bool
):
    day = date.today() + timedelta(days=days)
    services.update_connection(row, actor=None, expires_at=day)
    saved = services.update_connection(
        reload(row), actor=None, expires_at=day, settings={"api_key": OTHER_SECRET}, merge=True
    )
    assert (saved.row.expires_at == day) == is_kept
    assert [one.code for one in saved.notices] == ([] if is_kept else ["old_date"])
