"""What the version before leaves behind: it deletes connections, profiles and people without a look
at tables that it does not know.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client

from connections import former_aliases, runtime, services
from connections.lookup import all_by_id_or_alias, former_alias_q, get_by_id_or_alias
from connections.models import AliasUse, Connection, FormerAlias, HostApproval, Profile
from tests.connections.api.calls import Api
from tests.fakes import connect, profile_of

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def gone(row: Any) -> None:
    """Deletes a row as the version before does, and looks at the constraints as a commit does."""
    with database.cursor() as cursor:
        key = row._meta.pk.get_db_prep_value(row.pk, database)
        cursor.execute(f'DELETE FROM "{row._meta.db_table}" WHERE id = %s', [key])
    database.check_constraints()


def of_connection(**changes: Any) -> Connection:
    return connect(**{"name": "Old", **changes})


def of_profile(**changes: Any) -> Profile:
    return profile_of(connect(), **{"name": "Old", **changes})


@pytest.fixture(params=[of_connection, of_profile])
def make(request: pytest.FixtureRequest, fake: Any) -> Callable[..., Any]:
    return request.param


@pytest.fixture
def orphan(make: Callable[..., Any], administrator: Any) -> FormerAlias:
    """The former alias `old` of a row that the version before deleted, and somebody used it."""
    row = make()
    services.change_alias(row, "fresh", actor=administrator)
    former = FormerAlias.objects.get()
    former_aliases.note_use(former, "ada")
    gone(row)
    return former


@pytest.fixture
def model(make: Callable[..., Any]) -> Any:
    return Connection if make is of_connection else Profile


def test_nothing_is_found_by_it(orphan: FormerAlias, model: Any):
    rows = model._default_manager.all()
    assert former_aliases.former_alias(model, "old") is None
    assert former_aliases.former_aliases_among(model, ["old"]) == []
    assert get_by_id_or_alias(rows, "old") is None and all_by_id_or_alias(rows, ["old"]) == {}
    assert not rows.filter(former_alias_q(model, alias="old")).exists()
    find = runtime.find_connection if model is Connection else runtime.find_profile
    with pytest.raises(model.DoesNotExist):
        find("old")


def test_no_surface_shows_it(
    orphan: FormerAlias, model: Any, administrator: Any, api: Api, capsys: Any
):
    call_command("alias", "list", output="json")
    assert json.loads(capsys.readouterr().out) == []
    client = Client()
    client.force_login(administrator)
    assert client.get(f"/former-aliases/{orphan.pk}/").status_code == 404
    kind = f"{model._meta.model_name}s"
    assert api.get(f"/{kind}/old/former-aliases").status_code == 404
    assert api.get(f"/{kind}/old/exists").json() is False


def test_whoever_takes_the_alias_removes_it(orphan: FormerAlias, make: Callable[..., Any]):
    assert make(alias="old").alias == "old"
    assert not FormerAlias.objects.exists() and not AliasUse.objects.exists()


def test_so_does_an_import_that_takes_it(orphan: FormerAlias, make: Callable[..., Any], model: Any):
    row = make(name="Other")
    columns = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
    copy = model(**columns | {"id": model().id, "alias": "old"})
    services.save_versions([copy], None)
    assert not FormerAlias.objects.exists()


def test_so_does_a_row_that_is_given_the_alias_or_loses_it(
    orphan: FormerAlias, make: Callable[..., Any]
):
    row = make(name="Other", alias="other")
    FormerAlias.objects.filter(pk=orphan.pk).update(alias="other")
    services.change_alias(row, "newer", actor=None)
    assert [one.row for one in FormerAlias.objects.filter(alias="other")] == [row]
    FormerAlias.objects.create(
        alias="old", **{f"{row._meta.model_name}_id": orphan.row_id}, changed_by=None
    )
    services.change_alias(row, "old", actor=None)
    assert {one.row_id for one in FormerAlias.objects.all()} == {row.pk}


def test_whoever_changed_an_alias_may_be_gone(fake: Any, administrator: Any, api: Api):
    row = of_connection()
    services.change_alias(row, "fresh", actor=administrator)
    FormerAlias.objects.update(changed_by=administrator.pk + 1000)
    assert api.get("/connections/fresh/former-aliases").json()["items"][0]["changedBy"] is None


@pytest.fixture
def asked(fake: Any, operator: Any) -> HostApproval:
    """A request of a person and a connection that the version before deleted."""
    row = of_connection()
    found = HostApproval.objects.create(
        section="openai", host="https://a.example", connection=row, requested_by=operator
    )
    gone(row)
    HostApproval.objects.update(requested_by=operator.pk + 1000, decided_by=operator.pk + 1000)
    database.check_constraints()
    return found


def test_a_request_outlives_its_connection_and_who_asked(
    asked: HostApproval, api: Api, administrator: Any, capsys: Any
):
    empty = {"connectionId": None, "requestedBy": None, "decidedBy": None}
    assert api.get("/host-approvals").json()["items"][0].items() >= empty.items()
    client = Client()
    client.force_login(administrator)
    assert client.get("/references/hosts/").status_code == 200
    call_command("hosts", "list", output="json")
    assert json.loads(capsys.readouterr().out)[0]["connection"] is None
    answer = api.patch(f"/host-approvals/{asked.pk}", {"state": "approved"})
    assert answer.json()["requestedBy"] is None and answer.json()["decidedBy"] == str(administrator)
