"""What only a real server shows: chunked bodies, sizes that lie, answers to HEAD, paths as they are
sent.
"""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from .serving import Served

MEGABYTE = 1024 * 1024
ECHO = {"alias": "chunked", "name": "Chunked", "providerId": "echo"}
Answer = tuple[int, dict[str, str], bytes]


def ask(served: Served, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """One request as it stands; a body that is an iterator is sent in chunks."""
    client = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=30)
    sent = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    try:
        client.request(
            method,
            path,
            body,
            sent | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        answer = client.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        client.close()


def pieces(text: str, size: int = 65536) -> Iterator[bytes]:
    data = text.encode()
    yield from (data[start : start + size] for start in range(0, len(data), size))


def test_a_chunked_body_is_read(served: Served):
    status, headers, body = ask(served, "POST", "/api/v1/connections", pieces(json.dumps(ECHO), 7))
    assert (status, json.loads(body)["alias"]) == (201, "chunked") and headers[
        "Location"
    ].startswith("/api/v1/connections/")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_a_megabyte_is_refused(served: Served, chunked: bool):
    text = json.dumps(ECHO | {"name": "x" * MEGABYTE})
    status, headers, body = ask(
        served, "POST", "/api/v1/connections", pieces(text) if chunked else text.encode()
    )
    assert (status, headers["Content-Type"], json.loads(body)["code"]) == (
        413,
        "application/problem+json",
        "too_large",
    )


@pytest.mark.parametrize(
    "path", ["/api/v1/connections", "/api/v1/connections/openai-production", "/api/v1/nothing"]
)
def test_head_has_the_headers_of_get_and_no_body(served: Served, path: str):
    head, get = ask(served, "HEAD", path), ask(served, "GET", path)
    assert (head[0], head[1]["Content-Type"], head[2]) == (get[0], get[1]["Content-Type"], b"")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/%00", "/api/v1/%ff%fe", "/api//v1", "/api/v1/connections/a%2Fb"]
)
def test_an_odd_path_is_a_problem(served: Served, path: str):
    status, headers, _ = ask(served, "GET", path)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")


def test_a_deletion_answers_without_a_body(served: Served):
    ask(served, "POST", "/api/v1/connections", json.dumps(ECHO | {"alias": "gone"}).encode())
    status, headers, body = ask(served, "DELETE", "/api/v1/connections/gone")
    assert (status, body) == (204, b"") and headers.get("Content-Length", "0") == "0"


def test_options_is_refused_with_what_is_allowed(served: Served):
    status, headers, _ = ask(served, "OPTIONS", "/api/v1/connections")
    assert (status, set(headers["Allow"].split(", "))) == (405, {"GET", "POST", "HEAD"})
