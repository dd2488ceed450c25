"""Ending a key at its service, with that key itself."""

from typing import Any

import pytest

from providers.amazon import Amazon
from providers.core.errors import ProviderError
from tests.httpserver import Answer, HttpServer

KEYS = {"access_key_id": "AKIAEXAMPLEEXAMPLE12", "secret_access_key": "secret-4b8d1f7730"}
DELETED = (
    '<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DeleteAccessKeyResponse>"
)


def amazon(server: HttpServer, **settings: Any) -> Amazon:
    """Bedrock whose IAM is the server."""

    class Here(Amazon):
        iam_endpoint = server.url

    return Here(Here.Settings(**{**KEYS, **settings}))


def test_an_access_key_of_aws_deletes_itself():
    with HttpServer(answers={"/": Answer(200, DELETED, {"Content-Type": "text/xml"})}) as server:
        assert amazon(server).revoke() == "AWS has deleted the access key."
        form, signed = server.requests[0].form, server.requests[0].values("authorization")[0]
    assert form["Action"] == "DeleteAccessKey"
    assert form["AccessKeyId"] == KEYS["access_key_id"] and "UserName" not in form
    assert KEYS["access_key_id"] in signed and "/iam/aws4_request" in signed


def test_a_refusal_of_aws_is_told():
    error = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    answer = Answer(403, error, {"Content-Type": "text/xml"})
    with HttpServer(answers={"/": answer}) as server, pytest.raises(ProviderError) as refused:
        amazon(server).revoke()
    assert refused.value.code in ("forbidden", "unauthorized")


@pytest.mark.parametrize(
    "settings",
    [
        {"session_token": "temporary-1234567890"},
        {"endpoint": "https://bedrock.example.com"},
        {"auth_mode": "default"},
    ],
)
def test_a_key_that_cannot_delete_itself_is_not_sent(settings: dict[str, str]):
    with HttpServer() as server:
        with pytest.raises(ProviderError, match="AWS's console"):
            amazon(server, **settings).revoke()
        assert server.requests == []
