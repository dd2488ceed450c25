"""Who can write to the database, and no more, has no secret used where it does not belong."""

import json
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone

from connections import services
from connections.access_tokens import DatabaseTokens, stored_key
from connections.bindings import binding_of_connection, binding_of_token, bound, grace_until
from connections.credentials import BOUND, Misplaced, Undecryptable, fernet
from connections.errors import NotUndone, Unusable
from connections.kept import settings_alone
from connections.models import GRACE, AccessToken, BindingNote, Connection, KeyReplacement
from connections.replacement.services import begin_replacement, replace_key, switch_key
from connections.runtime import find_connection, get_configured_provider
from connections.services.binding import begin_grace, bind_while_in_grace
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, connect, reload
from tests.people import browser

pytestmark = pytest.mark.django_db
EVIL = "https://evil.example.com/v1"


def sql(statement: str, *values: Any) -> None:
    """What somebody does who controls the database."""
    with database.cursor() as cursor:
        cursor.execute(statement, values)


def pk_of(row: Connection) -> Any:
    return Connection._meta.pk.get_db_prep_value(row.pk, database)


def edit(row: Connection, table: str = "connections_connection", **settings: Any) -> None:
    whole = json.dumps(row.settings | settings)
    cast = "%s::jsonb" if database.vendor == "postgresql" else "%s"
    sql(f"UPDATE {table} SET settings = {cast} WHERE id = %s", whole, pk_of(row))


def code_of(row: Connection) -> str:
    """Why it is not used, as code on this server, the gateway and pages find it; empty if it is."""
    codes = []
    for found in (find_connection(row.alias), reload(row)):
        try:
            get_configured_provider(found)
            codes.append("")
        except Unusable as error:
            codes.append(error.code)
    assert codes[0] == codes[1]
    return codes[0]


def unbound(table: str, values: Any, pk: Any) -> None:
    token = fernet().encrypt(json.dumps(values).encode())
    sql(f"UPDATE {table} SET credentials = %s WHERE id = %s", database.Database.Binary(token), pk)


def test_a_secret_is_not_sent_to_an_address_that_was_edited_in_the_database(connection):
    assert code_of(connection) == ""
    edit(connection, base_url=EVIL)
    assert code_of(connection) == "misplaced"
    assert services.test_connection(reload(connection), actor=None).code == "misplaced"
    edit(connection)
    assert code_of(connection) == ""


@pytest.mark.parametrize("setting", [{"proxy": "http://evil.example"}, {"ca_certificate": "x"}])
def test_nor_past_a_proxy_or_an_authority_of_somebody_elses(connection, setting):
    edit(connection, **setting)
    assert code_of(connection) == "misplaced"


def test_a_secret_is_not_used_by_another_row(fake):
    mine, other = connect(), connect(name="Other", settings={"api_key": OTHER_SECRET})
    sql(
        "UPDATE connections_connection SET credentials = (SELECT credentials FROM "
        "connections_connection WHERE id = %s) WHERE id = %s",
        pk_of(mine),
        pk_of(other),
    )
    assert (code_of(mine), code_of(other)) == ("", "misplaced")


def test_nor_by_another_provider(connection):
    Connection.objects.update(provider_id="openai")
    assert code_of(connection) == "misplaced"


def test_what_decides_nothing_may_be_edited(connection):
    """As what a person may change without the secret: it may be away with its key."""
    edit(connection, organization="other", region="us")
    assert code_of(connection) == ""


def test_pages_and_api_say_so_and_a_save_does_not_make_it_right(connection, administrator):
    edit(connection, base_url=EVIL)
    client = browser(administrator)
    said = client.get(connection.get_absolute_url()).content.decode()
    assert "belong to another connection" in said and SECRET not in said
    address = f"/api/v1/connections/{connection.pk}"
    assert client.patch(address, {"name": "N"}, "application/json").status_code == 200
    kept = {"settings": {"baseUrl": EVIL, "apiKey": "***"}}
    client.patch(address, kept, "application/json")
    assert code_of(connection) == "misplaced"
    again = {"settings": {"baseUrl": EVIL, "apiKey": OTHER_SECRET}}
    assert client.patch(address, again, "application/json").status_code == 200
    assert code_of(connection) == ""


