"""Rules of a manifest beyond the kinds of its values.

Each rule yields the places that break it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..core.types import FRAMING, HEADER_NAME
from .auth import AuthorizationCode, Fetched, HeaderAuth, Hmac
from .document import SECRET_OF, SECRET_SHAPES, VARIANT, Manifest, TypeField
from .errors import Problem, nearest
from .field_types import KINDS, kind_of, pattern_problem
from .migrations import migration_problems
from .settings import RESERVED, label_of
from .template_checks import template_problems
from .template_uses import TemplateUses, own, requests_of

DEFAULTS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
TEXTS = frozenset(KINDS) - DEFAULTS.keys() - {"json", "secret_json"}


def problems(manifest: Manifest) -> list[Problem]:
    """The problems of a manifest whose values are of the right kinds, in the order of the rules."""
    rules: tuple[Callable[[Manifest], Iterable[Problem]], ...]
    rules = (
        _general,
        _variants,
        _keys,
        _field_rules,
        _conditions,
        _header_names,
        _tested_addresses,
        _kept_tokens,
        template_problems,
        _defaults,
        migration_problems,
    )
    found: dict[Problem, None] = {}
    for rule in rules:
        if rule in (_defaults, migration_problems) and found:
            break  # they read the settings, which must be sound
        found |= dict.fromkeys(rule(manifest))
    return list(found)


def _general(manifest: Manifest) -> Iterator[Problem]:
    if manifest.category in ("Model providers", "Built in"):
        yield (
            "category",
            f"{manifest.category} is for providers whose models answer here. Choose another name.",
        )
    if not any(variant.base_url for variant in manifest.auth_variants()):
        for name in ("auth", "test", "headers", "addresses", "allowed_hosts"):
            if getattr(manifest, name) or any(
                getattr(one, name, None) for one in manifest.variants
            ):
                yield (
                    name,
                    "There is no base_url, so nothing is ever asked. Add "
                    f"one, or leave {name} out.",
                )
    if not manifest.fields and not manifest.variants:
        yield "fields", "A type has at least one field."


def _variants(manifest: Manifest) -> Iterator[Problem]:
    counts = Counter(one.key for one in manifest.variants)
    for index, one in enumerate(manifest.variants):
        if counts[one.key] > 1:
            yield f"variants[{index}].key", f"Two variants have the key {one.key}."
        if one.label == one.key:
            yield f"variants[{index}].label", "Words for people, which differ from the key."


def _keys(manifest: Manifest) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    labels: dict[str, str] = {}
    for index, field in enumerate(manifest.fields):
        place, plain = f"fields[{index}].key", field.key.replace("_", "").lower()
        if field.key in RESERVED:
            yield place, f"{field.key} means something else here. Choose another key."
        if plain in seen:
            yield (
                place,
                f"{field.key} and {seen[plain]} cannot be told apart in configuration and in the "
                "API. Rename one.",
            )
        if (label := label_of(field).lower()) in labels:
            yield (
                f"fields[{index}].label",
                f"{field.key} and {labels[label]} have the same label. Give each its own.",
            )
        seen[plain] = labels[label_of(field).lower()] = field.key


def _field_rules(manifest: Manifest) -> Iterator[Problem]:
    for index, field in enumerate(manifest.fields):
        place = f"fields[{index}]"
        if field.secret and field.kind not in SECRET_OF and field.kind not in SECRET_SHAPES:
            yield (
                f"{place}.secret",
                f"A field of kind {field.kind} cannot be secret. Those can: "
                f"{', '.join(SECRET_OF)}.",
            )
        if (field.kind == "choice") != bool(field.choices):
            yield (
                f"{place}.choices",
                "A field of kind choice has at least one choice, and no other field has any.",
            )
        for value, count in Counter(one.value for one in field.choices).items():
            if count > 1:
                yield f"{place}.choices", f"{value[:50]} is there twice."
        if field.pattern and field.shape not in TEXTS:
            yield f"{place}.pattern", f"A field of kind {field.kind} has no pattern."
        elif field.pattern and (said := pattern_problem(field.pattern)):
            yield f"{place}.pattern", said
        if field.default is not None and field.is_secret:
            yield (
                f"{place}.default",
                "A secret has no default: everybody could read it in this document.",
            )


def _defaults(manifest: Manifest) -> Iterator[Problem]:
    """Defaults that are not of the field's kind, or would be refused if they were typed."""
    uses = TemplateUses(manifest)
    for index, field in enumerate(manifest.fields):
        if field.default is None:
            continue
        is_kind = isinstance(field.default, DEFAULTS.get(field.kind, (str,)))
        if (
            not is_kind
            or (isinstance(field.default, bool) and field.kind != "boolean")
            or not _accepts(field, uses)
        ):
            yield (
                f"fields[{index}].default",
                f"This is not a value of the field: it is a {field.kind}. Texts with digits only "
                "need quotes.",
            )


