"""Components of the OpenAPI document: request bodies for each provider and each capability."""

import re
from collections.abc import Callable
from typing import Any

from providers.core.base import Capability, Provider
from providers.core.registry import all_providers, is_built_in

from ..offers import offered_providers
from ..profile_settings import profile_fields, profile_settings_class
from .authentication import may_see_connections
from .camelcase import camel, decapitalized
from .codes import error_codes
from .settings_schema import SHARED, new_settings

OPTIONAL = frozenset({"next", "warnings"})
IGNORED = "Ignored: an answer may be sent back as it is."
TEMPLATE = r"^([^{}\x00]|\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*\})*$"
AT = "#/components/schemas/"
CHANGE: dict[str, Any] = {
    "type": "object",
    "title": "Changed settings",
    "description": (
        "Settings of the connection's provider, by the names that `GET /providers/{providerId}` "
        "tells. A secret that is left out, empty or sent as its mask is kept; null clears it."
    ),
    "additionalProperties": True,
}
CODE: dict[str, Any] = {
    "type": "string",
    "title": "Code of an error",
    "description": (
        "The cause as one word that stays the same between versions. `/docs/errors/` of a server "
        "has each with its cause, an example and its cure."
    ),
}
# bodies that name a row, and that no answer comes back as
NO_ANSWERS = (
    *("DuplicateRequest", "AliasRequest", "NoticeTargetCreate", "NoticeTargetPatch"),
    *("TokenCreate", "ServiceAccountCreate", "TrustedIssuerCreate", "TrustedIssuerPatch"),
    *("IssuerRuleCreate", "IssuerRulePatch", "TokenTrialRequest"),
    *("TeamRequest", "TeamMoveRequest", "MemberRequest", "ShareRequest"),
    *("ReferenceSectionRequest", "VersionPatch", "RestoreRequest", "DeletedRestoreRequest"),
)

Schema = dict[str, Any]

_registered: list[Callable[[], dict[str, Schema]]] = []


def register_components(make: Callable[[], dict[str, Schema]]) -> None:
    """Let a room add components that no serializer and no provider describes, by their names."""
    _registered.append(make)


def complete_components(result: Schema, request: Any = None, **_kwargs: Any) -> Schema:
    """A postprocessing hook: adds the bodies that depend on a provider or a capability, refuses
    unknown fields, and requires every field of an answer but those that are not always there.
    """
    schemas: dict[str, Schema] = result["components"]["schemas"]
    for name, schema in schemas.items():
        if not name.endswith(("Create", "Update", "Patch", "Request")) and name not in (
            "Problem",
            "Dependent",
        ):
            always = sorted({*schema.get("properties", ())} - OPTIONAL)
            schema |= {"required": always} if always else {}
    for name in [one for one in schemas if one.endswith(("Create", "Update", "Patch", "Request"))]:
        more = ("warnings",) if name.startswith(("Connection", "Profile")) else ()
        may_be_answer = name not in NO_ANSWERS
        _close(schemas[name], may_be_answer, more)
    schemas["ModelReference"]["additionalProperties"] = False
    schemas |= SHARED | {"ErrorCode": CODE | {"enum": sorted(error_codes())}}
    _add_profiles(schemas)
    _add_connections(schemas, told_providers(request))
    for make in _registered:
        schemas |= make()
    result["components"] = {"schemas": dict(sorted(schemas.items()))}
    return result


def _close(schema: Schema, may_be_answer: bool, more: tuple[str, ...]) -> None:
    """Refuse unknown fields. Where a whole row is sent, the fields that only answers have may come
    back.
    """
    if may_be_answer and {"alias", "name"} & set(schema["properties"]):
        schema["properties"] |= {
            name: {"description": IGNORED}
            for name in ("id", "version", "dateCreated", "dateModified", *more)
        }
    schema["additionalProperties"] = False


def _ref(name: str) -> Schema:
    return {"$ref": AT + name}


def _stem(provider: type[Provider[Any]]) -> str:
    return "".join(part.capitalize() for part in re.split(r"[-.]", provider.id))


def _chosen_by(name: str, values: dict[str, str]) -> Schema:
    mapping = {value: AT + component for value, component in values.items()}
    return {
        "oneOf": [{"$ref": one} for one in mapping.values()],
        "discriminator": {"propertyName": name, "mapping": mapping},
    }


