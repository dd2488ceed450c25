"""What a reveal token hands out of references: what an administrator saw, and nothing that somebody
else put there later.
"""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from connections import services
from connections.destinations import FLOWS, hosts_of
from connections.models import Connection, HostApproval, RevealToken
from connections.packages import services as package_services
from connections.packages.services import Decisions
from tests.connections.api.calls import MERGE, Api
from tests.fakes import connect
from tests.people import browser

from .test_reveal import ask, last, token_for

pytestmark = pytest.mark.django_db
SECRET = "sk-Team_B_77c1de0a31"
CALLERS = ["administrator", "operator", "viewer", "stranger", "nobody"]


@pytest.fixture(autouse=True)
def _sections(settings: Any) -> None:
    settings.CONNECTIONS_CONFIG = {
        "TeamA": {"ApiKey": "sk-Team_A_0a31c1de77"},
        "TeamB": {"ApiKey": SECRET},
    }


@pytest.fixture
def row() -> Connection:
    return connect("openai", name="Flow", alias="flow", settings={"api_key": "$TeamA:ApiKey"})


def states() -> dict[str, str]:
    """The answer so far by section, of requests that are for flows."""
    rows = HostApproval.objects.filter(host__startswith=FLOWS.format(""))
    return dict(rows.values_list("section", "state"))


@pytest.mark.parametrize("who", CALLERS)
def test_only_an_administrators_save_lets_a_token_read_another_section(
    people: dict[str, Any], row: Connection, who: str
):
    text = token_for(people["administrator"], row)
    api = Api(client=browser(people[who]))
    saved = api("PATCH", "/connections/flow", {"settings": {"apiKey": "$TeamB:ApiKey"}}, MERGE)
    assert saved.status_code == {"nobody": 401}.get(who, 403 if who in CALLERS[2:] else 200)
    answer = ask(text, "connections/flow")
    found = (answer.status_code, SECRET in answer.content.decode(), states().get("teamb"))
    assert found == {
        "administrator": (200, True, "approved"),
        "operator": (409, False, "requested"),
    }.get(who, (200, False, None))
    assert states()["teama"] == "approved"


def test_what_waits_is_left_out_is_recorded_and_is_read_once_it_is_approved(
    administrator, operator, row: Connection
):
    text = token_for(administrator, row)
    services.update_connection(
        row, actor=operator, settings={"api_key": "$TeamB:ApiKey"}, merge=True
    )
    answer = ask(text)
    assert (answer.json(), answer["Switchboard-Left-Out"]) == ([], "flow (host_not_approved)")
    refused = ask(text, "connections/flow")
    assert (refused.status_code, last().outcome) == (409, "host_not_approved")
    assert (
        f"The secrets of teamb may not be sent to {FLOWS.format(row.pk)}"
        in refused.json()["detail"]
    )
    approval = HostApproval.objects.get(section="teamb")
    assert approval.requested_by == operator and approval in hosts_of(Connection.objects.get())
    services.decide_host(approval, "approved", actor=administrator, team=None)
    assert SECRET in ask(text).content.decode()


@pytest.mark.parametrize("given", [{"api_key": "$TeamB:ApiKey"}, {"proxy_password": "$TeamB:Key"}])
def test_a_connection_that_no_token_reads_asks_for_nothing(operator, given: dict[str, str]):
    row = services.create_connection(
        "openai", actor=operator, name="Own", settings={"api_key": "typed-by-olaf"} | given
    ).row
    assert (states(), hosts_of(row)) == ({}, [])


def test_a_token_that_has_ended_asks_for_nothing(administrator, operator, row: Connection):
    token_for(administrator, row)
    services.revoke_token(RevealToken.objects.get(), actor=administrator)
    changed = {"api_key": "$TeamB:ApiKey"}
    services.update_connection(row, actor=operator, settings=changed, merge=True)
    assert "teamb" not in states()


def test_an_administrators_new_token_approves_what_is_there_but_no_host(administrator, operator):
    elsewhere = {"api_key": "$TeamB:ApiKey", "base_url": "https://elsewhere.example/v1"}
    row = services.create_connection("openai", actor=operator, name="Flow", settings=elsewhere).row
    token_for(administrator, row)
    hosts = dict(HostApproval.objects.values_list("host", "state"))
    assert hosts == {
        FLOWS.format(row.pk): "approved",
        "https://elsewhere.example": "requested",
    }


def test_an_entry_of_a_map_counts_too(administrator, operator):
    row = services.create_connection(
        "custom", actor=administrator, name="Mine", settings={"secrets": {"a": "typed-by-ada"}}
    ).row
    text = token_for(administrator, row)
    changed = {"secrets": {"a": "$TeamB:ApiKey"}}
    services.update_connection(row, actor=operator, settings=changed, merge=True)
    assert ask(text, "connections/mine").json()["code"] == "host_not_approved"


def test_the_upgrade_approves_what_flows_read_today(administrator, row: Connection):
    text = token_for(administrator, row)
    connect("openai", name="Free", settings={"api_key": "$TeamB:ApiKey"})
    HostApproval.objects.all().delete()
    assert ask(text, "connections/flow").status_code == 409
    migration = import_module("connections.migrations.0017_approve_what_flows_read")
    for _ in range(2):
        migration.approve(apps, None)
    assert states() == {"teama": "approved"}
    assert ask(text, "connections/flow").status_code == 200


def test_it_can_be_turned_off(administrator, operator, row: Connection, settings: Any):
    settings.CONNECTIONS_HOST_APPROVAL = False
    text = token_for(administrator, row)
    changed = {"api_key": "$TeamB:ApiKey"}
    services.update_connection(row, actor=operator, settings=changed, merge=True)
    assert ask(text, "connections/flow").status_code == 200 and states() == {}


def test_only_an_administrator_brings_a_stored_secret_into_what_flows_read(
    administrator, operator, row: Connection
):
    def take(actor: Any) -> str:
        """The action of an import that takes the stored key of another connection."""
        secrets = {"flow.api_key": "connection:source"}
        decided = Decisions(on_conflict="replace", secrets=secrets)
        plan = package_services.plan_import(content, actor=actor, decisions=decided)
        return plan.items[0].action

    connect("openai", name="Source", alias="source", settings={"api_key": "sk-typed-by-ada-0123"})
    services.update_connection(row, actor=None, settings={"api_key": "sk-typed-by-olaf-0123"})
    content = package_services.export_package([row], [], actor=None)
    services.update_connection(row, actor=None, settings={"timeout": 7}, merge=True)
    assert take(operator) == "replace"
    token_for(administrator, row)
    assert (take(operator), take(administrator)) == ("refuse", "replace")