def test_a_copy_and_an_export_take_nothing_along(connection, operator):
    edit(connection, base_url=EVIL)
    copy = services.duplicate_connection(reload(connection), actor=None).row
    assert copy.credentials is None and copy.lacking == ["api_key"]


def test_services_bind_anew_where_they_let_an_address_change(connection):
    given = {"base_url": "https://new.example.com", "api_key": OTHER_SECRET}
    services.update_connection(connection, actor=None, settings=given, merge=True)
    assert code_of(connection) == ""
    row = services.duplicate_connection(reload(connection), actor=None).row
    services.set_active(row, True, actor=None)
    assert code_of(row) == ""
    services.save_versions([reload(row)], None)
    assert code_of(row) == ""
    assert not any(isinstance(one.credentials, Undecryptable) for one in Connection.history.all())


def test_a_version_that_was_edited_is_not_brought_back(connection, administrator):
    given = {"base_url": "https://new.example.com", "api_key": OTHER_SECRET}
    services.update_connection(connection, actor=administrator, settings=given, merge=True)
    edit(connection, "connections_historicalconnection", base_url=EVIL)
    with pytest.raises(NotUndone):
        services.undo_last_act(administrator)


@pytest.mark.server
def test_undo_and_a_deletion_undone_bind_to_what_they_bring_back(connection, administrator):
    given = {"base_url": "https://new.example.com", "api_key": OTHER_SECRET}
    services.update_connection(connection, actor=administrator, settings=given, merge=True)
    services.undo_last_act(administrator)
    assert code_of(connection) == "" and dict(reload(connection).credentials) == {"api_key": SECRET}
    services.delete_connection(reload(connection), actor=administrator)
    services.undo_last_act(administrator)
    assert code_of(connection) == ""


def test_the_next_key_is_not_switched_to_an_address_that_was_edited(fake):
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    replacement = begin_replacement(row, {"api_key": OTHER_SECRET}, actor=None)
    edit(row, base_url=EVIL)
    with pytest.raises(Unusable):
        switch_key(replacement, actor=None, anyway=True)


def test_a_key_of_a_replacement_belongs_to_its_connection(fake):
    one, other = connect(), connect(name="Other")
    replace_key(one, {"api_key": OTHER_SECRET}, actor=None)
    row = KeyReplacement.objects.get()
    assert row.values_for(reload(one)) and row.values_for(reload(other)) is None
    edit(one, base_url=EVIL)
    assert row.values_for(find_connection(one.alias)) is None


def test_an_access_token_belongs_to_its_connection_and_grant(fake):
    one, other, key = connect(), connect(name="Other"), stored_key("grant")
    later = timezone.now() + timedelta(hours=1)
    for row in (one, other):
        values = bound({"token": "t-1"}, binding_of_token(one.pk, key))
        AccessToken.objects.create(connection=row, key=key, credentials=values, expires_at=later)
    assert DatabaseTokens(one.pk)._good(key, "") == "t-1"
    assert DatabaseTokens(other.pk)._good(key, "") == ""


def test_an_old_document_without_a_binding_is_not_taken(connection):
    """Else whoever has an old copy of the database would put it anywhere."""
    unbound("connections_connection", {"api_key": SECRET}, pk_of(connection))
    assert code_of(connection) == "misplaced"


def test_nor_by_a_note_that_no_key_of_ours_made_or_whose_time_is_over(connection, settings):
    unbound("connections_connection", {"api_key": SECRET}, pk_of(connection))
    settings.FERNET_KEYS = [OLDER_KEY]
    forged = grace_until(timezone.now() + timedelta(hours=1))
    settings.FERNET_KEYS = [NEWEST_KEY]
    over = grace_until(timezone.now() - timedelta(seconds=1))
    moved = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%S+00:00} {over.split()[1]}"
    for note in (forged, over, moved, "", "x"):
        BindingNote.objects.update_or_create(pk=GRACE, defaults={"text": note})
        assert code_of(connection) == "misplaced"


