"""The heads of requests, read by patterns: gunicorn's parser looks at each byte in a loop of Python
(gunicorn 27, gunicorn/asgi/parser.py), which takes the longer the more headers a client sends.

Only a head that is whole and without fault is read here. Any other is left to gunicorn, which
says what is wrong with it.
"""

import re

from gunicorn.asgi.parser import PythonProtocol  # type: ignore[import-untyped]

# RFC 9110, sections 5.1 and 5.5, as gunicorn judges them.
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):([\t\x20-\x7e\x80-\xff]*+)\r\n")
FIELDS = re.compile(rb"(?:%b)++" % FIELD.pattern.replace(b"(", b"(?:"))
METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
END = b"\r\n\r\n"


class RequestHeads(PythonProtocol):  # type: ignore[misc]
    """gunicorn's parser of one connection."""

    _header_count: int

    def _parse_headers(self) -> bool:
        end = self._buffer.find(END)
        is_begun = self._header_count or self._scan_from
        if end < 0 or is_begun or end + 2 > self._limit_request_field_size:
            return bool(super()._parse_headers())
        head = bytes(self._buffer[: end + 2])
        fields = FIELD.findall(head) if FIELDS.fullmatch(head) else ()
        if not 0 < len(fields) <= self._limit_request_fields:
            return bool(super()._parse_headers())
        del self._buffer[: end + 4]
        self._header_count = len(fields)
        self._headers_list = [(name.lower(), value.strip(b" \t")) for name, value in fields]
        self._finalize_headers()
        return True

    def _is_valid_method(self, method: bytes) -> bool:
        return method in METHODS or bool(super()._is_valid_method(method))
