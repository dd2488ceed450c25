"""What a schema cannot say, because it depends on what is stored or set up: which references are
allowed, which rows there are.
"""

import os
import re
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

from connections.api.settings_schema import SHARED
from connections.packages.format.sealing import LONGEST, SHORTEST
from connections.profile_settings import MOST_TOKENS

from .serving import Served

REFERENCE = re.compile(r"\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CONDITION = re.compile(r'(W/)?"[^"]*"( *, *(W/)?"[^"]*")*')
FRAMING = (
    "transfer-encoding",
    "content-length",
    "connection",
    "expect",
    "host",
    "upgrade",
)  # read by gunicorn, before the API
TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt].*)?", re.DOTALL)
ALIAS, NUMBERS = re.compile("[a-z0-9]+(-[a-z0-9]+)*"), count()
TEXT = re.compile(SHARED["Text"]["pattern"])
SECRET = re.compile(SHARED["SecretEntry"]["pattern"])
ALLOWED = "$OpenAI:Organization"  # any other would have to be set aside by a setting first
MOST_FALLBACKS = 10
MODEL = {"providerId": "echo", "modelId": "echo"}
GATEWAY = {
    f"{verb}Chat{by}": "rehearsal" for verb in ("complete", "stream") for by in ("", "ByProfile")
}
GATEWAY |= {f"generateEmbeddings{by}": "rehearsal-search" for by in ("", "ByProfile")}
served = Served(os.environ["FUZZ_URL"], os.environ["FUZZ_TOKEN"], Path(os.devnull))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Where a case names something by a well-formed id or reference, lets it name what is there;
    everything else stays as it is.
    """
    case.body = _with_allowed_references(case.body)
    for name in [one for one in case.headers or {} if one.lower() in FRAMING]:
        del case.headers[name]
    _let_half_of_the_conditions_hold(case)
    _let_the_period_hold(case)
    _begin_at_the_start(case)
    name = case.operation.definition.raw.get("operationId")
    if name in GATEWAY:
        _ask_the_rehearsal(case, GATEWAY[name])
    change = CHANGES.get(name)
    if change and isinstance(case.body, dict):
        change(case.body)
        _free_alias(case.body)
        _leave_teams(case.body)


def _let_half_of_the_conditions_hold(case: Any) -> None:
    """A made-up version never is the current one, and 412 would hide what comes after it."""
    condition = (case.headers or {}).get("If-Match", "")
    if len(condition) % 2 and CONDITION.fullmatch(condition):
        case.headers["If-Match"] = "*"


def _let_the_period_hold(case: Any) -> None:
    """No schema can say that one time is before another, within a week of it and within the years
    that Python knows, and which time zones there are.
    """
    query = case.query or {}
    if isinstance(query.get("timeZone"), str) and "\x00" not in query["timeZone"]:
        query["timeZone"] = "Europe/Berlin"
    if all(
        isinstance(query.get(name), str) and TIME.fullmatch(query[name]) for name in ("from", "to")
    ):
        query["from"], query["to"] = "2026-01-01", "2026-01-02"


def _begin_at_the_start(case: Any) -> None:
    """No schema can say what a cursor is: only a list makes one."""
    query = case.query or {}
    if isinstance(query.get("after"), str) and "\x00" not in query["after"]:
        del query["after"]


def _ask_the_rehearsal(case: Any, alias: str) -> None:
    """A profile that needs no network.

    A made-up name is a 404, which would hide what comes after it.
    """
    if (case.path_parameters or {}).get("profileIdOrAlias"):
        case.path_parameters["profileIdOrAlias"] = alias
    else:
        case.headers = {**(case.headers or {}), "profileIdOrAlias": alias}


def _with_allowed_references(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_allowed_references(inner) for name, inner in value.items()}
    return ALLOWED if isinstance(value, str) and REFERENCE.fullmatch(value) else value


def _is_name(value: Any) -> bool:
    """True for what may be an id or an alias."""
    return isinstance(value, str) and 0 < len(value.strip()) <= 100 and "\x00" not in value


def _is_id(body: dict[str, Any], name: str) -> bool:
    return isinstance(body.get(name), str) and UUID.fullmatch(body[name]) is not None


def _free_alias(body: dict[str, Any]) -> None:
    """A taken alias is a conflict, whatever else is wrong with the body or right with it."""
    if (
        isinstance(body.get("alias"), str)
        and len(body["alias"]) <= 90
        and ALIAS.fullmatch(body["alias"])
    ):
        body["alias"] += f"-{next(NUMBERS)}"


def _leave_teams(body: dict[str, Any]) -> None:
    """Which teams there are is in no schema: a name that could be one's is left out."""
    if isinstance(body.get("team"), str) and 0 < len(body["team"].strip()) <= 60:
        del body["team"]


