"""A document's text as plain data: YAML of version 1.2, or JSON."""

import json
from typing import Any

from ..core.yaml import DEEPEST, Rules, YamlError, bounded, check_scalar, read
from .errors import ManifestError

LARGEST = 256 * 1024  # bytes


def plain_data(text: str) -> Any:
    """The mappings, lists and scalars of a YAML or JSON text.

    Raises ManifestError with the line.
    """
    try:
        text = bounded(text, LARGEST)
        return _json(text) if text.lstrip()[:1] in ("{", "[") else read(text, Rules(LARGEST))
    except YamlError as error:
        place = f"line {error.line}" if error.line else ""
        raise ManifestError([(place, error.sentence)]) from None


def _json(text: str) -> Any:
    """The data of a text that begins with a brace or bracket: JSON, or YAML's flow style."""
    try:
        data = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        try:
            return read(text, Rules(LARGEST))
        except YamlError:
            place = f"line {error.lineno}"
            raise ManifestError([(place, f"This is not JSON: {error.msg}.")]) from None
    except ValueError:
        raise ManifestError([("", "A number in it has too many digits.")]) from None
    _check(data)
    return data


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ManifestError([(key[:100], "This key is there twice. Keep one.")])
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    """Refuses NaN and Infinity, which Python's reader takes."""
    raise ManifestError([("", f"{name} is not a number.")])


def _check(data: Any, depth: int = 1) -> None:
    """Raises ManifestError for data nested too deep, YamlError for what no database stores."""
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(data, dict | list):
        for one in [*data, *data.values()] if isinstance(data, dict) else data:
            _check(one, depth + 1)
    else:
        check_scalar(data)


def _too_deep() -> ManifestError:
    return ManifestError([("", f"It is nested more than {DEEPEST} levels deep.")])
