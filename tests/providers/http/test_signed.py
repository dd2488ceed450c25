"""What a connection signs: tokens and whole requests, verified as the other side does; and
certificates that it shows.
"""

import base64
import hashlib
import hmac
import ssl
import time
import traceback
from datetime import UTC, datetime
from typing import Any

import httpx2
import jwt
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from providers.core.errors import ProviderError, chain
from providers.http.allowance import Allowance
from providers.http.credentials import (
    AwsSignature,
    AzureSignature,
    ClientCertificate,
    Grant,
    HmacSignature,
    Jwt,
)
from providers.http.egress import EgressPolicy, GuardedTransport, guarded_client
from providers.http.oauth2_client import fetch_token, grant_key
from providers.http.private_keys import private_key
from providers.http.signed_tokens import google_assertion, signed, snowflake_token
from providers.http.tls import client_context
from tests.httpserver import (
    Answer,
    HttpServer,
    RawRequest,
    authority,
    service_certificate,
    service_context,
)
from tests.keys import p256_key, pem, rsa_key, service_account

from .test_auth import let_in


def in_our_frames(error: BaseException, *secrets: str) -> list[str]:
    """Those that a traceback of the error would show of our own code."""
    seen = "".join(
        repr(list(frame.f_locals.values()))
        for cause in chain(error)
        for frame, _ in traceback.walk_tb(cause.__traceback__)
        if "/tests/" not in frame.f_code.co_filename
    )
    return [one for one in secrets if repr(one)[1:-1] in seen]


# Tokens


@pytest.mark.parametrize(("algorithm", "make"), [("RS256", rsa_key), ("ES256", p256_key)])
def test_a_token_is_signed_as_rfc_7519_has_it(algorithm: Any, make: Any):
    token = Jwt(pem(make()), algorithm, {"iss": "me", "aud": "you", "sub": ""}, 600, "key-1")
    made = signed(token)
    read = jwt.decode(made, make().public_key(), [algorithm], audience="you")
    assert jwt.get_unverified_header(made) == {"alg": algorithm, "typ": "JWT", "kid": "key-1"}
    assert read.keys() == {"iss", "aud", "iat", "exp"} and read["exp"] - read["iat"] == 600
    assert read["iat"] <= time.time() < read["exp"]


def test_a_key_may_be_locked_and_may_have_its_line_breaks_written_out():
    locked = Jwt(pem(p256_key(), "open sesame"), "ES256", {}, passphrase="open sesame")
    written = Jwt(pem(p256_key()).replace("\n", "\\n"), "ES256", {})
    for one in (locked, written):
        assert jwt.decode(signed(one), p256_key().public_key(), ["ES256"])


