"""Where a manifest puts the values of its fields: into an address, a header, a grant of OAuth
2.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .auth import Bearer, Granted, HeaderAuth
from .document import Manifest, TypeField, Way
from .templates import parsed

HEADERS = (Bearer, HeaderAuth)


@dataclass(frozen=True)
class Use:
    """One template: where it stands in the document, what it says, of which way it is, and the sort
    of its place.

    `position`: "address" (base_url, token_url), "path", "header", "query", "body" or "plain".
    `when`: the step's own condition.
    """

    place: str
    text: str
    position: str
    way: Way
    is_auth: bool = False
    when: tuple[str, tuple[str | bool, ...]] | None = None


class Usage:
    """All templates of a manifest, and what they say about its fields."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @cached_property
    def uses(self) -> list[Use]:
        """Every template of every way."""
        return [use for way in self.manifest.ways() for use in uses(self.manifest, way)]

    @property
    def is_asked(self) -> bool:
        """Whether there is an address to ask, in any way."""
        return any(way.base_url for way in self.manifest.ways())

    def places(self, key: str) -> frozenset[str]:
        """The positions that the field's value takes."""
        return frozenset(use.position for use in self.uses if key in parsed(use.text).names)

    def is_address(self, field: TypeField) -> bool:
        """Whether its value decides where credentials are sent, here or in a program that reads
        them together.
        """
        return field.shape in ("url", "secret_url", "host") or (
            not field.is_secret and "address" in self.places(field.key)
        )


def uses(manifest: Manifest, way: Way) -> Iterator[Use]:
    """The templates of one way."""
    if way.base_url:
        yield Use(own(manifest, way, "base_url"), way.base_url, "address", way)
    yield from _auth(manifest, way)
    for name, text in manifest.headers.items():
        yield Use(f"headers.{name}", text, "header", way)
    for index, test in enumerate(way.tests):
        place = f"{own(manifest, way, 'test')}[{index}].request"
        yield Use(f"{place}.path", test.request.path, "path", way)
        yield from (
            Use(f"{place}.query.{name}", text, "query", way)
            for name, text in test.request.query.items()
        )
        yield from (
            Use(f"{place}.headers.{name}", text, "header", way)
            for name, text in test.request.headers.items()
        )
        yield from (Use(f"{place}.body", text, "body", way) for text in test.request.body_texts())


def _auth(manifest: Manifest, way: Way) -> Iterator[Use]:
    for index, step in enumerate(way.auth):
        place = f"{own(manifest, way, 'auth')}[{index}]"
        when = next(((name, tuple(values)) for name, values in step.when.items()), None)
        for key, text in step.templates().items():
            position = (
                "address"
                if key == "token_url"
                else "header"
                if isinstance(step, HEADERS)
                else "plain"
            )
            yield Use(f"{place}.{key}", text, position, way, True, when)
        if isinstance(step, Granted):
            yield from (
                Use(f"{place}.parameters.{name}", text, "plain", way, True, when)
                for name, text in step.parameters.items()
            )


def own(manifest: Manifest, way: Way, name: str) -> str:
    """`variants[1].auth` if the variant says it, else `auth`, which is said for all."""
    variant = next((one for one in manifest.variants if one.key == way.variant), None)
    return f"{way.place}{name}" if variant and getattr(variant, name) is not None else name
