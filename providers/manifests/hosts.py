"""The hosts that an address template can lead to, before it is filled in."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .document import TypeField
from .templates import NAMES, Name, TemplateError, parsed

MARK = re.compile("\0([A-Za-z0-9_]+)\0")
SHAPE = re.compile(r"(https?)://([^/]*)(/.*)?", re.DOTALL)
AUTHORITY = re.compile(r"([A-Za-z0-9.-]|\0[A-Za-z0-9_]+\0)+")
PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# Below these anybody can register a name, so that *.co.uk is as good as *. The full list is
# publicsuffix.org's.
SHARED = re.compile(r"(co|com|net|org|gov|ac|edu|or|ne|go)\.[a-z]{2}")
MOST_HOSTS = 1000
WHOLE = ("url", "secret_url", "host")  # kinds that are a whole host, or an address with one

Fields = Mapping[str, TypeField]


@dataclass(frozen=True)
class AddressTemplate:
    """An address template in its parts.

    `whole`: the field that is the host, or the address; else `authority` holds the host's name.
    """

    authority: str
    port: int | None
    path: str
    whole: str = ""
    scheme: str = ""

    @property
    def names(self) -> list[str]:
        """The fields inside the host's name."""
        return MARK.findall(self.authority)

    @property
    def literal(self) -> str:
        """The host, with its port if it says one; empty when a field is part of it."""
        return (
            ""
            if self.names or self.whole
            else self.authority.lower() + (f":{self.port}" if self.port else "")
        )


def parse_address(text: str, fields: Fields) -> AddressTemplate:
    """The parts of an address template.

    Raises TemplateError for what could be read in more than one way.
    """
    marked = "".join(
        f"\0{part}\0" if isinstance(part, Name) else part for part in parsed(text).parts
    )
    if found := re.fullmatch("\0([A-Za-z0-9_]+)\0(/.*)?", marked, re.DOTALL):
        return _address_of_field(found[1], found[2] or "", fields)
    found = SHAPE.fullmatch(marked)
    if not found:
        raise TemplateError(
            "An address begins with https:// and a host, or it is one field of kind url, such as "
            "{base_url}."
        )
    return _address_of_parts(found, fields)


def _address_of_field(name: str, path: str, fields: Fields) -> AddressTemplate:
    _refuse_bad_path(path)
    field = fields.get(name)
    if field and field.shape not in ("url", "secret_url"):
        raise TemplateError(
            f"{{{name}}} is the whole address, so its kind is url or secret_url, not {field.shape}."
        )
    return AddressTemplate("", None, path, whole=name)


def _address_of_parts(found: re.Match[str], fields: Fields) -> AddressTemplate:
    scheme, authority, path = found[1], found[2], found[3] or ""
    host, colon, digits = authority.partition(":")
    if colon and not (digits.isdecimal() and digits.isascii() and 0 < int(digits[:6]) <= 65535):
        raise TemplateError("A port is a number from 1 to 65535, and no field can be part of it.")
    if not AUTHORITY.fullmatch(host):
        raise TemplateError(
            "A host's name has letters, digits, dots, hyphens and fields; an international name is "
            "written as xn--."
        )
    _refuse_bad_path(path)
    if (only := MARK.fullmatch(host)) and (field := fields.get(only[1])) and field.shape == "host":
        if colon:
            raise TemplateError(f"{{{only[1]}}} may say a port itself, so none follows it here.")
        return AddressTemplate("", None, path, whole=only[1], scheme=scheme)
    for name in MARK.findall(host):
        _refuse_bad_host_field(name, fields.get(name))
    return AddressTemplate(host, int(digits) if colon else None, path, scheme=scheme)


def _refuse_bad_path(path: str) -> None:
    literal = MARK.sub("x", path)
    if not PATH.fullmatch(literal):
        raise TemplateError(
            "The path has letters, digits and usual signs only. A query belongs under auth, or "
            "under test.request.query."
        )
    if any(segment in (".", "..") for segment in literal.split("/")):
        raise TemplateError("A level of the address may not be . or ..")


def _refuse_bad_host_field(name: str, field: TypeField | None) -> None:
    if field is None:
        return  # template_checks says that there is no such field
    if field.shape == "choice":
        wrong = [one.value for one in field.choices if not NAMES.fullmatch(one.value)]
        if wrong:
            raise TemplateError(
                f"{{{name}}} is a host or part of one, and its choice {wrong[0][:50]!r} cannot be: "
                "letters, digits and hyphens, with dots between them."
            )
    elif field.shape != "slug":
        raise TemplateError(
            f"{{{name}}} is part of a host's name, so its kind is slug or choice, not "
            f"{field.shape}."
        )


def pattern_problem(pattern: str) -> str:
    """The sentence that refuses an entry of allowed_hosts; empty for a good one."""
    host, _, port = pattern.partition(":")
    name = host.removeprefix("*.")
    if ":" in pattern and not (port.isdecimal() and port.isascii() and 0 < int(port[:6]) <= 65535):
        return "A port is a number from 1 to 65535."
    if "*" in name or not HOST.fullmatch(name):
        return (
            "Write a host in lower case, such as api.example.com, or *.example.com for all below "
            "that name. Nothing else stands for hosts."
        )
    if host.startswith("*.") and ("." not in name or SHARED.fullmatch(name)):
        return (
            f"{host} is open to everybody who registers a name. Name the vendor's own, such as "
            "*.example.com."
        )
    return ""


def is_within(found: AddressTemplate, patterns: tuple[str, ...], fields: Fields) -> bool:
    """True if every host that the template can lead to is among `patterns`.

    Not for an address that is a field as a whole.
    """
    try:
        return all(
            any(_covers(pattern, host, found.port) for pattern in patterns)
            for host in _possible_hosts(found, fields)
        )
    except OverflowError:
        return False


def _possible_hosts(found: AddressTemplate, fields: Fields) -> Iterator[str]:
    """Each host the template can lead to, choices written out; a mark stays for what is typed."""
    choices = {
        name: [one.value for one in fields[name].choices]
        for name in found.names
        if name in fields and fields[name].choices
    }
    for count, values in enumerate(itertools.product(*choices.values())):
        if count >= MOST_HOSTS:
            raise OverflowError
        chosen, host = dict(zip(choices, values, strict=True)), found.authority
        for name in found.names:
            host = host.replace(f"\0{name}\0", chosen.get(name, "\0"))
        yield host.lower()


def _covers(pattern: str, host: str, port: int | None) -> bool:
    name, _, wanted = pattern.partition(":")
    if wanted and int(wanted) != (port or 443):
        return False
    if not name.startswith("*."):
        return host == name
    # what is typed has no dots, so only what follows the last of it is certain
    certain = host.rpartition("\0")[2]
    return certain.endswith(name[1:]) and len(host) > len(name[1:])