@pytest.mark.parametrize(
    ("text", "passphrase", "algorithm", "said"),
    [
        ("secret-8841", "", "RS256", "not a private key"),
        ("", "", "RS256", "not a private key"),
        (pem(rsa_key(), "secret-8841"), "", "RS256", "has a passphrase"),
        (pem(rsa_key(), "secret-8841"), "secret-8842", "RS256", "not a private key"),
        (pem(rsa_key()), "secret-8841", "RS256", "has no passphrase"),
        (pem(p256_key()), "", "RS256", "RS256 wants an RSA key"),
        (pem(rsa_key()), "", "ES256", "on the curve P-256"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "", "ES256", "on the curve P-256"),
    ],
)
def test_a_key_that_cannot_sign_is_told(text: str, passphrase: str, algorithm: Any, said: str):
    with (
        HttpServer() as server,
        let_in(server.url, Jwt(text, algorithm, {}, passphrase=passphrase)) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.get("/")
    assert said in caught.value.message and caught.value.permanent and server.requests == []
    assert not in_our_frames(caught.value, text or "secret-8841", "secret-8841")


def test_a_token_is_signed_anew_for_each_request(monkeypatch: pytest.MonkeyPatch):
    with HttpServer() as server, let_in(server.url, Jwt(pem(p256_key()), "ES256", {})) as client:
        client.get("/")
        monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
        client.get("/")
    first, second = (
        one.values("authorization")[0].removeprefix("Bearer ") for one in server.requests
    )
    options = {"verify_exp": False, "verify_iat": False}
    read = jwt.decode(second, p256_key().public_key(), ["ES256"], options=options)
    assert first != second and read["exp"] > 4_000_000_000


def test_google_s_assertion_says_what_google_wants():
    made = google_assertion(service_account(), "a b", "https://oauth2.googleapis.com/token")
    audience = "https://oauth2.googleapis.com/token"
    read = jwt.decode(signed(made), rsa_key().public_key(), ["RS256"], audience=audience)
    assert (read["iss"], read["scope"]) == ("jo@acme.iam.gserviceaccount.com", "a b")
    assert read["exp"] - read["iat"] == 3600 and "sub" not in read and made.key_id == "key-1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"client_email": "a"}', "{" * 5000])
def test_another_text_is_not_a_service_account(text: str):
    with pytest.raises(ProviderError, match="not the key of a service account"):
        google_assertion(text, "a", "https://a.example")


@pytest.mark.parametrize("account", ["myorg-account1", "MYORG-ACCOUNT1"])
def test_snowflake_s_token_names_the_public_key(account: str):
    made = jwt.decode(
        signed(snowflake_token(account, "jo", pem(rsa_key()))), rsa_key().public_key(), ["RS256"]
    )
    der = rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    assert made["sub"] == "MYORG-ACCOUNT1.JO"
    assert made["iss"] == f"MYORG-ACCOUNT1.JO.SHA256:{fingerprint}"


def test_a_locator_goes_without_its_region():
    assert snowflake_token("xy12345.us-east-2.aws", "jo", pem(rsa_key())).claims["sub"] == (
        "XY12345.JO"
    )


# Grants


def test_a_signed_token_is_given_for_a_token():
    def token(request: RawRequest) -> Answer:
        read = jwt.decode(
            request.form["assertion"], rsa_key().public_key(), ["RS256"], audience="you"
        )
        is_good = request.form["grant_type"].endswith(":jwt-bearer") and read["iss"] == "me"
        return Answer(body={"access_token": "given"}) if is_good else Answer(400)

    with HttpServer({"/token": token}) as server:
        assertion = Jwt(pem(rsa_key()), "RS256", {"iss": "me", "aud": "you"})
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
        transport = GuardedTransport(EgressPolicy(), Allowance())
        with guarded_client(EgressPolicy(), 5, transport=transport) as client:
            one = Grant(f"{server.url}/token", form, assertion=assertion)
            assert fetch_token(client, one).value == "given"
            with pytest.raises(ProviderError, match="not a private key"):
                fetch_token(client, Grant(one.token_url, form, assertion=Jwt("x", "RS256", {})))
    assert len(server.requests) == 1


def test_the_key_of_a_grant_knows_its_assertion_and_not_the_time():
    def key(**changes: Any) -> str:
        said = {"private_key": "a", "algorithm": "RS256", "claims": {"iss": "me"}} | changes
        return grant_key(Grant("https://a.example", {}, assertion=Jwt(**said)))

    others = [key(private_key="b"), key(claims={"iss": "you"}), key(algorithm="ES256")]
    assert len({key(), *others, key(key_id="1"), grant_key(Grant("https://a.example", {}))}) == 6
    assert key() == key()


# Signatures

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize("service", ["execute-api", "sts", "s3"])
@pytest.mark.parametrize("session_token", ["", "session-secret"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b""),
        ("/a%20b/c:d?z=1&a=%2F%20&b", b'{"a": 1}'),
        ("/?Action=GetCallerIdentity&Version=2011-06-15", b""),
    ],
)
def test_aws_signs_the_same(
    service: str, session_token: str, path: str, body: bytes, monkeypatch: pytest.MonkeyPatch
):
    one = AwsSignature("AKIDEXAMPLE", "secret-8841", "eu-central-1", service, session_token)
    with HttpServer() as server, let_in(server.url, one) as client:
        client.post(path, content=body, headers={"Content-Type": "text/plain", "X-Amz-Target": "x"})
    sent = server.requests[0]
    stamp = sent.values("x-amz-date")[0]
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    told = {"Content-Type": "text/plain", "X-Amz-Target": "x"}
    same = AWSRequest("POST", f"{server.url}{sent.line.split(' ')[1]}", told, body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    kind(
        Credentials(one.access_key_id, one.secret_access_key, session_token or None),
        service,
        one.region,
    ).add_auth(same)
    assert sent.values("authorization") == [same.headers["Authorization"]]
    assert sent.values("x-amz-security-token") == ([session_token] if session_token else [])


@pytest.mark.parametrize("access_key_id", ["", "id-1"])
def test_azure_verifies_the_signature(access_key_id: str):
    key = base64.b64encode(b"secret-8841").decode()
    with HttpServer() as server, let_in(server.url, AzureSignature(key, access_key_id)) as client:
        client.put("/kv/a?api-version=1.0&x=a b", content=b"{}")
    sent = server.requests[0]
    digest = base64.b64encode(hashlib.sha256(sent.body).digest()).decode()
    parts = [sent.values("x-ms-date")[0], server.host, digest]
    text = "\n".join(["PUT", sent.line.split(" ")[1], ";".join(parts)])
    made = base64.b64encode(hmac.digest(b"secret-8841", text.encode(), "sha256")).decode()
    who = f"Credential={access_key_id}&" if access_key_id else ""
    assert sent.values("authorization") == [
        f"HMAC-SHA256 {who}SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={made}"
    ]
    assert sent.values("x-ms-content-sha256") == [digest]


@pytest.mark.parametrize("key", ["not base64!", ""])
def test_azure_s_key_is_base64(key: str):
    with (
        HttpServer() as server,
        let_in(server.url, AzureSignature(key)) as client,
        pytest.raises(ProviderError, match="not Base64"),
    ):
        client.get("/")
    assert server.requests == []


def test_a_stream_cannot_be_signed():
    one = AwsSignature("a", "b", "c", "d")
    with (
        HttpServer() as server,
        let_in(server.url, one) as client,
        pytest.raises(ProviderError, match="Send it as bytes"),
    ):
        client.post("/", content=iter([b"a"]))
    assert server.requests == []


# Certificates


def asking_context() -> ssl.SSLContext:
    """TLS for a server that lets nobody in without a certificate of the authority."""
    context = service_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority()[0])
    return context


def test_a_certificate_is_shown():
    key, certificate = service_certificate()
    one = ClientCertificate(certificate, key, authority=authority()[0])
    with HttpServer(tls=asking_context()) as server:
        for context, is_in in ((client_context(one), True), (trusting(), False)):
            transport = GuardedTransport(EgressPolicy(), Allowance(), context)
            with guarded_client(EgressPolicy(), 5, transport=transport) as client:
                try:
                    assert client.get(server.url).status_code == 200 and is_in
                except httpx2.HTTPError:
                    assert not is_in


def trusting() -> ssl.SSLContext:
    """TLS for a client that has no certificate."""
    context = ssl.create_default_context(cadata=authority()[0])
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("secret-8841", service_certificate()[0], "not a certificate"),
        (service_certificate()[1], "secret-8841", "not a private key"),
        (service_certificate()[1], service_certificate(45)[0], "not that of"),
    ],
)
def test_a_pair_that_is_none_is_told(certificate: str, key: str, said: str):
    with pytest.raises(ProviderError, match=said) as caught:
        client_context(ClientCertificate(certificate, key))
    assert not in_our_frames(caught.value, key)


