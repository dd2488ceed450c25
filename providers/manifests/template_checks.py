"""Whether each template names fields that exist, are there when it is filled in, and may stand
where it stands.
"""

from collections.abc import Iterator

from .document import VARIANT, Manifest, TypeField, Way
from .errors import Problem, nearest
from .hosts import Address, address, is_within
from .hosts import pattern_problem as host_pattern_problem
from .template_uses import Use, own, uses
from .templates import TemplateError, parsed

SECRETS_BELONG = "A secret belongs under auth, so that no log and no page shows it."


def template_problems(manifest: Manifest) -> Iterator[Problem]:
    """What is wrong with the templates of each way, and with the hosts they lead to."""
    fields = {field.key: field for field in manifest.fields}
    for way in manifest.ways():
        for use in uses(manifest, way):
            yield from ((use.place, message) for message in _messages(manifest, use, fields))
        yield from _hosts(manifest, way, fields)


def _messages(manifest: Manifest, use: Use, fields: dict[str, TypeField]) -> Iterator[str]:
    try:
        names = parsed(use.text).names
        if use.position == "path":
            _judge_path(use.text)
    except TemplateError as error:
        yield str(error)
        return
    for name in names:
        field = fields.get(name)
        if field is None:
            yield _unknown(name, fields)
        else:
            yield from _of_field(manifest, use, field)


def _unknown(name: str, fields: dict[str, TypeField]) -> str:
    return f"There is no field {name[:50]}.{nearest(name, fields)}"


def _judge_path(text: str) -> None:
    if text and (not text.startswith("/") or text.startswith("//")):
        raise TemplateError("A path begins with one /. It is appended to base_url.")
    address(f"https://example.com{text}", {})


def _of_field(manifest: Manifest, use: Use, field: TypeField) -> Iterator[str]:
    if field.is_secret and not use.is_auth and use.position not in ("address", "body"):
        yield f"{field.key} is a secret. {SECRETS_BELONG}"
    if field.is_secret and use.is_auth and use.position == "address":
        yield (
            f"{field.key} is a secret, and messages name the address of a token. Use another field."
        )
    if field.shape in ("text", "secret_text", "json", "secret_json") and use.position in (
        "address",
        "path",
        "header",
        "query",
    ):
        yield f"{field.key} may have several lines, which cannot stand here. Use another kind."
    if use.position in ("address", "path") and not field.is_always_there:
        yield f"{field.key} is part of an address, so it is required, or it has a default."
    if not _is_asked_for(manifest, use, field):
        yield (
            f"{field.key} is not always asked for here. Use a field that is, or the same condition."
        )


def _is_asked_for(manifest: Manifest, use: Use, field: TypeField) -> bool:
    """Whether the field is shown whenever this template is filled in."""
    for name, values in field.visible_when.items():
        if name == VARIANT:
            return use.way.variant in values
        return use.when is not None and use.when[0] == name and set(use.when[1]) <= set(values)
    return True


def _hosts(manifest: Manifest, way: Way, fields: dict[str, TypeField]) -> Iterator[Problem]:
    """That no field can lead a credential to a host outside allowed_hosts."""
    place, found = own(manifest, way, "allowed_hosts"), dict(_addresses(manifest, way, fields))
    for where, one in found.items():
        if isinstance(one, str):
            yield where, one
    addresses = {where: one for where, one in found.items() if isinstance(one, Address)}
    patterns, whole = split_hosts(way)
    for pattern in patterns:
        if said := host_pattern_problem(pattern):
            yield place, f"{pattern[:100]}: {said}"
    for name in whole:
        if name not in {one.whole for one in addresses.values()}:
            yield (
                place,
                f"{{{name[:50]}}} names a field that is the whole host of base_url or of a "
                "token_url. It is none.",
            )
    if way.allowed_hosts is not None and not way.allowed_hosts:
        yield (
            place,
            "Name at least one host, or leave allowed_hosts out: then it is the host of base_url.",
        )
    if not any(host_pattern_problem(one) for one in patterns):
        patterns = patterns or default_hosts(way, tuple(addresses.values()))
        yield from (
            (where, said)
            for where, one in addresses.items()
            if (said := _outside(manifest, one, patterns, whole, fields))
        )


def _addresses(
    manifest: Manifest, way: Way, fields: dict[str, TypeField]
) -> Iterator[tuple[str, Address | str]]:
    for use in uses(manifest, way):
        if use.position == "address":
            try:
                yield use.place, address(use.text, fields)
            except TemplateError as error:
                yield use.place, str(error)


def split_hosts(way: Way) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """allowed_hosts as patterns, and the fields whose whole host is allowed, written `{field}`."""
    hosts = way.allowed_hosts or ()
    whole = tuple(one[1:-1] for one in hosts if one.startswith("{") and one.endswith("}"))
    return tuple(one for one in hosts if not (one.startswith("{") and one.endswith("}"))), whole


def default_hosts(way: Way, addresses: tuple[Address, ...]) -> tuple[str, ...]:
    """The hosts that are written out in the way's addresses, where allowed_hosts is not said."""
    return (
        tuple(dict.fromkeys(one.literal for one in addresses if one.literal))
        if way.allowed_hosts is None
        else ()
    )


def _outside(
    manifest: Manifest,
    one: Address,
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
