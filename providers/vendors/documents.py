"""Documents in messages: OpenAI's part `file`, read for vendors with words of their own for it.

{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,..."}}:
https://developers.openai.com/api/docs/guides/pdf-files
"""

import base64
import binascii
import mimetypes
import re
from dataclasses import dataclass, field
from typing import Any

from ..core.messages import Unsupported

DATA = re.compile(r"data:(?P<kind>[^;,]+)(?:;[^,]*?)?;base64,", re.ASCII)
PDF = "application/pdf"


@dataclass(frozen=True)
class Document:
    """A document that came along: `data` are its bytes, `kind` its media type, without parameters.

    One behind an address has `url` instead of `data`.
    """

    name: str
    kind: str
    data: bytes = field(default=b"", repr=False)
    url: str = ""

    @property
    def base64(self) -> str:
        """The bytes in base64."""
        return base64.b64encode(self.data).decode()


def document_in(part: Any, whose: str) -> Document | None:
    """The document of a part, None for a part of another kind. `whose`: the provider's name.

    Raises Unsupported for a file that is only named by an id, and for broken base64.
    """
    if getattr(part, "type", None) != "file":
        return None
    found = (part.model_extra or {}).get("file")
    given = found if isinstance(found, dict) else {}
    name, data = str(given.get("filename") or ""), given.get("file_data")
    if not isinstance(data, str) or not data:
        raise Unsupported(
            "file",
            f"{whose} knows no files of OpenAI's by their id. Send the file itself: file_data with "
            "data:application/pdf;base64,...",
        )
    if data.startswith(("https://", "http://")):
        return Document(name, _kind_by_name(data.partition("?")[0]), url=data)
    head = DATA.match(data)
    kind = head["kind"].lower() if head else _kind_by_name(name)
    try:
        content = base64.b64decode(data[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise Unsupported("file", "The file in file_data is not valid base64.") from None
    return Document(name, _kind_by_name(name) if "octet-stream" in kind else kind, content)


def _kind_by_name(name: str) -> str:
    return mimetypes.guess_type(name)[0] or PDF
