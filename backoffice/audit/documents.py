"""An event as a JSON document: of the API, of files, of the stream."""

import json
from datetime import UTC, datetime
from typing import Any

from connections.audit.services import Told, text_of
from connections.models import AuditEvent


def document_of(line: Told) -> dict[str, Any]:
    """An event as somebody may read it."""
    changes = [
        {"object": one.of, "field": one.field, "before": one.before, "after": one.after}
        for one in line.differences
    ]
    others = [{"kind": kind, "id": pk, "name": name} for kind, pk, name in line.others]
    parts = {"changes": changes, "others": others, "detail": dict(line.detail)}
    tokens = {"tokenId": line.token_id, "tokenName": line.token_name}
    return _columns(line.event, line.text) | tokens | parts


def whole_document(event: AuditEvent) -> dict[str, Any]:
    """All of an event, as it is hashed."""
    body = json.loads(event.body) if event.body else {}
    return _columns(event, text_of(event)) | {"body": body}


def _columns(event: AuditEvent, text: str) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": moment(event.at),
        "action": event.action,
        "text": text,
        "outcome": event.outcome,
        "code": event.code,
        "surface": event.surface,
        "instance": event.instance,
        "actorKind": event.actor_kind,
        "actorId": event.actor_id,
        "actorName": event.actor_name,
        "tokenKind": event.token_kind,
        "tokenId": event.token_id,
        "tokenName": event.token_name,
        "address": event.address,
        "requestId": event.request_id,
        "objectKind": event.object_kind,
        "objectId": event.object_id,
        "objectName": event.object_name,
        "teamId": event.team_id,
        "teamName": event.team_name,
        "chain": str(event.chain),
        "number": event.number,
        "digest": event.digest,
    }


def moment(when: datetime) -> str:
    """A time in UTC, to the microsecond, as the digest has it."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
