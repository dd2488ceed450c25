"""A manifest as the text of a document."""

from typing import Any

import yaml

from .document import Manifest
from .parsing import INTEGER, NUMBER, WORDS


class Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or 1.2 would not read as a text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_other = text in WORDS or INTEGER.fullmatch(text) or NUMBER.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if is_other else None)


Dumper.add_representer(str, _text)


def manifest_text(manifest: Manifest) -> str:
    """YAML of a manifest, in the order of its keys; what is said by default is left out.

    Reading it gives the same manifest.
    """
    data = manifest.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
