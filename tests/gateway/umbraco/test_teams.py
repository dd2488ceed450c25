"""What belongs to another team is not there under the prefix either. Audit logs are in
test_audit_logs.py, chats in tests/teams/test_doors.py.
"""

import pytest

from connections.models import Connection
from tests.connections.api.calls import Api, token_of
from tests.teams.conftest import Teams

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("row", ["of all", "own", "seen", "used", "foreign"])
def test_what_is_of_another_team_is_not_there(prefix: str, teams: Teams, row: str):
    """As under /api/v1: what was shared to see or to use is, and nothing more."""
    viewer = Api(token_of(teams.people["viewer"]), prefix=prefix)
    connection, profile = teams.rows[row]
    addresses = [f"/connections/{connection.pk}{more}" for more in ("", "/models", "/capabilities")]
    addresses += [f"/connections/{connection.alias}/models?capability=SpeechToText"]
    addresses += [f"/profiles/{profile.alias}"]
    wanted = 404 if row == "foreign" else 200
    assert {one: viewer.get(one).status_code for one in addresses} == dict.fromkeys(
        addresses, wanted
    )


def test_capabilities_of_all_are_those_of_what_one_sees(prefix: str, teams: Teams):
    viewer = Api(token_of(teams.people["viewer"]), prefix=prefix)
    for name, (connection, _) in teams.rows.items():
        kind = "fake" if name == "foreign" else "gone"
        Connection.every.filter(pk=connection.pk).update(provider_id=kind)
    assert viewer.read("/connections/capabilities") == []
