"""Events as syslog (RFC 5424), over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425)."""

import json
import socket
from collections.abc import Sequence
from ipaddress import ip_address

import httpcore2

from connections import conf
from connections.audit.services import StreamTarget
from connections.models import AuditEvent, Outcome
from providers.http.allowance import Allowance
from providers.http.backends import GuardedBackend
from providers.http.egress import trusted_authorities

from ..documents import moment, whole_document

FACILITY, NOTICE, WARNING = 13, 5, 4  # log audit
SECONDS = 10.0
LARGEST_DATAGRAM = 60_000  # bytes; what is longer goes without the body
NIL = "-"


def message_of(event: AuditEvent, largest: int | None = None) -> bytes:
    """One event as a message of syslog, whose text is the JSON document of it."""
    severity = NOTICE if event.outcome == Outcome.DONE else WARNING
    words = (moment(event.at), _word(event.instance, 255), "switchboard", NIL)
    head = f"<{FACILITY * 8 + severity}>1 {' '.join(words)} {_word(event.action, 32)} {NIL} "
    document = whole_document(event)
    text = json.dumps(document, ensure_ascii=False)
    found = head.encode() + b"\xef\xbb\xbf" + text.encode()
    if largest is not None and len(found) > largest:
        text = json.dumps(document | {"body": {"cut": True}}, ensure_ascii=False)
        found = head.encode() + b"\xef\xbb\xbf" + text.encode()
    return found


def _word(text: str, longest: int) -> str:
    """A word of the head: printable ASCII without blanks."""
    return "".join(one for one in text if "!" <= one <= "~")[:longest] or NIL


def send_datagrams(target: StreamTarget, events: Sequence[AuditEvent]) -> None:
    """Sends each event in a datagram; whether it arrives nobody knows. Raises OSError,
    BlockedAddress.
    """
    policy, host = conf.egress(), target.parts.hostname or ""
    policy.refuse_name(host)
    rows = socket.getaddrinfo(host, target.port, type=socket.SOCK_DGRAM)
    for row in rows:
        policy.refuse_address(host, ip_address(str(row[4][0]).partition("%")[0]))
    family, kind, protocol, _name, address = rows[0]
    with socket.socket(family, kind, protocol) as one:
        one.settimeout(SECONDS)
        for event in events:
            one.sendto(message_of(event, LARGEST_DATAGRAM), address)


def send_stream(target: StreamTarget, events: Sequence[AuditEvent]) -> None:
    """Sends the events over one connection, each with its length before it, and waits until the
    other side has closed it too. Raises OSError, BlockedAddress, the errors of httpcore2.
    """
    backend = GuardedBackend(conf.egress(), Allowance(3 * SECONDS, LARGEST_DATAGRAM))
    host = target.parts.hostname or ""
    stream = backend.connect_tcp(host, target.port, SECONDS)
    try:
        if target.kind == "syslog+tls":
            stream = stream.start_tls(trusted_authorities(), host, SECONDS)
        for event in events:
            message = message_of(event)
            stream.write(f"{len(message)} ".encode() + message, SECONDS)
        _end(stream)
    finally:
        stream.close()


def _end(stream: httpcore2.NetworkStream) -> None:
    """Says that no more comes, and waits for the other side to have read it: a connection that is
    cut off meanwhile is an error, so that the events are sent again. A side that just stays
    connected has them as far as anybody can know.
    """
    stream.get_extra_info("socket").shutdown(socket.SHUT_WR)
    try:
        while stream.read(4096, SECONDS):
            pass
    except httpcore2.ReadTimeout:
        return
