"""The ways into real stores: JWT, Kubernetes, namespaces and an authority of its own with OpenBao;
refusals, throttling and stages with AWS. Run by `make test-stores`, as stores.py is.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import hvac
import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connections.sources import Fault, KeptStore, make_sources, vault_sign_in
from connections.sources.kept import PAUSE
from tests.documents.blocks import Block, blocks_of
from tests.httpserver import Answer, HttpServer, RawRequest, authority, service_context

from .stores import KEY, POLICY, VALUE, OpenBao, fault_of, old
from .stores import _no_token as _no_token
from .stores import aws as aws
from .stores import bao as bao
from .stores import moto as moto

POLICIES = [one for one in blocks_of("docs/references.md") if "Statement" in one.text]
SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCOUNT = {"namespace": "team", "serviceaccount": {"name": "switchboard", "uid": "u-1"}}


def signed(signer: rsa.RSAPrivateKey = SIGNER, **claims: Any) -> str:
    """A token of a job of the team, for a minute."""
    given = {"sub": "job", "aud": "switchboard", "exp": int(time.time()) + 60, **claims}
    return jwt.encode(given, signer, algorithm="RS256")


@pytest.fixture(scope="module")
def with_jwt(bao: OpenBao) -> OpenBao:
    """OpenBao, with a JWT role `job` at the usual path and another one at `ci`."""
    pem = SIGNER.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for path in ("jwt", "ci"):
        bao.root.sys.enable_auth_method("jwt", path=path)
        bao.root.auth.jwt.configure(jwt_validation_pubkeys=[pem.decode()], path=path)
        bao.root.auth.jwt.create_role(
            "job",
            role_type="jwt",
            user_claim="sub",
            bound_audiences=["switchboard"],
            allowed_redirect_uris=[],
            token_policies=["team"],
            path=path,
        )
    return bao


# OpenBao


@pytest.mark.parametrize("options", [{}, {"auth": "jwt", "auth_path": "ci", "role": "job"}])
def test_a_jwt_signs_in(
    with_jwt: OpenBao, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
):
    monkeypatch.setenv("VAULT_JWT", signed())
    monkeypatch.setenv("VAULT_ROLE", "another" if options else "job")
    assert with_jwt.source(**options).lookup(KEY) == VALUE


def test_a_jwt_in_a_file_is_read_again_for_each_sign_in(
    with_jwt: OpenBao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file = tmp_path / "jwt"
    file.write_text(f"{signed(exp=int(time.time()) - 3600)}\n")
    monkeypatch.setenv("VAULT_JWT_FILE", str(file))
    monkeypatch.setenv("VAULT_ROLE", "job")
    kept = with_jwt.source()
    assert fault_of(kept) == Fault.SIGN_IN_FAILED
    file.write_text(signed())
    time.sleep(PAUSE)
    assert kept.lookup(KEY) == VALUE


@pytest.mark.parametrize("wrong", ["signer", "audience", "role"])
def test_a_jwt_that_is_not_meant_for_it_is_no_sign_in(
    with_jwt: OpenBao, monkeypatch: pytest.MonkeyPatch, wrong: str
):
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = {"signer": signed(another), "audience": signed(aud="else")}.get(wrong, signed())
    monkeypatch.setenv("VAULT_JWT", token)
    monkeypatch.setenv("VAULT_ROLE", "nobody" if wrong == "role" else "job")
    assert fault_of(with_jwt.source()) == Fault.SIGN_IN_FAILED


class Reviewer(HttpServer):
    """The part of Kubernetes' API that says whose a service account's token is."""

    def answer(self, request: RawRequest) -> Answer:
        if request.path != REVIEWS:
            return Answer(404)
        asked = json.loads(request.body)["spec"]
        claims = jwt.decode(asked["token"], options={"verify_signature": False})
        user = {"username": claims["sub"], "uid": "u-1", "groups": ["system:serviceaccounts"]}
        status = {"authenticated": True, "user": user, "audiences": asked["audiences"]}
        return Answer(201, {"apiVersion": "authentication.k8s.io/v1", "status": status})


@pytest.fixture(scope="module")
def cluster(bao: OpenBao) -> Iterator[Reviewer]:
    """A cluster whose pods OpenBao lets in as `switchboard`."""
    with Reviewer(tls=service_context()) as reviewer:
        bao.root.sys.enable_auth_method("kubernetes")
        bao.root.auth.kubernetes.configure(
            kubernetes_host=reviewer.url,
            kubernetes_ca_cert=authority()[0],
            token_reviewer_jwt=signed(),
            disable_local_ca_jwt=True,
        )
        bao.root.auth.kubernetes.create_role(
            "switchboard", ["switchboard"], ["team"], policies=["team"]
        )
        yield reviewer


def of_account(name: str) -> str:
    return signed(
        sub=f"system:serviceaccount:team:{name}",
        aud=["switchboard"],
        **{"kubernetes.io": {**ACCOUNT, "serviceaccount": {"name": name, "uid": "u-1"}}},
    )


@pytest.mark.parametrize("named", [False, True], ids=["the pod's", "a variable"])
def test_a_service_account_signs_in(
    bao: OpenBao,
    cluster: Reviewer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    named: bool,
):
    monkeypatch.setenv("VAULT_ROLE", "switchboard")
    monkeypatch.setattr(vault_sign_in, "SERVICE_ACCOUNT", str(tmp_path / "token"))
    if named:
        monkeypatch.setenv("VAULT_AUTH_METHOD", "kubernetes")
        monkeypatch.setenv("VAULT_JWT", of_account("switchboard"))
    else:
        (tmp_path / "token").write_text(of_account("switchboard"))
    assert bao.source().lookup(KEY) == VALUE
    assert cluster.asked(REVIEWS)


def test_another_service_account_does_not(
    bao: OpenBao, cluster: Reviewer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("VAULT_ROLE", "switchboard")
    monkeypatch.setattr(vault_sign_in, "SERVICE_ACCOUNT", str(tmp_path / "token"))
    (tmp_path / "token").write_text(of_account("stranger"))
    assert fault_of(bao.source()) == Fault.SIGN_IN_FAILED


def test_a_namespace_has_secrets_and_roles_of_its_own(
    bao: OpenBao, monkeypatch: pytest.MonkeyPatch
):
    bao.root.adapter.post("/v1/sys/namespaces/team-a")
    inside = hvac.Client(f"http://127.0.0.1:{bao.port}", token="root", namespace="team-a")
    inside.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    inside.sys.create_or_update_policy("team", POLICY)
    inside.sys.enable_auth_method("approle")
    inside.auth.approle.create_or_update_approle("inside", token_policies=["team"])
    role_id = inside.auth.approle.read_role_id("inside")["data"]["role_id"]
    secret_id = inside.auth.approle.generate_secret_id("inside")["data"]["secret_id"]
    monkeypatch.setenv("VAULT_ROLE_ID", role_id)
    monkeypatch.setenv("VAULT_SECRET_ID", secret_id)
    inside.secrets.kv.v2.create_or_update_secret("team/OpenAI", {"ApiKey": "of team-a"})
    assert bao.source(namespace="team-a").lookup(KEY) == "of team-a"
    monkeypatch.setenv("VAULT_NAMESPACE", "team-a/")
    assert bao.source().lookup(KEY) == "of team-a"
    monkeypatch.setenv("VAULT_NAMESPACE", "team-b")
    assert fault_of(bao.source()) == Fault.SIGN_IN_FAILED


@pytest.fixture(scope="module")
def tls_bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenBao, Path]]:
    """OpenBao with a certificate of an authority of its own, and the file of that."""
    folder = tmp_path_factory.mktemp("tls")
    server = OpenBao(folder / "log", certificates=folder)
    server.put("OpenAI", ApiKey=VALUE)
    yield server, server.ca
    server.stop()


def test_an_authority_of_its_own_is_named_in_a_variable_or_the_address(
    tls_bao: tuple[OpenBao, Path], monkeypatch: pytest.MonkeyPatch
):
    server, ca = tls_bao
    monkeypatch.setenv("VAULT_TOKEN", "root")
    assert server.source(ca=str(ca)).lookup(KEY) == VALUE
    monkeypatch.setenv("VAULT_CACERT", str(ca))
    kept = server.source()
    assert kept.lookup(KEY) == VALUE
    kept.store.reach()


def test_an_authority_that_is_unknown_or_no_file_is_told(
    tls_bao: tuple[OpenBao, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    server, _ = tls_bao
    monkeypatch.setenv("VAULT_TOKEN", "root")
    with pytest.raises(Exception, match="name its authority in VAULT_CACERT"):
        server.source().lookup(KEY)
    (tmp_path / "no.pem").write_text("no certificate")
    for file in ("/nope/ca.pem", str(tmp_path / "no.pem")):
        monkeypatch.setenv("VAULT_CACERT", file)
        with pytest.raises(Exception, match="the file of VAULT_CACERT holds no certificates"):
            server.source().lookup(KEY)


# AWS

FAST = {"SecretString": json.dumps({"ApiKey": VALUE}), "VersionId": "v" * 32, "Name": "x"}


class Throttling(HttpServer):
    """AWS that has too much to do at first."""

    def answer(self, request: RawRequest) -> Answer:
        is_ssm = "AmazonSSM" in request.values("x-amz-target")[0]
        if len(self.requests) == 1:
            return Answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
        parameters = [{"Name": "/team/OpenAI/ApiKey", "Value": VALUE, "Type": "SecureString"}]
        return Answer(200, {"Parameters": parameters} if is_ssm else FAST)


@pytest.mark.parametrize("scheme", ["aws-secretsmanager", "aws-parameters"])
def test_a_throttled_aws_is_away_and_asked_again_after_a_rest(
    aws: str, monkeypatch: pytest.MonkeyPatch, scheme: str
):
    with Throttling() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        (kept,) = make_sources([f"{scheme}://eu-west-1/team"], {}, 600)
        assert [fault_of(kept), fault_of(kept)] == [Fault.AWAY] * 2
        assert len(server.requests) == 1
        time.sleep(PAUSE)
        assert kept.lookup(KEY) == VALUE


@pytest.fixture
def judging(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account whose policies count: one that may do nothing yet, and the client to change it."""
    iam, user = boto3.client("iam", region_name="eu-west-1"), "switchboard"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    root = boto3.client("secretsmanager", region_name="eu-west-1")
    root.create_secret(Name="judged/OpenAI", SecretString=json.dumps({"ApiKey": VALUE}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    requests.post(f"{aws}/moto-api/reset-auth", data="0", timeout=5)

    def allow(action: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        requests.post(f"{aws}/moto-api/reset-auth", data="1", timeout=5)
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)

    yield allow
    requests.post(f"{aws}/moto-api/reset-auth", data="1000000", timeout=5)


@pytest.mark.parametrize("block", POLICIES, ids=str)
def test_aws_takes_the_policies_of_the_documents(aws: str, block: Block):
    text = block.text.replace("REGION", "eu-west-1").replace("ACCOUNT", 12 * "1")
    iam = boto3.client("iam", region_name="eu-west-1")
    made = iam.create_policy(PolicyName=f"line-{block.line}", PolicyDocument=text)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_no_policy_allows_is_denied_until_one_does(judging: Any):
    addresses = ["aws-secretsmanager://eu-west-1/judged", "aws-parameters://eu-west-1/judged"]
    secrets, parameters = make_sources(addresses, {}, 600)
    assert [fault_of(secrets), fault_of(parameters)] == [Fault.DENIED] * 2
    judging("secretsmanager:GetSecretValue")
    assert secrets.lookup(KEY) == VALUE and fault_of(parameters) == Fault.DENIED


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "ExpiredTokenException"])
def test_a_key_that_aws_does_not_take_is_no_sign_in(
    aws: str, monkeypatch: pytest.MonkeyPatch, code: str
):
    with HttpServer(default=Answer(400, {"__type": code})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        (kept,) = make_sources(["aws-secretsmanager://eu-west-1/team"], {}, 600)
        assert fault_of(kept) == Fault.SIGN_IN_FAILED


def test_a_stage_of_ones_own_and_a_rotation_are_followed(aws: str):
    client = boto3.client("secretsmanager", region_name="eu-west-1")
    client.create_secret(Name="staged/OpenAI", SecretString=json.dumps({"ApiKey": "one"}))
    address = "aws-secretsmanager://eu-west-1/staged"
    now, pending, nothing = make_sources(
        [address, f"{address}?stage=AWSPENDING", f"{address}?stage=BLUE"], {}, 600
    )
    assert isinstance(now, KeptStore)
    assert (now.lookup(KEY), pending.lookup(KEY), nothing.lookup(KEY)) == ("one", None, None)
    new = client.put_secret_value(
        SecretId="staged/OpenAI",
        SecretString=json.dumps({"ApiKey": "two"}),
        VersionStages=["AWSPENDING"],
    )["VersionId"]
    old(now)
    assert (now.lookup(KEY), pending.lookup(KEY)) == ("one", "two")
    was = client.describe_secret(SecretId="staged/OpenAI")["VersionIdsToStages"]
    before = next(one for one, stages in was.items() if "AWSCURRENT" in stages)
    client.update_secret_version_stage(
        SecretId="staged/OpenAI",
        VersionStage="AWSCURRENT",
        MoveToVersionId=new,
        RemoveFromVersionId=before,
    )
    assert now.lookup(KEY) == "one"  # fresh for FRESH seconds
    old(now)
    assert now.lookup(KEY) == "two"
