"""The types that Umbraco.AI's client declares, as far as these tests meet them. A name with a
question mark may be missing or null; what is declared beside them is no error.
"""

from typing import Any

Shape = dict[str, Any]

MODEL_REF: Shape = {"providerId": str, "modelId": str}
MODEL: Shape = {"model": MODEL_REF, "name": str, "metadata?": {str: str}}
ITEM: Shape = {"id": str, "alias": str, "name": str, "dateCreated": str, "dateModified": str}
CONNECTION_ITEM = ITEM | {"providerId": str, "isActive": bool, "version": int}
CONNECTION = CONNECTION_ITEM | {"settings?": {str: object}}
TEST: Shape = {"success": bool, "errorMessage?": str}
PROVIDER_ITEM: Shape = {"id": str, "name": str, "capabilities": [str]}
FIELD: Shape = {
    "key": str,
    "label": str,
    "description?": str,
    "editorUiAlias?": str,
    "editorConfig?": object,
    "defaultValue?": object,
    "sortOrder": int,
    "isRequired": bool,
    "group?": str,
}
PROVIDER = PROVIDER_ITEM | {"settingsSchema?": {"type?": str, "fields": [FIELD]}}
PROFILE_ITEM = ITEM | {"capability": str, "model?": MODEL_REF}
CHAT_SETTINGS: Shape = {
    "$type": str,
    "temperature?": float,
    "maxTokens?": int,
    "systemPromptTemplate?": str,
    "contextIds": [str],
    "guardrailIds": [str],
}
PROFILE = PROFILE_ITEM | {"connectionId": str, "tags": [str], "version": int}
CHAT_PROFILE = PROFILE | {"settings?": CHAT_SETTINGS}
EMBEDDING_PROFILE = PROFILE | {"settings?": {"$type": str, "dimensions?": int}}
SETTINGS: Shape = {
    "defaultChatProfileId?": str,
    "defaultEmbeddingProfileId?": str,
    "classifierChatProfileId?": str,
    "defaultSpeechToTextProfileId?": str,
}
AUDIT_ITEM: Shape = {
    "id": str,
    "startTime": str,
    "durationMs?": int,
    "status": str,
    "userId": str,
    "userName?": str,
    "entityId?": str,
    "capability": str,
    "profileId": str,
    "profileAlias": str,
    "profileVersion": int,
    "providerId": str,
    "modelId": str,
    "featureType?": str,
    "featureId?": str,
    "featureVersion?": int,
    "parentAuditLogId?": str,
    "inputTokens?": int,
    "outputTokens?": int,
    "errorMessage?": str,
}
AUDIT_DETAIL = AUDIT_ITEM | {
    "endTime?": str,
    "entityType?": str,
    "errorCategory?": str,
    "totalTokens?": int,
    "promptSnapshot?": str,
    "responseSnapshot?": str,
    "metadata?": [{"key?": str, "value?": str}],
}
VERSION: Shape = {
    "id": str,
    "entityId": str,
    "version": int,
    "dateCreated": str,
    "createdByUserId?": str,
    "createdByUserName?": str,
    "changeDescription?": str,
}
VERSIONS: Shape = {"currentVersion": int, "totalVersions": int, "versions": [VERSION]}
COMPARISON: Shape = {
    "fromVersion": int,
    "toVersion": int,
    "changes": [{"path": str, "oldValue?": str, "newValue?": str}],
}
PROBLEM: Shape = {"type?": str, "title?": str, "status?": int, "detail?": str, "instance?": str}


def page(item: Any) -> Shape:
    """A page of such items."""
    return {"total": int, "items": [item]}


def misfit(value: Any, shape: Any, at: str = "") -> list[str]:
    """The places where a value is not as declared."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: {value!r} is not a list"]
        return [
            one for n, inner in enumerate(value) for one in misfit(inner, shape[0], f"{at}/{n}")
        ]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is not an object"]
        if str in shape:
            return [
                one for name in value for one in misfit(value[name], shape[str], f"{at}/{name}")
            ]
        return [one for name, inner in shape.items() for one in _member(value, name, inner, at)]
    kinds = (int, float) if shape is float else shape
    is_bool = isinstance(value, bool)
    fits = isinstance(value, kinds) and (is_bool <= (shape in (bool, object)))
    return [] if fits else [f"{at}: {value!r} is not {shape.__name__}"]


def _member(value: dict[str, Any], name: str, shape: Any, at: str) -> list[str]:
    plain = name.removesuffix("?")
    if name != plain and value.get(plain) is None:
        return []
    if plain not in value:
        return [f"{at}/{plain} is missing"]
    return misfit(value[plain], shape, f"{at}/{plain}")
