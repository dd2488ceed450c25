"""What a schema cannot say, because it depends on what is stored or set up: which references are allowed, which rows there are."""

import os
import re
from typing import Any

import schemathesis

from connections.api.settings_schema import SHARED
from tests.api.serving import Path, Served

REFERENCE = re.compile(SHARED["ReferenceText"]["pattern"].replace("$", r"\Z") if False else r"\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+")
ALLOWED = "$OpenAI:Fuzz"  # any other section would have to be set aside by a setting first
served = Served(os.environ["FUZZ_URL"], os.environ["FUZZ_TOKEN"], Path(os.devnull))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Lets references name a section that may be named, and new profiles a connection that is there."""
    case.body = _with_allowed_references(case.body)
    if case.operation.definition.raw.get("operationId") == "createProfile" and isinstance(case.body, dict):
        _name_existing_connection(case.body)


def _with_allowed_references(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_allowed_references(inner) for name, inner in value.items()}
    return ALLOWED if isinstance(value, str) and REFERENCE.fullmatch(value) else value


def _name_existing_connection(body: dict[str, Any]) -> None:
    if _is_uuid(body.get("connectionId")):
        body["connectionId"] = _echo_connection()
    model = body.get("model")
    if isinstance(model, dict) and isinstance(model.get("providerId"), str) and 0 < len(model["providerId"]) <= 100:
        body["model"] = model | {"providerId": "echo"}


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) is not None


def _echo_connection() -> str:
    """The id of a connection that profiles can use; other cases may have deleted the last one."""
    found = served.ask("GET", "/connections?providerId=echo&take=1")["items"]
    row = found[0] if found else served.ask("POST", "/connections", {"alias": "for-profiles", "name": "Echo", "providerId": "echo"})
    return str(row["id"])
