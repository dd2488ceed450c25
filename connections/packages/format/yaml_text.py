"""The YAML of packages: whatever is written reads back the same, and nothing in it can grow or
act.
"""

import re
from typing import Any

import yaml

from providers.manifests.errors import ManifestError
from providers.manifests.parsing import plain_data

from .archive import MOST_OF_ONE
from .errors import PackageError

NUMBER = re.compile(
    r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
)  # 1e5 is one in YAML 1.2, and none in 1.1


class Dumper(yaml.SafeDumper):
    """Quotes whatever a reader of YAML 1.1 or 1.2 would not take for a text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    """In double quotes, where everything odd is escaped, if there is anything odd: in single ones
    PyYAML reads #x85 back as a blank.
    """
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.replace("\n", "").isprintable() else '"'
    )


Dumper.add_representer(str, _text)
Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))


def write(data: dict[str, Any]) -> bytes:
    """YAML of mappings, lists and scalars, in their order."""
    return str(
        yaml.dump(
            data,
            Dumper=Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=100_000,
        )
    ).encode()


def read(content: bytes, path: str) -> dict[str, Any]:
    """The mapping that a file of a package holds.

    Raises PackageError, which names the file and the line.
    """
    try:
        found = plain_data(content.decode(), MOST_OF_ONE)
    except UnicodeDecodeError:
        raise PackageError("bad_document", f"{path}: This is no UTF-8 text.") from None
    except ManifestError as error:
        place, message = error.problems[0]
        raise PackageError("bad_document", f"{path}{place and f', {place}'}: {message}") from None
    if not isinstance(found, dict):
        raise PackageError("bad_document", f"{path}: A mapping of fields is expected.")
    return found
