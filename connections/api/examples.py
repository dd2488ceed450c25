"""Examples of the OpenAPI document, by operation.

Every one of them is run as a test (tests/connections/api/test_openapi.py).
"""

from typing import Any

CONNECTION_ID, PROFILE_ID = (
    "7f1f4c1e-6f0b-4c8e-9d43-2a7c1b0d5e11",
    "0b9d9f3a-52d4-4b4e-8c3a-5f6e7d8c9b21",
)
FALLBACK_ID = "5a1e6f0c-9b1d-4f57-8a52-0d3c4b7e6f18"
CREATED, MODIFIED = "2026-01-15T09:30:00Z", "2026-02-01T14:05:00Z"
OPENAI_SETTINGS: dict[str, Any] = {
    "apiKey": "sk-***",
    "organization": None,
    "project": None,
    "baseUrl": None,
    "timeout": None,
    "maxRetries": None,
}
CONNECTION_ITEM: dict[str, Any] = {
    "id": CONNECTION_ID,
    "alias": "openai-production",
    "name": "OpenAI Production",
    "providerId": "openai",
    "isActive": True,
    "tags": ["production"],
    "version": 1,
    "dateCreated": CREATED,
    "dateModified": MODIFIED,
}
CONNECTION = CONNECTION_ITEM | {"settings": OPENAI_SETTINGS}
PROFILE_ITEM: dict[str, Any] = {
    "id": PROFILE_ID,
    "alias": "support-answers",
    "name": "Support answers",
    "capability": "Chat",
    "model": {"providerId": "openai", "modelId": "gpt-4o"},
    "connectionId": CONNECTION_ID,
    "isActive": True,
    "tags": [],
    "version": 1,
    "dateCreated": CREATED,
    "dateModified": MODIFIED,
}
CHAT_SETTINGS: dict[str, Any] = {
    "$type": "chat",
    "temperature": 0.2,
    "topP": None,
    "maxTokens": 800,
    "seed": None,
    "presencePenalty": None,
    "frequencyPenalty": None,
    "stop": ["END"],
    "systemPromptTemplate": "Answer in {language}.",
    "maxTokensLimit": 2000,
    "allowedOverrides": ["temperature", "max_tokens"],
    "fallbackOn": None,
}
PROFILE = PROFILE_ITEM | {"settings": CHAT_SETTINGS, "fallbackProfileIds": [FALLBACK_ID]}
NEW_PROFILE = {
    name: PROFILE[name]
    for name in (
        "alias",
        "name",
        "capability",
        "model",
        "connectionId",
        "settings",
        "fallbackProfileIds",
    )
}
PROVIDER_ITEM = {
    "id": "openai",
    "name": "OpenAI",
    "description": "GPT models and embeddings.",
    "category": "Model providers",
    "docsUrl": "https://platform.openai.com/docs",
    "capabilities": ["Chat", "Embedding"],
}
DEFAULTS = {"defaultChatProfileId": PROFILE_ID, "defaultEmbeddingProfileId": None}
TEST_PASSED = {
    "success": True,
    "errorMessage": None,
    "code": "ok",
    "latencyMs": 212,
    "modelCount": 84,
    "checkedAt": MODIFIED,
    "connectionVersion": 1,
}
TEST_FAILED = TEST_PASSED | {
    "success": False,
    "errorMessage": "api.openai.com does not accept the credentials. Enter a valid key.",
    "code": "unauthorized",
    "modelCount": None,
}
MODEL = {
    "id": "gpt-4o",
    "name": "gpt-4o",
    "capabilities": ["Chat"],
    "model": {"providerId": "openai", "modelId": "gpt-4o"},
}
REFERENCE = {
    "field": "apiKey",
    "reference": "$OpenAI:ApiKey",
    "state": "resolved",
    "source": "environment",
    "tried": ["environment"],
    "message": None,
}
USAGE = {
    "id": PROFILE_ID,
    "type": "profile",
    "alias": "support-answers",
    "name": "Support answers",
    "isDefault": True,
}
PROBLEM = {
    "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
    "title": "Bad Request",
    "status": 400,
    "detail": "The request is not valid. name: This field is required.",
    "instance": "/api/v1/connections",
    "code": "invalid",
    "errors": [{"pointer": "/name", "code": "required", "detail": "This field is required."}],
}

PACKAGE_ITEM = {
    "id": f"connection:{CONNECTION_ID}",
    "kind": "connection",
    "name": "OpenAI Production",
    "alias": "openai-production",
    "providerId": "openai",
    "state": "conflict",
    "action": "keep",
    "differences": ["Organization"],
    "missingSecrets": ["openai-production.api_key"],
    "choices": ["keep", "replace", "copy", "merge", "skip"],
    "notes": [],
    "rowId": CONNECTION_ID,
}
PACKAGE_PLAN = {
    "dryRun": True,
    "isNoop": True,
    "isSealed": False,
    "madeAt": CREATED,
    "items": [PACKAGE_ITEM],
    "placeholders": [
        {
            "name": "openai-production.api_key",
            "itemId": PACKAGE_ITEM["id"],
            "connection": "OpenAI Production",
            "setting": "API key",
        }
    ],
    "notes": [],
}
DECISIONS = (
    f'{{"items": {{"{PACKAGE_ITEM["id"]}": "replace"}}, "secrets": {{"openai-production.api_key": '
    '"$OpenAI:ApiKey"}}'
)

Examples = dict[str, tuple[str, Any]]  # name -> summary and value


def _page(item: Any) -> Examples:
    return {"page": ("One of one", {"total": 1, "items": [item]})}


