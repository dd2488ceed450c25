"""What the refusals of AWS mean. Against moto's server: stores.py, stores_access.py."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, SSOTokenLoadError

from connections.sources import Fault, SourceError, make_sources
from connections.sources.address import read_address
from connections.sources.aws import AwsSecretsManager
from tests.httpserver import Answer, HttpServer

KEY = ("OpenAI", "ApiKey")
READ = "GetSecretValue"


def refusal(code: str, status: int = 400, asked: str = READ) -> ClientError:
    """What botocore raises for an answer with this code."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, asked)


MEANINGS = {
    "throttled": (refusal("ThrottlingException"), Fault.AWAY),
    "throttled in other words": (refusal("RequestThrottledException"), Fault.AWAY),
    "throttled by something in front": (refusal("429", 429), Fault.AWAY),
    "out of order": (refusal("503", 503), Fault.AWAY),
    "no policy": (refusal("AccessDeniedException"), Fault.DENIED),
    "forbidden by something in front": (refusal("403", 403), Fault.DENIED),
    "a key that ended": (refusal("ExpiredTokenException"), Fault.SIGN_IN_FAILED),
    "a role that is not given": (
        refusal("AccessDenied", 403, "AssumeRoleWithWebIdentity"),
        Fault.SIGN_IN_FAILED,
    ),
    "a role, throttled": (refusal("Throttling", 400, "AssumeRole"), Fault.AWAY),
    "a session that ended": (SSOTokenLoadError(error_msg="no"), Fault.SIGN_IN_FAILED),
    "a key of KMS that is off": (refusal("DecryptionFailure"), Fault.BROKEN),
}


@pytest.mark.parametrize("case", MEANINGS)
def test_a_refusal_of_aws_is_one_of_the_states(case: str):
    error, fault = MEANINGS[case]
    store = AwsSecretsManager(read_address("aws-secretsmanager://eu-west-1/team"))
    with pytest.raises(SourceError) as told, store._translated("the secret team/OpenAI"):
        raise error
    assert told.value.fault == fault


def test_a_role_that_sts_does_not_give_is_no_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "token").write_text("a.b.c")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/switchboard")
    said = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    with HttpServer(default=Answer(403, said)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        (store,) = make_sources(["aws-secretsmanager://eu-west-1/team"], {}, 600)
        with pytest.raises(SourceError, match="does not accept the sign-in") as told:
            store.lookup(KEY)
    assert told.value.fault == Fault.SIGN_IN_FAILED
