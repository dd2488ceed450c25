"""Checks of templates: each names fields that exist, have a value when it is filled in, and may be
used in its place.
"""

from collections.abc import Iterator

from .document import VARIANT, AuthVariant, Manifest, TypeField
from .errors import Problem, nearest
from .hosts import AddressTemplate, is_within, parse_address
from .hosts import pattern_problem as host_pattern_problem
from .template_uses import TemplateUse, own, uses_of
from .templates import TemplateError, parsed

ADDRESSES = ("address", "page", "path")  # positions in an address
SECRETS_BELONG = "A secret belongs under auth, so that no log and no page shows it."


def template_problems(manifest: Manifest) -> Iterator[Problem]:
    """The problems of each variant's templates, and of the hosts that they lead to."""
    fields = {field.key: field for field in manifest.fields}
    for variant in manifest.auth_variants():
        for use in uses_of(manifest, variant):
            yield from ((use.place, message) for message in _use_problems(use, fields))
        yield from _host_problems(manifest, variant, fields)


def _use_problems(use: TemplateUse, fields: dict[str, TypeField]) -> Iterator[str]:
    try:
        names = parsed(use.text).names
        if use.position == "path" and use.text:
            if not use.text.startswith("/") or use.text.startswith("//"):
                raise TemplateError("A path begins with one /. It is appended to base_url.")
            parse_address(f"https://example.com{use.text}", {})
        if use.position == "page":
            parse_address(use.text, fields)
    except TemplateError as error:
        yield str(error)
        return
    for name in names:
        field = fields.get(name)
        if field is None:
            yield f"There is no field {name[:50]}.{nearest(name, fields)}"
        else:
            yield from _field_problems(use, field)


def _field_problems(use: TemplateUse, field: TypeField) -> Iterator[str]:
    if field.is_secret and not use.is_auth and use.position not in ("address", "body"):
        yield f"{field.key} is a secret. {SECRETS_BELONG}"
    if field.is_secret and not use.is_auth and use.position == "address" and use.variant.addresses:
        yield f"{field.key} is a secret. A type with several addresses has none in them."
    if field.is_secret and use.is_auth and use.position in ADDRESSES:
        yield (
            f"{field.key} is a secret, and messages name the address of a token. Use another field."
        )
    if field.shape in ("text", "secret_text", "json", "secret_json") and use.position in (
        *ADDRESSES,
        "header",
        "query",
    ):
        yield f"{field.key} may have several lines, which cannot stand here. Use another kind."
    if use.position in ADDRESSES and not field.is_always_there and not use.is_optional:
        yield f"{field.key} is part of an address, so it is required, or it has a default."
    if not use.is_optional and not _is_asked_for(use, field):
        yield (
            f"{field.key} is not always asked for here. Use a field that is, or the same condition."
        )


def _is_asked_for(use: TemplateUse, field: TypeField) -> bool:
    """True if the field is shown whenever this template is filled in."""
    for name, values in field.visible_when.items():
        if name == VARIANT:
            return use.variant.key in values
        return use.when is not None and use.when[0] == name and set(use.when[1]) <= set(values)
    return True


def _host_problems(
    manifest: Manifest, variant: AuthVariant, fields: dict[str, TypeField]
) -> Iterator[Problem]:
    """Fields that can lead a credential to a host outside allowed_hosts, and bad patterns there."""
    place, found = (
        own(manifest, variant, "allowed_hosts"),
        dict(_addresses(manifest, variant, fields)),
    )
    for where, one in found.items():
        if isinstance(one, str):
            yield where, one
    addresses = {where: one for where, one in found.items() if isinstance(one, AddressTemplate)}
    patterns, whole = split_hosts(variant)
    for pattern in patterns:
        if said := host_pattern_problem(pattern):
            yield place, f"{pattern[:100]}: {said}"
    for name in whole:
        if name not in {one.whole for one in addresses.values()}:
            yield (
                place,
                f"{{{name[:50]}}} names a field that is the whole host of base_url, of one of "
                "addresses or of a token_url. It is not.",
            )
    if variant.allowed_hosts is not None and not variant.allowed_hosts:
        yield (
            place,
            "Name at least one host, or leave allowed_hosts out: then it is the host of base_url.",
        )
    if not any(host_pattern_problem(one) for one in patterns):
        patterns = patterns or default_hosts(variant, tuple(addresses.values()))
        yield from (
            (where, said)
            for where, one in addresses.items()
            if (said := _outside(manifest, one, patterns, whole, fields))
        )


def _addresses(
    manifest: Manifest, variant: AuthVariant, fields: dict[str, TypeField]
) -> Iterator[tuple[str, AddressTemplate | str]]:
    for use in uses_of(manifest, variant):
        if use.position == "address":
            try:
                yield use.place, parse_address(use.text, fields)
            except TemplateError as error:
                yield use.place, str(error)


def split_hosts(variant: AuthVariant) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """allowed_hosts as patterns, and the fields whose whole host is allowed, written `{field}`."""
    hosts = variant.allowed_hosts or ()
    whole = tuple(one[1:-1] for one in hosts if one.startswith("{") and one.endswith("}"))
    return tuple(one for one in hosts if not (one.startswith("{") and one.endswith("}"))), whole


def default_hosts(variant: AuthVariant, addresses: tuple[AddressTemplate, ...]) -> tuple[str, ...]:
    """The hosts that the variant's addresses name, for a variant without allowed_hosts."""
    return (
        tuple(dict.fromkeys(one.literal for one in addresses if one.literal))
        if variant.allowed_hosts is None
        else ()
    )


def _outside(
    manifest: Manifest,
    one: AddressTemplate,
    patterns: tuple[str, ...],
    whole: tuple[str, ...],
    fields: dict[str, TypeField],
) -> str:
    if one.whole:
        return _outside_whole(manifest, one.whole, whole, fields)
    if is_within(one, patterns, fields):
        return ""
    if one.names:
        chosen = ", ".join(f"{{{name}}}" for name in dict.fromkeys(one.names))
        return (
            f"{chosen} can lead to a host outside allowed_hosts, where the credentials would go. "
            "Name them, such as *.example.com."
        )
    return f"{one.literal} is not among allowed_hosts."


def _outside_whole(
    manifest: Manifest, name: str, whole: tuple[str, ...], fields: dict[str, TypeField]
) -> str:
    if name not in whole:
        return (
            f"{{{name}}} chooses the whole host. If that is meant, say so: allowed_hosts: "
            f'["{{{name}}}"].'
        )
    others = [field.key for field in manifest.fields if field.is_secret and field.key != name]
    if name in fields and fields[name].is_secret and others:
        return (
            f"{name} is a secret address: nobody sees where it leads, so the secret {others[0]} "
            "cannot be sent along. Use kind url."
        )
    return ""
