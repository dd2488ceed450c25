"""Settings of drf-spectacular, which writes the OpenAPI document."""

from typing import Any

from connections.references import State
from providers.core.version import version

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Switchboard",
    "DESCRIPTION": "Connections to AI services and the profiles that use them. "
    "A stored secret is never answered, only its mask. "
    "Beside this API, `/v1` speaks OpenAI's protocol "
    "(`/v1/chat/completions`, `/v1/embeddings`, `/v1/models`) "
    "with the same tokens; "
    "the model is a profile's alias. "
    "The documents of this server tell the rest: [the gateway](/docs/gateway/), "
    "[every error with its cure](/docs/errors/).",
    # who answers for an installation is known to it alone
    "CONTACT": {"name": "The administrators of this installation"},
    "VERSION": version(),
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["connections.api.authentication.AccessPermission"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_INSERT": "",
    "COMPONENT_SPLIT_REQUEST": False,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "Capability": ["Chat", "Embedding"],
        "ReferenceState": [str(state) for state in State],
        "TokenState": ["active", "expired", "revoked"],
        "SettingKind": ["text", "integer", "number", "boolean", "choice", "headers"],
    },
    "PREPROCESSING_HOOKS": ["connections.api.openapi.only_v1"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "connections.api.components.complete_components",
        "connections.api.openapi.complete_operations",
        "gateway.api.openapi.add_v1",
        "connections.api.openapi.suit_generators",
    ],
}
