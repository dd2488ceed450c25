"""The targets to which events are streamed: the setting AUDIT_STREAM."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

FILE, WEBHOOK = "file", ("https", "http")
SYSLOG = ("syslog+udp", "syslog+tcp", "syslog+tls")
KINDS = (*WEBHOOK, *SYSLOG, FILE)
PORTS = {"syslog+udp": 514, "syslog+tcp": 601, "syslog+tls": 6514}


@dataclass(frozen=True)
class StreamTarget:
    """Where events go. `name`: what is shown of it, without secrets, and what its place is kept by.

    `url`: as it was set, which may hold a secret.
    """

    name: str
    kind: str
    url: str = field(repr=False)

    @property
    def parts(self) -> SplitResult:
        """The parts of the address."""
        return urlsplit(self.url)

    @property
    def port(self) -> int:
        """The port of syslog."""
        return self.parts.port or PORTS[self.kind]


def stream_targets() -> list[StreamTarget]:
    """The targets that are set. Raises ValueError with a sentence without secrets."""
    return read_targets(settings.AUDIT_STREAM)


def stream_names() -> list[str]:
    """The names of the targets that are set; none where the setting makes no sense, which the
    system checks say.
    """
    try:
        return [one.name for one in stream_targets()]
    except ValueError:
        return []


def read_targets(texts: Sequence[str]) -> list[StreamTarget]:
    """The targets that these addresses name. Raises ValueError as `stream_targets`."""
    found = [_target(number, text) for number, text in enumerate(texts, 1)]
    names = [one.name for one in found]
    twice = next((one for one in names if names.count(one) > 1), "")
    if twice:
        raise ValueError(
            f"AUDIT_STREAM has two targets {twice}. Give them names: #name at the end of each."
        )
    return found


def _target(number: int, text: str) -> StreamTarget:
    where = f"Target {number} of AUDIT_STREAM"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{where} is not an address.") from None
    if parts.scheme not in KINDS:
        raise ValueError(f"{where} begins with none of {', '.join(f'{one}://' for one in KINDS)}.")
    if parts.scheme == FILE and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError(f"{where} needs a whole path: file:///var/log/audit.jsonl.")
    if parts.scheme != FILE and not parts.hostname:
        raise ValueError(f"{where} names no host.")
    if parts.scheme in WEBHOOK and not settings.AUDIT_STREAM_SECRET:
        raise ValueError(f"{where} is a webhook, which AUDIT_STREAM_SECRET signs: set it.")
    bare = f"{parts.scheme}://{parts.hostname or ''}{f':{port}' if port else ''}"
    # a path may be a secret, as those of chats are; that of a file is none
    shown = f"{bare}{parts.path}" if parts.scheme == FILE else bare
    return StreamTarget(
        f"{shown}#{parts.fragment}" if parts.fragment else shown, parts.scheme, text
    )
