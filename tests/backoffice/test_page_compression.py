"""Pages are compressed; what is no page is not."""

import gzip
import re
from typing import Any

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from backoffice.page_compression import PageCompressionMiddleware
from tests.fakes import connect
from tests.people import browser

TEXT = "<p>Nothing in here is said only once.</p>" * 40
PAGE = {"content_type": "text/html; charset=utf-8"}
FILE_NAME = 8  # the flag of gzip's head (RFC 1952, section 2.3.1) for Django's random bytes


def sent(answer: HttpResponse | StreamingHttpResponse, encodings: str = "br, gzip") -> Any:
    """The answer as it leaves for a browser that takes these encodings."""
    request = RequestFactory().get("/", headers={"accept-encoding": encodings})
    return PageCompressionMiddleware(lambda _: answer)(request)


def test_a_page_is_compressed_with_the_guard_against_breach():
    answer = sent(HttpResponse(TEXT, **PAGE))
    assert gzip.decompress(answer.content).decode() == TEXT
    assert (answer["Content-Encoding"], answer["Vary"]) == ("gzip", "Accept-Encoding")
    assert int(answer["Content-Length"]) == len(answer.content) < len(TEXT) / 5
    assert answer.content[3] & FILE_NAME


def test_a_whole_page_is_compressed_with_brotli_and_a_guard():
    page = "<!doctype html>" + TEXT
    answers = [sent(HttpResponse(page, **PAGE)) for _ in range(20)]
    assert (answers[0]["Content-Encoding"], answers[0]["Vary"]) == ("br", "Accept-Encoding")
    assert int(answers[0]["Content-Length"]) == len(answers[0].content) < len(TEXT) / 5
    assert re.fullmatch(
        re.escape(page) + "<!--[0-9a-f]*-->", brotli.decompress(answers[0].content).decode()
    )
    assert len({len(one.content) for one in answers}) > 5  # of the same text


@pytest.mark.parametrize("encodings", ["gzip", "gzip, br;q=0", "br;q=0.0, gzip", "abro, gzip"])
def test_who_takes_no_brotli_gets_gzip(encodings: str):
    page = "<!doctype html>" + TEXT
    answer = sent(HttpResponse(page, **PAGE), encodings)
    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).decode() == page


def test_who_takes_no_gzip_gets_the_page_as_it_is():
    answer = sent(HttpResponse(TEXT, **PAGE), "identity")
    assert (answer.content.decode(), answer["Vary"]) == (TEXT, "Accept-Encoding")


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(TEXT, content_type="application/json", headers={"ETag": '"7"'}),
        HttpResponse(TEXT, content_type="text/csv"),
        StreamingHttpResponse([TEXT.encode()], content_type="text/event-stream"),
        StreamingHttpResponse([TEXT.encode()], **PAGE),
        HttpResponse("<p>Short.</p>", **PAGE),
        HttpResponse(status=304),
        HttpResponse(status=302, headers={"Location": "/"}),
    ],
    ids=["JSON", "CSV", "events", "a streamed page", "a short page", "304", "302"],
)
def test_other_answers_leave_as_they_are(answer: HttpResponse | StreamingHttpResponse):
    before = dict(answer.headers)
    assert dict(sent(answer).headers) == before


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), [("/connections/", 200), ("/nowhere/", 404)])
def test_what_a_person_is_shown_is_compressed(viewer, path: str, status: int):
    answer = browser(viewer).get(path, headers={"accept-encoding": "gzip"})
    assert (answer.status_code, answer["Content-Encoding"]) == (status, "gzip")
    assert b"<!doctype html>" in gzip.decompress(answer.content)[:20]


@pytest.mark.django_db
def test_a_page_loses_its_indentation_and_says_its_length(viewer):
    answer = browser(viewer).get("/connections/", headers={"accept-encoding": "identity"})
    assert b"\n " not in answer.content
    assert answer["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("tag", ["pre", "textarea"])
def test_a_page_with_text_in_lines_keeps_its_spaces(tag: str):
    text = f"<!doctype html>\n<{tag}>a\n  b</{tag}>"
    assert sent(HttpResponse(text, **PAGE), "identity").content.decode() == text


@pytest.mark.django_db
def test_the_api_keeps_its_strong_etags(administrator, fake):
    address = f"/api/v1/connections/{connect().alias}"
    answer = browser(administrator).get(address, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer["ETag"].startswith('"') and "Content-Encoding" not in answer
