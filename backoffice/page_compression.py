"""Pages are compressed: with Brotli whole pages, with gzip what htmx puts into them, and the marks
that they show.
"""

import re
import secrets
from typing import Any

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

INDENTATION = re.compile(rb"\n\s+")
KEEPS_SPACES = re.compile(rb"<(?:pre|textarea)\b")  # and what is inside means something
TAKES_BROTLI = re.compile(r"\bbr\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))")
KINDS = ("text/html", "image/svg+xml")
QUALITY = 5  # a sixth smaller than gzip in about its time


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses pages, with a guard against BREACH: random bytes in each answer.

    Nothing else: JSON has ETags that clients send back, a compressed stream would be held up, and
    static files are compressed already.
    """

    async_capable = False  # as what is around it, or each page would change threads for it

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """The answer, compressed if it is one of `KINDS` and the browser takes that."""
        kind = response.headers.get("Content-Type", "")
        if not isinstance(response, HttpResponse) or not kind.startswith(KINDS):
            return response
        if not response.content.startswith(b"<!doctype html>"):
            return super().process_response(request, response)
        if not KEEPS_SPACES.search(response.content):
            response.content = INDENTATION.sub(b"\n", response.content)
        accepted = request.headers.get("Accept-Encoding", "")
        if TAKES_BROTLI.search(accepted) and "Content-Encoding" not in response.headers:
            response.content = brotli.compress(response.content + self._guard(), quality=QUALITY)
            response.headers["Content-Encoding"] = "br"
            patch_vary_headers(response, ("Accept-Encoding",))
        response.headers["Content-Length"] = str(len(response.content))
        return super().process_response(request, response)

    def _guard(self) -> bytes:
        """A comment of random length, as the name that Django's gzip gives its file."""
        return b"<!--%s-->" % secrets.token_hex(secrets.randbelow(self.max_random_bytes)).encode()
