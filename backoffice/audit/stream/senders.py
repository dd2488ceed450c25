"""Sends a batch of events to a target. Each sender takes some seconds at most."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import httpcore2
from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import StreamTarget
from connections.models import AuditEvent
from gateway.notices.services import Message, NotSent, send_webhook
from providers.core.errors import BlockedAddress

from ..documents import whole_document
from .syslog import send_datagrams, send_stream

TYPE = "switchboard.audit.v1"


@sensitive_variables()
def send(target: StreamTarget, events: Sequence[AuditEvent]) -> None:
    """Sends the events, in their order. Raises NotSent with a sentence without secrets."""
    try:
        if target.kind in ("https", "http"):
            _post(target, events)
        elif target.kind == "file":
            _append(Path(target.parts.path), events)
        elif target.kind == "syslog+udp":
            send_datagrams(target, events)
        else:
            send_stream(target, events)
    except BlockedAddress as refused:
        raise NotSent(str(refused)) from None
    except (OSError, httpcore2.NetworkError, httpcore2.TimeoutException) as error:
        text = _("It cannot be reached (%(error)s).") % {"error": type(error).__name__}
        raise NotSent(text) from None


@sensitive_variables()
def _post(target: StreamTarget, events: Sequence[AuditEvent]) -> None:
    documents = [whole_document(one) for one in events]
    key = sha256("".join(one.digest for one in events).encode()).hexdigest()[:32]
    data = {"type": TYPE, "events": documents}
    url = target.parts._replace(fragment="").geturl()
    send_webhook(url, settings.AUDIT_STREAM_SECRET, Message(f"audit_{key}", "", "", data))


def _append(path: Path, events: Sequence[AuditEvent]) -> None:
    lines = "".join(json.dumps(whole_document(one), ensure_ascii=False) + "\n" for one in events)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())
