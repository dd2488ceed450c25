"""Cognigy's schemas as connection types, from JSON, YAML or TypeScript."""

from providers.manifests import Manifest, manifest_of
from providers.manifests.parsing import LARGEST, plain_data

from . import schemas, typescript


def read_cognigy(text: str) -> list[Manifest] | None:
    """The types of Cognigy's schemas: one, a list, or an extension's `connections`.

    None for a text that is something else. Raises ManifestError.
    """
    if len(text) <= LARGEST and typescript.is_source(text):
        data = typescript.schemas(text)
    elif not schemas.is_schema(data := plain_data(text)):
        return None
    return [
        manifest_of(schema.document).noted(guesses=schema.guesses)
        for schema in schemas.translated(data)
    ]