def _accepts(field: TypeField, uses: TemplateUses) -> bool:
    try:
        TypeAdapter(kind_of(field, uses.places(field.key))).validate_python(field.default)
    except ValidationError:
        return False
    return True


def _conditions(manifest: Manifest) -> Iterator[Problem]:
    for index, field in enumerate(manifest.fields):
        earlier = manifest.fields[:index]
        for name, values in field.visible_when.items():
            yield from _condition(manifest, earlier, f"fields[{index}].visible_when", name, values)
    for variant in manifest.auth_variants():
        for index, step in enumerate(variant.auth):
            for name, values in step.when.items():
                yield from _condition(
                    manifest,
                    manifest.fields,
                    f"{own(manifest, variant, 'auth')}[{index}].when",
                    name,
                    values,
                )


def _condition(
    manifest: Manifest, fields: list[TypeField], place: str, name: str, values: list[str | bool]
) -> Iterator[Problem]:
    choosing = [field for field in fields if field.kind in ("choice", "boolean")]
    options: dict[str, list[Any]] = {
        field.key: [one.value for one in field.choices] or [True, False] for field in choosing
    }
    options |= {VARIANT: [one.key for one in manifest.variants]} if manifest.variants else {}
    if name not in options:
        yield (
            place,
            f"{name[:50]} is not a choice, boolean or variant that comes before. There are: "
            f"{', '.join(options) or 'none'}.",
        )
        return
    for value in values:
        if value not in options[name]:
            yield (
                place,
                f"{name} is never "
                f"{str(value)[:50]!r}.{nearest(str(value), [str(one) for one in options[name]])}",
            )
    if not values:
        yield place, "Name the values for which it is shown."


def _tested_addresses(manifest: Manifest) -> Iterator[Problem]:
    for variant in manifest.auth_variants():
        for place, request in requests_of(manifest, variant):
            name = request.address
            if name and name not in variant.addresses:
                yield (
                    f"{place}.address",
                    f"There is no address {name[:50]}.{nearest(name, variant.addresses)}",
                )


def _kept_tokens(manifest: Manifest) -> Iterator[Problem]:
    for variant in manifest.auth_variants():
        for index, step in enumerate(variant.auth):
            field = isinstance(step, AuthorizationCode) and manifest.field(step.refresh_token[1:-1])
            if field and (field.required or not field.is_secret):
                yield (
                    f"{own(manifest, variant, 'auth')}[{index}].refresh_token",
                    f"{field.key} is empty until somebody allows the connection, so it is a secret "
                    "that is not required.",
                )


def _header_names(manifest: Manifest) -> Iterator[Problem]:
    for name in manifest.headers:
        yield from _header_name(f"headers.{name}", name)
    for variant in manifest.auth_variants():
        for index, step in enumerate(variant.auth):
            place = f"{own(manifest, variant, 'auth')}[{index}]"
            if isinstance(step, HeaderAuth | Hmac):
                yield from _header_name(f"{place}.name", step.name)
            if isinstance(step, Hmac) and step.timestamp_header:
                yield from _header_name(f"{place}.timestamp_header", step.timestamp_header)
            if isinstance(step, Fetched):
                yield from _header_name(f"{place}.header", step.header)
        for place, request in requests_of(manifest, variant):
            for name in request.headers:
                yield from _header_name(f"{place}.headers.{name}", name)


def _header_name(place: str, name: str) -> Iterator[Problem]:
    if not HEADER_NAME.fullmatch(name):
        yield place, "A header's name is letters, digits and hyphens."
    elif name.lower() in FRAMING:
        yield place, f"{name} is set by the HTTP client itself. Leave it out."
