"""Signatures over a whole request, by recipes of vendors."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

import httpx2

from ..core.errors import ProviderError
from .credentials import AwsSignature, AzureSignature, HmacSignature, Signature

NO_BYTES = (
    "A signed request is signed over its body, so that it must be there as bytes and not as a "
    "stream. Send it as bytes."
)
NO_BASE64 = "The access key is not Base64, as Azure gives it out. Enter it again."


def sign(signature: Signature, request: httpx2.Request) -> None:
    """Adds the headers with the signature to a request that is otherwise as it will be sent.

    Raises ProviderError for a body that is a stream, and for a key that cannot sign.
    """
    if not isinstance(request.stream, httpx2.ByteStream):
        raise ProviderError(NO_BYTES, "bad_request", True)
    body, now = b"".join(request.stream), datetime.now(UTC)
    if isinstance(signature, AwsSignature):
        _sign_for_aws(signature, request, body, now)
    elif isinstance(signature, HmacSignature):
        _sign_parts(signature, request, body, now)
    else:
        _sign_for_azure(signature, request, body, now)


def _sign_for_aws(
    signature: AwsSignature, request: httpx2.Request, body: bytes, now: datetime
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

    Our own lines, because botocore logs what it signs, a session token included.
    """
    digest = hashlib.sha256(body).hexdigest()
    request.headers["X-Amz-Date"] = f"{now:%Y%m%dT%H%M%SZ}"
    if signature.session_token:
        request.headers["X-Amz-Security-Token"] = signature.session_token
    if signature.service == "s3":
        request.headers["X-Amz-Content-Sha256"] = digest
    canonical, names = _canonical_request(signature, request, digest)
    scope = f"{now:%Y%m%d}/{signature.region}/{signature.service}/aws4_request"
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers["X-Amz-Date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{signature.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signature.access_key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
    )


def _canonical_request(
    signature: AwsSignature, request: httpx2.Request, digest: str
) -> tuple[str, str]:
    """The request as it is signed, and the names of the headers in it."""
    headers = {
        name.lower(): " ".join(value.split())
        for name, value in request.headers.items()
        if name.lower() in ("host", "content-type") or name.lower().startswith("x-amz-")
    }
    names = ";".join(sorted(headers))
    path = request.url.raw_path.decode().partition("?")[0]
    lines = [
        request.method,
        path if signature.service == "s3" else quote(path, safe="/~"),
        _canonical_query(request.url),
        *(f"{name}:{headers[name]}" for name in sorted(headers)),
        "",
        names,
        digest,
    ]
    return "\n".join(lines), names


def _canonical_query(url: httpx2.URL) -> str:
    pairs = [one.partition("=") for one in url.query.decode().split("&") if one]
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(
            (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
            for name, _, value in pairs
        )
    )


def _sign_parts(
    signature: HmacSignature, request: httpx2.Request, body: bytes, now: datetime
) -> None:
    path, _, query = request.url.raw_path.partition(b"?")
    timestamp = str(int(now.timestamp()))
    said = {
        "method": request.method.encode(),
        "path": path,
        "query": query,
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest().encode(),
        "timestamp": timestamp.encode(),
    }
    text = signature.separator.encode().join(said[part] for part in signature.parts)
    made = hmac.digest(signature.secret.encode(), text, signature.algorithm)
    shown = made.hex() if signature.encoding == "hex" else base64.b64encode(made).decode()
    if signature.timestamp_header:
        request.headers[signature.timestamp_header] = timestamp
    request.headers[signature.name] = signature.prefix + shown


def _sign_for_azure(
    signature: AzureSignature, request: httpx2.Request, body: bytes, now: datetime
) -> None:
    """https://learn.microsoft.com/en-us/azure/azure-app-configuration/rest-api-authentication-hmac
    and https://learn.microsoft.com/en-us/rest/api/communication/authentication
    """
    date = format_datetime(now, usegmt=True)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    path, host = request.url.raw_path.decode(), request.url.netloc.decode()
    text = f"{request.method}\n{path}\n{date};{host};{digest}"
    try:
        key = base64.b64decode(signature.access_key, validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ProviderError(NO_BASE64, "bad_request", True)
    made = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    who = f"Credential={signature.access_key_id}&" if signature.access_key_id else ""
    request.headers["x-ms-date"], request.headers["x-ms-content-sha256"] = date, digest
    request.headers["Authorization"] = (
        f"HMAC-SHA256 {who}SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={made}"
    )
