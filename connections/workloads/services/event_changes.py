"""The changes of issuers and their rules, as events of the audit tell them."""

import json
from collections.abc import Mapping
from typing import Any

from connections.audit.services import Change


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The values that are not as they were, by name."""
    changed = [name for name in before if before[name] != after[name]]
    return [(name, _text(before[name]), _text(after[name])) for name in changed]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
