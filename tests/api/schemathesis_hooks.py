"""What a schema cannot say, because it depends on what is stored or set up: which references are allowed, which rows there are."""

import os
import re
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

from connections.api.settings_schema import SHARED
from tests.api.serving import Served

REFERENCE = re.compile(r"\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CONDITION = re.compile(r'(W/)?"[^"]*"( *, *(W/)?"[^"]*")*')
FRAMING = ("transfer-encoding", "content-length", "connection", "expect", "host", "upgrade")  # read by gunicorn, before the API
ALIAS, NUMBERS = re.compile("[a-z0-9]+(-[a-z0-9]+)*"), count()
TEXT = re.compile(SHARED["Text"]["pattern"])
ALLOWED = "$OpenAI:Fuzz"  # any other section would have to be set aside by a setting first
MODEL = {"providerId": "echo", "modelId": "echo"}
served = Served(os.environ["FUZZ_URL"], os.environ["FUZZ_TOKEN"], Path(os.devnull))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Where a case names something by a well-formed id or reference, lets it name what is there; everything else stays as it is."""
    case.body = _with_allowed_references(case.body)
    for name in [one for one in case.headers or {} if one.lower() in FRAMING]:
        del case.headers[name]
    _let_half_of_the_conditions_hold(case)
    change = CHANGES.get(case.operation.definition.raw.get("operationId"))
    if change and isinstance(case.body, dict):
        change(case.body)
        _free_alias(case.body)


def _let_half_of_the_conditions_hold(case: Any) -> None:
    """A made-up version never is the current one, and 412 would hide what comes after it."""
    condition = (case.headers or {}).get("If-Match", "")
    if len(condition) % 2 and CONDITION.fullmatch(condition):
        case.headers["If-Match"] = "*"


def _with_allowed_references(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_allowed_references(inner) for name, inner in value.items()}
    return ALLOWED if isinstance(value, str) and REFERENCE.fullmatch(value) else value


def _is_id(body: dict[str, Any], name: str) -> bool:
    return isinstance(body.get(name), str) and UUID.fullmatch(body[name]) is not None


def _free_alias(body: dict[str, Any]) -> None:
    """A taken alias is a conflict, whatever else is wrong with the body or right with it."""
    if isinstance(body.get("alias"), str) and len(body["alias"]) <= 90 and ALIAS.fullmatch(body["alias"]):
        body["alias"] += f"-{next(NUMBERS)}"


def _name_connection(body: dict[str, Any]) -> None:
    if _is_id(body, "connectionId"):
        body["connectionId"] = _connection()
    model = body.get("model")
    if isinstance(model, dict) and isinstance(model.get("providerId"), str) and 0 < len(model["providerId"].strip()) <= 100:
        body["model"] = model | {"providerId": "echo"}


def _name_profiles(body: dict[str, Any]) -> None:
    for capability in ("Chat", "Embedding"):
        if _is_id(body, f"default{capability}ProfileId"):
            body[f"default{capability}ProfileId"] = _profile(capability)


def _complete_entra(body: dict[str, Any]) -> None:
    """Azure's own two rules: what a tenant looks like, and that three settings belong together."""
    settings = body.get("settings")
    if body.get("providerId") not in ("azure-openai", "microsoft-foundry") or not isinstance(settings, dict):
        return
    if isinstance(settings.get("tenantId"), str) and TEXT.search(settings["tenantId"]):
        settings["tenantId"] = "contoso.onmicrosoft.com"
    if settings.get("authMode") == "meid_token":
        empty = [name for name in ("tenantId", "clientId", "clientSecret") if settings.get(name) in (None, "")]
        settings |= dict.fromkeys(empty, ALLOWED)


def _connection() -> str:
    """The id of a connection that every profile can use; other cases may have deleted the last one."""
    found = served.ask("GET", "/connections?providerId=echo&take=1")["items"]
    row = found[0] if found else served.ask("POST", "/connections", {"alias": "for-profiles", "name": "Echo", "providerId": "echo"})
    return str(row["id"])


def _profile(capability: str) -> str:
    """The id of a profile of this capability."""
    found = served.ask("GET", f"/profiles?capability={capability}&take=1")["items"]
    new = {"alias": f"default-{capability.lower()}", "name": "Default", "capability": capability, "model": MODEL}
    row = found[0] if found else served.ask("POST", "/profiles", new | {"connectionId": _connection()})
    return str(row["id"])


CHANGES = {
    "createConnection": _complete_entra,
    "testConnectionSettings": _complete_entra,
    "createProfile": _name_connection,
    "updateSettings": _name_profiles,
}
