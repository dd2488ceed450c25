"""Made-up settings for any provider, read from its schema, and who of `tests/upstreams.py` can play
its service: so a provider nobody has written yet is tested too.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from providers.core.base import Capability, CheckResult, Limits, Provider
from providers.core.errors import ProviderError
from providers.core.registry import all_providers
from providers.core.schema import SettingsField, secret_names, settings_fields, validate
from providers.http.allowance import LARGEST_ANSWER
from providers.http.service import HttpService
from providers.manifests import ManifestProvider
from providers.vendors.openai.request import OpenAIChat
from providers.vendors.service import Service
from tests.upstreams import AIMOCK_PLAYS, GOOD_KEY, knows

from .manifests.shipped import SETTINGS

SHIPPED = {
    provider.id: provider for provider in all_providers() if issubclass(provider, ManifestProvider)
}
PROVIDERS = {
    provider.id: provider for provider in all_providers() if provider.id not in SHIPPED
}  # each a module
NETWORK = {
    one: provider
    for one, provider in PROVIDERS.items()
    if any(field.address for field in settings_fields(provider).values())
}
WITH_MODELS = {one: provider for one, provider in NETWORK.items() if provider.capabilities}
SERVICES = {
    one: provider for one, provider in NETWORK.items() if not provider.capabilities
}  # search, stores and the like
WITH_KEY = {one: provider for one, provider in NETWORK.items() if secret_names(provider)}
SHORT = Limits(
    timeout=0.4, max_retries=0, seconds=0.8, budget=LARGEST_ANSWER
)  # for what never ends
PATIENT = Limits(
    timeout=10, max_retries=0, seconds=20, budget=LARGEST_ANSWER
)  # for a machine that is busy
WRONG_KEY = "wrong-key-7391"
CHATTING = {
    one: provider for one, provider in PROVIDERS.items() if Capability.CHAT in provider.capabilities
}


def _kinds(provider: type[Provider[Any]]) -> set[Any]:
    """The kinds of settings that a provider has, and each thing that surfaces do for some."""
    fields = settings_fields(provider).values()
    kinds = {(one.kind, one.secret, one.address, one.required, bool(one.choices)) for one in fields}
    marks = (
        "required_when_shown",
        "shown_when",
        "bounds",
        "multiline",
        "free",
        "host_part",
        "trust",
        "proxy",
        "for_proxy",
    )
    found = {(mark, one.secret) for one in fields for mark in marks if getattr(one, mark)}
    return {*kinds, *found, "a manifest" if provider.id in SHIPPED else "a module"}


def of_each_kind(providers: dict[str, type[Provider[Any]]]) -> dict[str, type[Provider[Any]]]:
    """So many of these providers that every kind of setting is among theirs.

    For what treats a setting by its kind. Whoever brings a new kind is taken by itself.
    """
    found: dict[str, type[Provider[Any]]] = {}
    seen: set[Any] = set()
    for one, provider in providers.items():
        if _kinds(provider) - seen:
            found[one] = provider
            seen |= _kinds(provider)
    return found


# The SDKs whose protocols the services of tests/upstreams.py speak. A provider with a protocol of
# its own is tested as far as that goes without knowing what its service answers.
SDKS = ("openai", "anthropic", "google-genai", "boto3")
CHOSEN: dict[str, dict[str, Any]] = {
    "http": {"auth_type": "x_api_key", "test_path": "/"}
}  # where the defaults have no credentials


def protocol(provider: type[Provider[Any]]) -> str:
    """The SDK whose protocol the provider speaks; empty for a protocol that nobody here knows."""
    if issubclass(provider, OpenAIChat):
        return "openai"
    return next((one for one in provider.packages if one in SDKS), "")


# Those whose protocol aimock speaks; it answers whole conversations.
PLAYED = [one for one in CHATTING if one in NETWORK and protocol(CHATTING[one]) in AIMOCK_PLAYS]


def is_known(made: Provider[Any]) -> bool:
    """Whether `Upstream` knows what this service answers to a check."""
    by_path = isinstance(made, Service) and knows(urlsplit(made.address).path)
    return by_path or isinstance(made, HttpService) or protocol(type(made)) != ""


def checked(made: Provider[Any]) -> CheckResult | None:
    """A check of a service that answers as it should.

    None where nobody here knows how that is: then the provider cannot read the answer.
    """
    if is_known(made):
        return made.check()
    with suppress(ProviderError):
        return made.check()
    return None


def sample_settings(
    provider: type[Provider[Any]], url: str = "https://api.example.com", key: str = GOOD_KEY
) -> dict[str, Any]:
    """Every address is `url` with the path of the default, every secret `key`; only fields that are
    shown by what is chosen.
    """
    if provider.id in SHIPPED:
        return _shipped(SHIPPED[provider.id], key)
    fields, chosen = settings_fields(provider), CHOSEN.get(provider.id, {})
    choices = {name: field.default for name, field in fields.items()} | chosen
    shown = _shown(fields, choices)
    hidden = [field for field in fields.values() if field.secret and field not in shown]
    if hidden and hidden[0].shown_when and not any(field.secret for field in shown):
        chosen = {hidden[0].shown_when[0]: hidden[0].shown_when[1][0]}
        shown = _shown(fields, choices | chosen)
    values = {field.name: _value(field, url, key) for field in shown}
    return {name: value for name, value in values.items() if value is not None} | chosen


def _shown(fields: dict[str, SettingsField], choices: dict[str, Any]) -> list[SettingsField]:
    return [
        field
        for field in fields.values()
        if not field.for_proxy  # there is none
        and (not field.shown_when or choices[field.shown_when[0]] in field.shown_when[1])
    ]


def _shipped(provider: type[ManifestProvider], key: str) -> dict[str, Any]:
    """The settings of the first variant, with `key` for every secret that may be anything."""
    free = {
        field.key
        for field in provider.manifest.fields
        if field.is_secret
        and field.shape not in ("secret_url", "secret_json")
        and not field.pattern
    }
    return {
        name: key if name in free else value for name, value in SETTINGS[provider.id][0].items()
    }


def _value(field: SettingsField, url: str, key: str) -> Any:
    if field.address:
        return url + urlsplit(field.default or "").path
    if field.kind == "headers":
        return {"X-Made-Up": "header-secret-5512"}
    if field.kind == "secret_map":
        return {"made_up": key}
    if field.secret:
        return key
    if not field.required:
        return None
    if field.choices:
        return field.choices[0][0]
    return {"integer": 1, "number": 1.0, "boolean": False}.get(field.kind, "made-up")


def served_settings(provider: type[Provider[Any]], url: str) -> dict[str, Any]:
    """As `sample_settings`, below the path that the settings suggest: `/v1` for an example like
    https://llm.example.com/v1.
    """
    addresses = {
        field.name: url + urlsplit(field.placeholder).path
        for field in settings_fields(provider).values()
        if field.address and not field.default
    }
    return {**sample_settings(provider, url), **addresses}


def sample(
    provider: type[Provider[Any]],
    url: str = "https://api.example.com",
    key: str = GOOD_KEY,
    limits: Limits = PATIENT,
    **changes: Any,
) -> Provider[Any]:
    """A provider with made-up settings."""
    settings, errors = validate(provider, {**sample_settings(provider, url, key), **changes})
    assert settings, errors
    return provider(settings, limits=limits)
