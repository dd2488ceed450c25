"""A manifest as the text of a document."""

from ..core.yaml import write
from .document import Manifest


def manifest_text(manifest: Manifest) -> str:
    """YAML of a manifest, in the order of its keys; what is said by default is left out.

    Reading it gives the same manifest.
    """
    return write(
        manifest.model_dump(mode="python", by_alias=True, exclude_defaults=True), width=120
    )
