"""Manifests for tests."""

from typing import Any

from providers.core.base import Limits
from providers.core.schema import validate
from providers.manifests import (
    Manifest,
    ManifestError,
    ManifestProvider,
    provider_of,
    read_manifest,
)
from tests.providers.samples import PATIENT


def manifest(extra: str = "", **changes: str) -> Manifest:
    """A small manifest with more lines, or with other values of its keys."""
    return read_manifest(text(extra, **changes))


def text(extra: str = "", **changes: str) -> str:
    """As `manifest`, before it is read."""
    said = {"key": "acme", "version": "1", "label": "Acme"} | changes
    if "fields" not in extra and "fields" not in said:
        said["fields"] = "[{key: token, kind: secret}]"
    return "\n".join(f"{key}: {value}" for key, value in said.items()) + f"\n{extra}"


def problems(extra: str = "", **changes: str) -> dict[str, str]:
    """What is wrong with such a manifest: place -> sentence. Empty for one that is right."""
    try:
        manifest(extra, **changes)
    except ManifestError as error:
        assert all(message.endswith((".", "?")) for _, message in error.problems), error.problems
        return dict(error.problems)
    return {}


def made(found: Manifest, limits: Limits = PATIENT, **settings: Any) -> ManifestProvider:
    """The manifest's provider with these settings."""
    provider = provider_of(found)
    valid, errors = validate(provider, settings)
    assert valid, errors
    return provider(valid, limits=limits)