def _name_connection(body: dict[str, Any]) -> None:
    if _is_name(body.get("connectionId")):
        body["connectionId"] = _connection()
    model = body.get("model")
    if (
        isinstance(model, dict)
        and isinstance(model.get("providerId"), str)
        and 0 < len(model["providerId"].strip()) <= 100
    ):
        body["model"] = model | {"providerId": "echo"}


def _complete_profile(body: dict[str, Any]) -> None:
    """A connection and fallbacks that are there, and a limit that is not below the length it
    limits.
    """
    _name_connection(body)
    ids, capability = body.get("fallbackProfileIds"), body.get("capability")
    if isinstance(ids, list) and 0 < len(ids) <= MOST_FALLBACKS and all(map(_is_name, ids)):
        body["fallbackProfileIds"] = (
            [_profile(capability)] if capability in ("Chat", "Embedding") else []
        )
    settings = body.get("settings")
    tokens = (
        [settings.get(name) for name in ("maxTokens", "maxTokensLimit")]
        if isinstance(settings, dict)
        else []
    )
    if tokens and all(type(one) is int and 1 <= one <= MOST_TOKENS for one in tokens):
        settings["maxTokensLimit"] = max(settings["maxTokens"], settings["maxTokensLimit"])


def _name_profiles(body: dict[str, Any]) -> None:
    for capability in ("Chat", "Embedding"):
        if _is_id(body, f"default{capability}ProfileId"):
            body[f"default{capability}ProfileId"] = _profile(capability)


def _complete_entra(body: dict[str, Any]) -> None:
    """Azure's own two rules: what a tenant looks like, and that three settings belong together."""
    settings = body.get("settings")
    entra = ("azure-openai", "microsoft-foundry", "azure-ai-search", "azure-ai-services")
    if body.get("providerId") not in entra or not isinstance(settings, dict):
        return
    if isinstance(settings.get("tenantId"), str) and TEXT.search(settings["tenantId"]):
        settings["tenantId"] = "contoso.onmicrosoft.com"
    if settings.get("authMode") == "meid_token":
        given = {name: settings.get(name) for name in ("tenantId", "clientId", "clientSecret")}
        empty = [
            name
            for name, one in given.items()
            if one is None or (isinstance(one, str) and not one.strip())
        ]
        settings |= dict.fromkeys(empty, ALLOWED)


def _complete_custom(body: dict[str, Any]) -> None:
    """The rule of custom connections: an entry at least, and no key in both maps."""
    if body.get("providerId") != "custom":
        return
    settings = {} if body.get("settings") is None else body["settings"]
    maps = (
        [settings.get(name) for name in ("configs", "secrets")]
        if isinstance(settings, dict)
        else ["none"]
    )
    if any(one not in (None, "") and not isinstance(one, dict) for one in maps):
        return
    configs, secrets = [one or {} for one in maps]
    for key in configs.keys() & secrets.keys():
        del configs[key]
    if not any(value is not None for one in (configs, secrets) for value in one.values()):
        body["settings"] = settings | {"configs": configs | {"made-up": "1"}}


def _complete_settings(body: dict[str, Any]) -> None:
    _complete_entra(body)
    _complete_custom(body)
    _complete_service_account(body)


def _complete_service_account(body: dict[str, Any]) -> None:
    """Which texts are JSON is in no schema. What it forbids otherwise stays."""
    settings = body.get("settings")
    if not isinstance(settings, dict):
        return
    given = settings.get("serviceAccount")
    if isinstance(given, str) and given != ALLOWED and SECRET.fullmatch(given):
        settings["serviceAccount"] = "{}"


def _vary_passphrase(body: dict[str, Any]) -> None:
    """The rule of passphrases: not the same few characters again and again."""
    if (
        isinstance(body.get("passphrase"), str)
        and SHORTEST <= len(body["passphrase"]) <= LONGEST
        and "\x00" not in body["passphrase"]
    ):
        body["passphrase"] = "correct horse battery"


def _connection() -> str:
    """The id of a connection that every profile can use; other cases may have deleted the last
    one.
    """
    found = served.ask("GET", "/connections?providerId=echo&take=1")["items"]
    row = (
        found[0]
        if found
        else served.ask(
            "POST", "/connections", {"alias": "for-profiles", "name": "Echo", "providerId": "echo"}
        )
    )
    return str(row["id"])


def _profile(capability: str) -> str:
    """The id of a profile of this capability."""
    found = served.ask("GET", f"/profiles?capability={capability}&take=1")["items"]
    new = {
        "alias": f"default-{capability.lower()}",
        "name": "Default",
        "capability": capability,
        "model": MODEL,
    }
    row = (
        found[0]
        if found
        else served.ask("POST", "/profiles", new | {"connectionId": _connection()})
    )
    return str(row["id"])


CHANGES = {
    "createConnection": _complete_settings,
    "testConnectionSettings": _complete_settings,
    "createProfile": _complete_profile,
    "exportPackage": _vary_passphrase,
    "updateSettings": _name_profiles,
}