@pytest.mark.server
def test_after_the_upgrade_it_is_taken_for_a_day_and_bound_by_a_job(connection):
    unbound("connections_connection", {"api_key": SECRET}, pk_of(connection))
    begin_grace()
    assert code_of(connection) == ""
    assert bind_while_in_grace() == 1 and bind_while_in_grace() == 0
    BindingNote.objects.all().delete()
    assert code_of(connection) == "" and bind_while_in_grace() == 0


def test_even_then_what_belongs_elsewhere_is_not(connection):
    begin_grace()
    edit(connection, base_url=EVIL)
    assert code_of(connection) == "misplaced" and bind_while_in_grace() == 0


def test_the_command_binds_what_a_backup_brought_and_leaves_what_was_moved(fake):
    old, moved = connect(), connect(name="Moved")
    unbound("connections_connection", {"api_key": SECRET}, pk_of(old))
    edit(moved, base_url=EVIL)
    out = StringIO()
    call_command("rotate_credentials", "--bind", stdout=out)
    assert "1 bound to where they are." in out.getvalue()
    assert (code_of(old), code_of(moved)) == ("", "misplaced")


@pytest.mark.server
def test_a_rotation_keeps_what_belongs_where_and_what_does_not(fake, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    own, moved = connect(), connect(name="Moved")
    edit(moved, base_url=EVIL)
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    services.rotate_credentials()
    assert services.key_report().is_rotated
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert (code_of(own), code_of(moved)) == ("", "misplaced")


@pytest.mark.server
def test_the_migration_binds_rows_versions_replacements_and_tokens(fake):
    row = connect()
    begin_replacement(row, {"api_key": OTHER_SECRET}, actor=None)
    key, later = stored_key("grant"), timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(connection=row, key=key, expires_at=later)
    token = fernet().encrypt(json.dumps({"token": "t-1"}).encode())
    sql("UPDATE connections_accesstoken SET credentials = %s", database.Database.Binary(token))
    unbound("connections_connection", {"api_key": SECRET}, pk_of(row))
    unbound("connections_historicalconnection", {"api_key": SECRET}, pk_of(row))
    next_values = {"next": {"api_key": OTHER_SECRET}}
    held = KeyReplacement.objects.get()
    pk = KeyReplacement._meta.pk.get_db_prep_value(held.pk, database)
    unbound("connections_keyreplacement", next_values, pk)
    assert code_of(row) == "misplaced"
    import_module("connections.migrations.0043_bind_credentials").bind(apps, None)
    assert BindingNote.objects.filter(pk=GRACE).exists()
    BindingNote.objects.all().delete()
    assert code_of(row) == "" and KeyReplacement.objects.get().values_for(reload(row))
    assert not isinstance(row.history.get().credentials, Misplaced)
    assert DatabaseTokens(row.pk)._good(key, "") == "t-1"


def test_a_new_database_takes_nothing_unbound(fake):
    import_module("connections.migrations.0043_bind_credentials").bind(apps, None)
    assert not BindingNote.objects.exists()


def test_credentials_that_are_loaded_later_are_judged_too(connection):
    edit(connection, base_url=EVIL)
    listed = Connection.objects.listed().get(pk=connection.pk)
    assert isinstance(listed.credentials, Misplaced)
    alone = Connection.objects.only("credentials").get(pk=connection.pk)
    assert isinstance(alone.credentials, Misplaced)
    assert repr(listed.credentials) == "<belongs elsewhere>"


def test_the_version_before_reads_a_bound_document(connection):
    """It leaves out names that have a dot, as it does for all that rooms keep beside settings."""
    token = bytes(Connection.objects.get().credentials.token)
    document = json.loads(fernet().decrypt(token))
    assert settings_alone(document) == {"api_key": SECRET} and isinstance(document[BOUND], list)


@pytest.mark.server
def test_numbers_are_the_same_on_every_database():
    written = {"a": 1e16, "b": 1, "c": [-0.0, True], "d": {"e": 0.5}}
    read = {"a": 10000000000000000, "b": 1.0, "c": [0.0, True], "d": {"e": 0.5}}
    assert binding_of_connection("1", "x", written) == binding_of_connection("1", "x", read)
    assert binding_of_connection("1", "x", {"a": True}) != binding_of_connection("1", "x", {"a": 1})
