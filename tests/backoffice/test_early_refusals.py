"""Requests that name a whole URL."""

from typing import Any

import pytest

from backoffice.early_refusals import in_origin_form


def scope(target: bytes) -> dict[str, Any]:
    headers = [(b"host", b"header.example"), (b"accept", b"*/*")]
    return {"path": target.decode(), "raw_path": target, "headers": headers}


@pytest.mark.parametrize(
    ("target", "path", "raw"),
    [
        (b"http://host.example:8000/v1/models", "/v1/models", b"/v1/models"),
        (b"http://ada:pw@host.example:8000/v1/%C3%A5", "/v1/å", b"/v1/%C3%A5"),
        (b"http://host.example:8000", "/", b"/"),
    ],
)
def test_a_whole_url_is_its_path_and_its_host_is_the_one_that_counts(
    target: bytes, path: str, raw: bytes
):
    found = in_origin_form(scope(target))
    assert (found["path"], found["raw_path"]) == (path, raw)
    assert found["headers"] == [(b"host", b"host.example:8000"), (b"accept", b"*/*")]


def test_a_question_about_the_whole_server_stays():
    assert in_origin_form(scope(b"*")) == scope(b"*")
