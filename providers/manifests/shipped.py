"""The connection types that come with the application: one YAML file each, in `types/`."""

from functools import cache
from importlib.resources import files

from .document import Manifest
from .provider import ManifestProvider, provider_of
from .reading import read_manifest


@cache
def shipped() -> list[Manifest]:
    """Their manifests, by key.

    Raises ManifestError for a file that is not a manifest, a mistake in this package.
    """
    found = [
        one for one in files(__package__).joinpath("types").iterdir() if one.name.endswith(".yaml")
    ]
    return sorted(
        (read_manifest(one.read_text("utf-8"), source=one.name) for one in found),
        key=lambda manifest: manifest.key,
    )


@cache
def shipped_providers() -> list[type[ManifestProvider]]:
    """Their providers, the same classes each time. Raises as `shipped`."""
    return [provider_of(manifest) for manifest in shipped()]