REQUESTS: dict[str, Examples] = {
    "createConnection": {
        "key": (
            "With a key",
            {
                "alias": "openai-production",
                "name": "OpenAI Production",
                "providerId": "openai",
                "isActive": True,
                "tags": ["production"],
                "settings": {"apiKey": "sk-example-not-a-key", "organization": "org-example"},
            },
        ),
        "reference": (
            "With a reference instead of a key",
            {
                "alias": "openai-staging",
                "name": "OpenAI Staging",
                "providerId": "openai",
                "settings": {"apiKey": "$OpenAI:ApiKey"},
            },
        ),
        "ollama": (
            "Without credentials",
            {"alias": "ollama", "name": "Ollama", "providerId": "ollama"},
        ),
    },
    "updateConnection": {
        "key-kept": (
            "Rename and switch off; the key is kept, because its mask is sent back",
            {
                "name": "OpenAI (old)",
                "isActive": False,
                "settings": {"apiKey": "sk-***", "organization": "org-example"},
            },
        )
    },
    "patchConnection": {"off": ("Switch off", {"isActive": False})},
    "duplicateConnection": {
        "named": (
            "With a name and an alias of its own",
            {"name": "OpenAI Staging", "alias": "openai-staging"},
        ),
        "unnamed": ("Named after the original", {}),
    },
    "duplicateProfile": {
        "unnamed": ("Named after the original", {}),
        "named": ("With a name of its own", {"name": "Support, shorter"}),
    },
    "testConnectionSettings": {
        "echo": (
            "Settings that are not saved",
            {"providerId": "echo", "settings": {"prefix": "Echo: "}},
        ),
        "saved": (
            "A saved connection with another organization",
            {"id": "openai-production", "settings": {"organization": "org-other"}},
        ),
    },
    "exportPackage": {
        "all": ("Everything, without secrets", {"profiles": True}),
        "one": ("One connection", {"connections": ["openai-production"]}),
        "sealed": (
            "One connection with its key, sealed",
            {"connections": ["openai-production"], "passphrase": "correct horse battery"},
        ),
    },
    "importPackage": {
        "abort": ("Nothing, if anything is otherwise here", {"file": "switchboard.zip"}),
        "keep": (
            "What is otherwise here is kept, but for one",
            {"file": "switchboard.zip", "onConflict": "keep", "decisions": DECISIONS},
        ),
    },
    "createProfile": {
        "chat": ("For chats", NEW_PROFILE),
        "embedding": (
            "For embeddings",
            {
                "alias": "search",
                "name": "Search",
                "capability": "Embedding",
                "model": {"providerId": "openai", "modelId": "text-embedding-3-small"},
                "connectionId": CONNECTION_ID,
                "settings": {"$type": "embedding", "dimensions": 512},
            },
        ),
    },
    "updateProfile": {
        "model": (
            "Another model",
            {
                "name": "Support answers",
                "model": {"providerId": "openai", "modelId": "gpt-4o-mini"},
                "connectionId": CONNECTION_ID,
                "settings": {"$type": "chat", "temperature": 0},
            },
        )
    },
    "patchProfile": {"off": ("Switch off", {"isActive": False})},
    "updateSettings": {"chat": ("A default for chats, none for embeddings", DEFAULTS)},
}
ANSWERS: dict[str, Examples] = {
    "getAllConnections": _page(CONNECTION_ITEM),
    "createConnection": {"created": ("Created", CONNECTION)},
    "getConnectionByIdOrAlias": {"openai": ("With a masked key", CONNECTION)},
    "updateConnection": {"updated": ("Updated", CONNECTION | {"version": 2})},
    "patchConnection": {"patched": ("Updated", CONNECTION | {"version": 2, "isActive": False})},
    "duplicateConnection": {
        "copied": (
            "The copy",
            CONNECTION
            | {
                "name": "OpenAI Production copy",
                "alias": "openai-production-copy",
                "isActive": False,
            },
        )
    },
    "duplicateProfile": {
        "copied": (
            "The copy",
            PROFILE
            | {"name": "Support answers copy", "alias": "support-answers-copy", "isActive": False},
        )
    },
    "connectionAliasExists": {"taken": ("Taken", True)},
    "testConnection": {"passed": ("It works", TEST_PASSED), "failed": ("It does not", TEST_FAILED)},
    "testConnectionSettings": {"passed": ("It works", TEST_PASSED | {"connectionVersion": None})},
    "getModels": {"models": ("The account's models", {"items": [MODEL]})},
    "getConnectionReferences": _page(REFERENCE),
    "getConnectionUsages": _page(USAGE),
    "getAllCapabilities": {"both": ("Both", {"items": ["Chat", "Embedding"]})},
    "getConnectionsByCapability": _page(CONNECTION_ITEM),
    "importPackage": {"plan": ("A plan", PACKAGE_PLAN)},
    "getAllProfiles": _page(PROFILE_ITEM),
    "createProfile": {"created": ("Created", PROFILE)},
    "getProfileByIdOrAlias": {"chat": ("A chat profile", PROFILE)},
    "updateProfile": {"updated": ("Updated", PROFILE | {"version": 2})},
    "patchProfile": {"patched": ("Updated", PROFILE | {"version": 2, "isActive": False})},
    "profileAliasExists": {"free": ("Free", False)},
    "getAllProviders": _page(PROVIDER_ITEM),
    "getSettings": {"chat": ("A default for chats only", DEFAULTS)},
    "updateSettings": {"chat": ("A default for chats only", DEFAULTS)},
}
