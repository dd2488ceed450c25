"""Heads that are read by patterns are read as gunicorn's own parser reads them."""

from typing import Any

import pytest
from gunicorn.asgi.parser import PythonProtocol

from backoffice.request_heads import RequestHeads

LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
LONG = b"x" * 8180
HEADS = {
    "plain": b"Host: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "blanks": b"Host:a\r\nX:  \t b c \t \r\nY:\r\n\r\n",
    "marks": b"Host: a\r\nx-!#$%&'*+.^_`|~9: \x80\xff~\r\n\r\n",
    "one that is sent twice": b"Host: a\r\nX: 1\r\nx: 2\r\n\r\n",
    "two hosts": b"Host: a\r\nHost: b\r\n\r\n",
    "no field": b"\r\n",
    "no colon": b"Host: a\r\nnothing\r\n\r\n",
    "no name": b": a\r\n\r\n",
    "a blank before the colon": b"Host : a\r\n\r\n",
    "a folded line": b"Host: a\r\nX: b\r\n c\r\n\r\n",
    "a bare line feed": b"Host: a\nX: b\r\n\r\n",
    "a bare carriage return": b"Host: a\rX: b\r\n\r\n",
    "a control character": b"Host: a\x00\r\n\r\n",
    "a name outside of ASCII": b"H\xf6st: a\r\n\r\n",
    "lengths": b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "a length and chunks": b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "many": b"".join(b"X-%d: y\r\n" % number for number in range(100)) + b"\r\n",
    "too many": b"".join(b"X-%d: y\r\n" % number for number in range(101)) + b"\r\n",
    "long": b"Host: a\r\nX: %b\r\n\r\n" % LONG[:8000],
    "as long as may be": b"Host: %b\r\n\r\n" % LONG[:8182],
    "too long": b"Host: %b\r\n\r\n" % LONG,
    "longer": b"Host: %b1234567\r\n\r\n" % LONG,
    "long together": b"X: %b\r\nY: %b\r\n\r\n" % (LONG[:6000], LONG[:6000]),
    "the next request behind it": b"Host: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "not yet all of it": b"Host: a\r\nX: b\r\n",
}
HEADS |= {"close": b"Host: a\r\nConnection: close\r\n\r\n", "no end": b"Host: a"}


def read(kind: type[Any], pieces: list[bytes]) -> list[Any]:
    """Everything that a parser finds, or its error."""
    bodies: list[bytes] = []
    parser = kind(on_body=bodies.append)
    try:
        for piece in pieces:
            parser.feed(piece)
    except Exception as error:  # noqa: BLE001 whatever it is, both raise it
        return [type(error), str(error)]
    found = [parser.method, parser.path, parser.headers, parser.content_length, bodies]
    found += [parser.is_chunked, parser.should_keep_alive, parser.is_complete]
    return [*found, parser.remaining(), bytes(parser._buffer), parser._header_count]


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_is_read_as_gunicorn_reads_it(head: bytes):
    assert read(RequestHeads, [LINE + head]) == read(PythonProtocol, [LINE + head])


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_in_pieces_is_read_alike(head: bytes):
    for place in (1, 7, 9, len(head) // 2, len(head) - 1):
        pieces = [LINE + head[:place], head[place:]]
        assert read(RequestHeads, pieces) == read(PythonProtocol, pieces)


@pytest.mark.parametrize("method", [b"GET", b"PURGE", b"get", b"G", b"GE(T"])
def test_a_method_is_judged_alike(method: bytes):
    line = [method + b" / HTTP/1.1\r\nHost: a\r\n\r\n"]
    assert read(RequestHeads, line) == read(PythonProtocol, line)
