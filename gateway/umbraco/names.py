"""Umbraco.AI's names of settings that have another name here."""

from collections.abc import Mapping
from typing import Any

# By the provider's id: this API's names, and Umbraco.AI's
NAMES = {
    "anthropic": {"baseUrl": "endpoint"},
    "openai": {"baseUrl": "endpoint", "organization": "organizationId"},
}


def theirs(provider_id: str, name: str) -> str:
    """Umbraco.AI's name of a setting that has this name here."""
    return NAMES.get(provider_id, {}).get(name, name)


def to_theirs(provider_id: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by Umbraco.AI's names."""
    return {theirs(provider_id, name): value for name, value in settings.items()}


def to_ours(provider_id: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Posted settings by the names here, which are taken too. Where both are given, Umbraco.AI's
    stays as it is, so that it is refused as unknown.
    """
    ours = {their: our for our, their in NAMES.get(provider_id, {}).items()}
    return {
        name if ours.get(name, name) in settings else ours.get(name, name): value
        for name, value in settings.items()
    }


def pointer(provider_id: str, text: str) -> str:
    """A pointer into a body, by Umbraco.AI's names: `/settings/baseUrl` -> `/settings/endpoint`."""
    start, _slash, name = text.rpartition("/")
    return f"{start}/{theirs(provider_id, name)}" if start == "/settings" else text