def test_no_object_shows_a_key():
    seen = repr(
        [
            Jwt("secret-8841", "RS256", {}, passphrase="secret-8841"),
            AwsSignature("a", "secret-8841", "c", "d", "secret-8841"),
            AzureSignature("secret-8841"),
            ClientCertificate("c", "secret-8841", "secret-8841"),
            Grant("https://a.example", {}, assertion=Jwt("secret-8841", "RS256", {})),
        ]
    )
    assert "secret-8841" not in seen and private_key(pem(p256_key()))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_named_parts_are_signed(algorithm: str, encoding: Any):
    parts = ("timestamp", "method", "path", "query", "body", "body_sha256")
    one = HmacSignature("key-1", "X-Sign", parts, algorithm, encoding, "\n", "v1=", "X-Time")
    with HttpServer() as server, let_in(server.url, one) as client:
        client.post("/a/b?x=a%20b", content=b"{}")
    sent = server.requests[0]
    digest = hashlib.sha256(b"{}").hexdigest()
    text = "\n".join([sent.values("x-time")[0], "POST", "/a/b", "x=a%20b", "{}", digest])
    made = hmac.digest(b"key-1", text.encode(), algorithm)
    shown = made.hex() if encoding == "hex" else base64.b64encode(made).decode()
    assert sent.values("x-sign") == [f"v1={shown}"]
