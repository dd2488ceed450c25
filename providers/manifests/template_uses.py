"""The templates of a manifest, and the places that they put the values of its fields into."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .auth import Bearer, HeaderAuth
from .document import AuthVariant, Manifest, TypeField
from .requests import RequestTemplate
from .templates import parsed

HEADERS = (Bearer, HeaderAuth)


@dataclass(frozen=True)
class TemplateUse:
    """One template of a variant: its place in the document, its text, and its position.

    `position`: "address" (base_url, addresses, token_url), "page" (authorize_url, which people
    open), "path", "header", "query", "body" or "plain". `when`: the step's own condition.
    `is_optional`: an address that is left out while a field of it is empty.
    """

    place: str
    text: str
    position: str
    variant: AuthVariant
    is_auth: bool = False
    when: tuple[str, tuple[str | bool, ...]] | None = None
    is_optional: bool = False


class TemplateUses:
    """All templates of a manifest, asked about its fields."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @cached_property
    def uses(self) -> list[TemplateUse]:
        """Every template of every variant."""
        return [
            use
            for variant in self.manifest.auth_variants()
            for use in uses_of(self.manifest, variant)
        ]

    @property
    def is_asked(self) -> bool:
        """True if any variant has an address to ask."""
        return any(variant.base_url for variant in self.manifest.auth_variants())

    def places(self, key: str) -> frozenset[str]:
        """The positions that the field's value takes."""
        return frozenset(use.position for use in self.uses if key in parsed(use.text).names)

    def is_address(self, field: TypeField) -> bool:
        """True if the value decides where credentials are sent, by Switchboard or by a program
        that reads both.
        """
        return field.shape in ("url", "secret_url", "host") or (
            not field.is_secret and "address" in self.places(field.key)
        )


def uses_of(manifest: Manifest, variant: AuthVariant) -> Iterator[TemplateUse]:
    """The templates of one variant."""
    if variant.base_url:
        yield TemplateUse(own(manifest, variant, "base_url"), variant.base_url, "address", variant)
    asked = {request.address for _, request in requests_of(manifest, variant)}
    for name, text in variant.addresses.items():
        place = f"{own(manifest, variant, 'addresses')}.{name}"
        yield TemplateUse(place, text, "address", variant, is_optional=name not in asked)
    yield from _auth(manifest, variant)
    for name, text in manifest.headers.items():
        yield TemplateUse(f"headers.{name}", text, "header", variant)
    for place, request in requests_of(manifest, variant):
        yield TemplateUse(f"{place}.path", request.path, "path", variant)
        yield from (
            TemplateUse(f"{place}.query.{name}", text, "query", variant)
            for name, text in request.query.items()
        )
        yield from (
            TemplateUse(f"{place}.headers.{name}", text, "header", variant)
            for name, text in request.headers.items()
        )
        yield from (
            TemplateUse(f"{place}.body", text, "body", variant) for text in request.body_texts()
        )


def requests_of(manifest: Manifest, variant: AuthVariant) -> Iterator[tuple[str, RequestTemplate]]:
    """The requests of one variant, each with its place."""
    for index, test in enumerate(variant.tests):
        yield f"{own(manifest, variant, 'test')}[{index}].request", test.request
    if variant.revoke:
        yield f"{own(manifest, variant, 'revoke')}.request", variant.revoke.request


def _auth(manifest: Manifest, variant: AuthVariant) -> Iterator[TemplateUse]:
    for index, step in enumerate(variant.auth):
        place = f"{own(manifest, variant, 'auth')}[{index}]"
        when = next(((name, tuple(values)) for name, values in step.when.items()), None)
        for key, text in step.templates().items():
            position = (
                "address"
                if key == "token_url"
                else "page"
                if key == "authorize_url"
                else "header"
                if isinstance(step, HEADERS)
                else "plain"
            )
            yield TemplateUse(f"{place}.{key}", text, position, variant, True, when)


def own(manifest: Manifest, variant: AuthVariant, name: str) -> str:
    """The place of a key: `variants[1].auth` if the variant has its own, else `auth`."""
    said = next((one for one in manifest.variants if one.key == variant.key), None)
    return f"{variant.place}{name}" if said and getattr(said, name) is not None else name
