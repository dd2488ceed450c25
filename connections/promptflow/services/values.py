"""A connection as promptflow's executor takes it, in clear.

Only the reveal endpoint hands this out (services/reveal.py).
"""

import json
from collections.abc import Container, Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables
from pydantic import Secret, SecretStr

from connections.references import unescape
from connections.runtime import Usable, resolved_settings
from connections.services import Unusable
from providers.core.base import Provider
from providers.core.registry import get_provider
from providers.core.schema import secret_names, settings_fields
from providers.core.settings import NetworkSettings, ProviderSettings

from ..format.shapes import shape_of
from ..format.types import MODULE, PromptflowType, promptflow_type
from .connections import kept_constants

CUSTOM = "CustomConnection"
STRONG_TYPE = (
    "custom_type",
    "module",
    "package",
    "package_version",
)  # promptflow keeps them as configs with this prefix
PREFIX = "promptflow.connection."

Texts = dict[str, str]


@sensitive_variables()
def execution_dict(connection: Usable, name: str = "") -> dict[str, Any]:
    """The execution dict of promptflow-core: name, type, module, value (what is set, secrets in
    clear) and secret_keys.

    A provider that promptflow does not know is a CustomConnection with our names of its settings.
    `name`: what to call it, empty for its own name. Raises Unusable, with code connection_inactive
    when it is switched off.
    """
    if not connection.is_active:
        raise Unusable(
            "connection_inactive",
            f"The connection {connection.alias} is switched off. Switch it on to use it in flows.",
        )
    settings = resolved_settings(connection)
    provider = get_provider(connection.provider_id)
    kind = promptflow_type(provider)
    addresses = {one.name for one in settings_fields(provider).values() if one.address}
    configs, secrets = (
        _of_promptflow(settings, kind, addresses, _execution_constants(connection, kind, provider))
        if kind
        else _of_another(settings, secret_names(provider))
    )
    is_custom = kind is not None and kind.class_name == CUSTOM
    strong = _strong_type(settings) if is_custom else {}
    return {
        "name": name or connection.name,
        "type": kind.class_name if kind else CUSTOM,
        "module": (is_custom and getattr(settings, "module", None))
        or (kind.module if kind else MODULE),
        "value": {**configs, **strong, **secrets},
        "secret_keys": list(secrets),
    }


def _of_promptflow(
    settings: ProviderSettings,
    kind: PromptflowType,
    addresses: Container[str],
    constants: Mapping[str, str],
) -> tuple[Texts, Texts]:
    """Configs and secrets by promptflow's names.

    With Microsoft Entra ID there is no key, as promptflow drops it too.

    An address that nobody entered is left out: promptflow has no default for any, and its consumers
    have that of the SDK.
    """
    configs: Texts = {}
    secrets: Texts = {}
    for name, ours in kind.fields.items():
        if name in STRONG_TYPE:
            continue
        value = getattr(settings, ours, constants.get(name))
        if ours in addresses and ours not in settings.model_fields_set:
            value = None
        is_secret = name in kind.secrets or isinstance(value, Secret | SecretStr)
        (secrets if is_secret else configs).update(_entries(name, value))
    is_entra = "auth_mode" in kind.fields and configs.get("auth_mode") == "meid_token"
    return configs, {} if is_entra else secrets


def _execution_constants(
    connection: Usable, kind: PromptflowType, provider: type[Provider[Any]]
) -> dict[str, str]:
    """promptflow's fields that no provider knows: what a file said, else what promptflow takes."""
    kept = kept_constants(shape_of(provider), connection.settings)
    return {
        name: unescape(kept.get(kind.fields[name], default))
        for name, default in kind.constants.items()
    }


def _strong_type(settings: ProviderSettings) -> Texts:
    """The configs in which promptflow keeps the class of a custom strong type; empty for a plain
    custom connection.
    """
    found = {name: getattr(settings, name, None) for name in STRONG_TYPE}
    if not found["custom_type"]:
        return {}
    if not (found["package"] and found["package_version"]):  # promptflow keeps both or neither
        found["package"] = found["package_version"] = None
    return {PREFIX + name: str(value) for name, value in found.items() if value}


def _of_another(settings: ProviderSettings, secret: frozenset[str]) -> tuple[Texts, Texts]:
    """Configs and secrets by our names.

    Timeout and retries, which every provider has, only where somebody set them.
    """
    configs: Texts = {}
    secrets: Texts = {}
    for name in type(settings).model_fields:
        if name in NetworkSettings.model_fields and name not in settings.model_fields_set:
            continue
        value = _plain(getattr(settings, name))
        if value is not None and value != "":
            (secrets if name in secret else configs)[name] = _json_text(value)
    return configs, secrets


def _entries(name: str, value: Any) -> Texts:
    """A value as an entry, a map as its entries, nothing for what is not set."""
    value = _plain(value)
    if isinstance(value, Mapping):
        return {
            str(key): _json_text(one)
            for key, one in ((key, _plain(one)) for key, one in value.items())
            if one is not None
        }
    return {} if value is None or value == "" else {name: _json_text(value)}


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, Secret | SecretStr) else value


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
