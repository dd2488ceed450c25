"""Connection types that a document describes instead of a module: see docs/connection-types.md.

No code of theirs runs.
"""

from .document import Manifest
from .errors import ManifestError
from .migrations import compare
from .provider import ManifestProvider, provider_of
from .reading import manifest_of, read_documents, read_manifest, register_reader
from .shipped import shipped
from .writing import manifest_text

__all__ = [
    "Manifest",
    "ManifestError",
    "ManifestProvider",
    "compare",
    "manifest_of",
    "manifest_text",
    "provider_of",
    "read_documents",
    "read_manifest",
    "register_reader",
    "shipped",
]