def told_providers(request: Any) -> list[type[Provider[Any]]]:
    """Those that whoever asks for the document may choose. Who may not see connections, or nobody,
    is told nothing of this installation's own types.
    """
    if request is not None and may_see_connections(request):
        return offered_providers()
    return [one for one in all_providers() if is_built_in(one.id)]


def _add_connections(schemas: dict[str, Schema], providers: list[type[Provider[Any]]]) -> None:
    """Split ConnectionCreate by `providerId`. The bodies of a change and of a test need not name
    one, and clients that are generated from a union without a discriminator drop what its first
    member lacks.
    """
    create, test = schemas.pop("ConnectionCreate"), schemas["ConnectionTestRequest"]
    for provider in providers:
        stem = _stem(provider)
        schemas[f"{stem}Settings"] = new_settings(provider, AT)
        schemas[f"{stem}Connection"] = _new_connection(provider, create)
    stems = {provider.id: _stem(provider) for provider in providers}
    schemas["SettingsChange"] = CHANGE
    changes = _ref("SettingsChange")
    schemas["ConnectionCreate"] = _chosen_by(
        "providerId", {key: f"{stem}Connection" for key, stem in stems.items()}
    )
    schemas["ConnectionTestRequest"] = test | {
        "properties": test["properties"] | {"settings": changes}
    }
    for name in ("ConnectionUpdate", "ConnectionPatch"):
        schemas[name]["properties"]["settings"] = changes


def _new_connection(provider: type[Provider[Any]], base: Schema) -> Schema:
    settings: Schema = _ref(f"{_stem(provider)}Settings")
    required = ["alias", "name", "providerId"]
    must = new_settings(provider, AT)
    if "required" in must or "allOf" in must:
        required.append("settings")
    else:
        settings = {"anyOf": [settings, {"type": "null"}]}
    named = {"providerId": {"type": "string", "enum": [provider.id]}, "settings": settings}
    return base | {
        "title": f"{provider.name} connection",
        "properties": base["properties"] | named,
        "required": required,
    }


def _add_profiles(schemas: dict[str, Schema]) -> None:
    """Split ProfileCreate by `capability`. The settings of a change are told apart by `$type`."""
    create = schemas.pop("ProfileCreate")
    for capability in Capability:
        name = f"{capability.value}Settings"
        schemas[name] = _profile_settings(capability)
        settings = {"anyOf": [_ref(name), {"type": "null"}]}
        own = {"capability": {"type": "string", "enum": [capability.value]}, "settings": settings}
        schemas[f"{capability.value}Profile"] = create | {
            "title": f"{capability.value} profile",
            "properties": create["properties"] | own,
        }
    kinds = {decapitalized(one.value): f"{one.value}Settings" for one in Capability}
    either = _chosen_by("$type", kinds)
    schemas["ProfileCreate"] = _chosen_by(
        "capability", {one.value: f"{one.value}Profile" for one in Capability}
    )
    schemas["Profile"]["properties"]["settings"] = either
    for name in ("ProfileUpdate", "ProfilePatch"):
        schemas[name]["properties"]["settings"] = {"anyOf": [either, {"type": "null"}]}


def _profile_settings(capability: Capability) -> Schema:
    kind = {"type": "string", "enum": [decapitalized(capability.value)]}
    properties: dict[str, Schema] = {"$type": kind}
    read = profile_settings_class(capability).model_json_schema()["properties"]
    for name, field in profile_fields(capability).items():
        either = read[name].get("anyOf") or [{"type": read[name]["type"]}]
        typed = next(one for one in either if one["type"] != "null")
        typed |= {"pattern": TEMPLATE} if name == "system_prompt_template" else {}
        unset = f" null: {field.unset}. An empty list: nothing." if field.unset else ""
        properties[camel(name)] = {
            "title": field.label,
            "description": field.help + unset,
            "anyOf": [typed, _ref("NotSet")],
        }
    title = f"{capability.value} settings"
    return {
        "type": "object",
        "title": title,
        "additionalProperties": False,
        "properties": properties,
        "required": ["$type"],  # it tells the unions of settings apart
    }
