"""The journey of a client that openapi-python-client wrote into the folder `client` beside it.

`journey.py <address> <token>`; mypy reads it with --strict.
"""

import sys

from client import AuthenticatedClient
from client.api.chat import complete_chat_by_profile
from client.api.connections import (
    create_connection,
    delete_connection,
    get_connection_by_id_or_alias,
    test_connection,
    update_connection,
)
from client.api.openai import create_chat_completion, list_models
from client.api.profiles import create_profile, delete_profile
from client.models.chat_answer import ChatAnswer
from client.models.chat_message import ChatMessage
from client.models.chat_message_role import ChatMessageRole
from client.models.chat_profile import ChatProfile
from client.models.chat_profile_capability import ChatProfileCapability
from client.models.chat_request import ChatRequest
from client.models.connection import Connection
from client.models.connection_update import ConnectionUpdate
from client.models.echo_connection import EchoConnection
from client.models.echo_connection_provider_id import EchoConnectionProviderId
from client.models.echo_settings import EchoSettings
from client.models.error_code import ErrorCode
from client.models.model_reference import ModelReference
from client.models.problem import Problem
from client.models.saved_connection import SavedConnection
from client.models.saved_profile import SavedProfile
from client.models.settings_change import SettingsChange
from client.models.test_result import TestResult
from client.models.v1_chat_completion import V1ChatCompletion
from client.models.v1_chat_request import V1ChatRequest
from client.models.v1_message import V1Message
from client.models.v1_message_role import V1MessageRole
from client.models.v1_model_list import V1ModelList

ALIAS = "by-python"


def main(address: str, token: str) -> None:
    """Creates, changes, tests, asks, is refused and deletes."""
    client = AuthenticatedClient(base_url=address, token=token)
    new = EchoConnection(
        alias=ALIAS,
        name="By Python",
        provider_id=EchoConnectionProviderId.ECHO,
        settings=EchoSettings(prefix="> "),
    )
    created = create_connection.sync_detailed(client=client, body=new)
    assert isinstance(created.parsed, SavedConnection)
    change = _change_with_etag(client, created.headers["ETag"])
    assert isinstance(change, SavedConnection)
    stale = _change_with_etag(client, created.headers["ETag"])
    assert isinstance(stale, Problem) and stale.code == ErrorCode.STALE
    tested = test_connection.sync(ALIAS, client=client)
    assert isinstance(tested, TestResult) and tested.success
    _ask(client)
    refused = delete_connection.sync(ALIAS, client=client)
    assert isinstance(refused, Problem) and refused.code == ErrorCode.IN_USE
    assert delete_profile.sync_detailed(ALIAS, client=client).status_code == 204
    assert delete_connection.sync_detailed(ALIAS, client=client).status_code == 204
    gone = get_connection_by_id_or_alias.sync(ALIAS, client=client)
    assert isinstance(gone, Problem) and gone.code == ErrorCode.NOT_FOUND


def _change_with_etag(client: AuthenticatedClient, etag: str) -> SavedConnection | Problem | None:
    read = get_connection_by_id_or_alias.sync(ALIAS, client=client)
    assert isinstance(read, Connection)
    settings = SettingsChange()
    settings["prefix"] = "Echo:"
    body = ConnectionUpdate(name="Changed by Python", settings=settings)
    return update_connection.sync(ALIAS, client=client, body=body, if_match=etag)


def _ask(client: AuthenticatedClient) -> None:
    profile = ChatProfile(
        alias=ALIAS,
        name="By Python",
        capability=ChatProfileCapability.CHAT,
        model=ModelReference(provider_id="echo", model_id="echo-1"),
        connection_id=ALIAS,
    )
    assert isinstance(create_profile.sync(client=client, body=profile), SavedProfile)
    asked = ChatRequest(messages=[ChatMessage(role=ChatMessageRole.USER, content="Hello")])
    answer = complete_chat_by_profile.sync(ALIAS, client=client, body=asked)
    assert isinstance(answer, ChatAnswer) and answer.message.content == "Echo:Hello"
    whole = V1ChatRequest(
        model=ALIAS, messages=[V1Message(role=V1MessageRole.USER, content="Hello")]
    )
    said = create_chat_completion.sync(client=client, body=whole)
    assert isinstance(said, V1ChatCompletion)
    assert said.choices[0].message.content == "Echo:Hello"
    listed = list_models.sync(client=client)
    assert isinstance(listed, V1ModelList) and ALIAS in {one.id for one in listed.data}
    # the generator hands a stream on as it comes
    events = client.get_httpx_client().post(
        f"/api/v1/chat/{ALIAS}/stream", json=asked.to_dict(), headers={"Accept": "*/*"}
    )
    assert events.text.rstrip().endswith("data: [DONE]")


if __name__ == "__main__":
    main(*sys.argv[1:])
