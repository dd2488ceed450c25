"""Templates filled with the values of one connection, each for its place."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..core.errors import ProviderError
from ..core.settings import ProviderSettings
from ..http.hosts import origin_host
from .document import TypeField
from .hosts import AddressTemplate, parse_address
from .templates import TemplateError, in_host, parsed, path


class Values(dict[str, str]):
    """Texts of the settings by name, secrets in clear: a repr does not show them."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"


class Filling:
    """The values of a connection, put into templates.

    Every method raises ProviderError for a value that does not fit its place.
    """

    def __init__(self, fields: Mapping[str, TypeField], settings: ProviderSettings) -> None:
        self.fields = fields
        self.values = Values({name: _as_text(getattr(settings, name)) for name in fields})

    def fill(self, text: str, fit: Callable[[str, str], str]) -> str:
        """The text with `fit(name, value)` for each name."""
        return self._checked(lambda: parsed(text).filled(self.values, fit))

    def all(self, texts: Mapping[str, str], fit: Callable[[str, str], str]) -> dict[str, str]:
        """The filled texts; those that hold nothing but fields that are empty are left out."""
        filled = {name: self.fill(text, fit) for name, text in texts.items()}
        return {
            name: text for name, text in filled.items() if text or not parsed(texts[name]).names
        }

    def path(self, text: str) -> str:
        """A path with its values."""
        return self._checked(lambda: path(text, self.values))

    def url(self, text: str) -> str:
        """An address with its values."""
        found = parse_address(text, self.fields)
        return self._checked(lambda: self._origin(found) + self._path(text, found)) + self._query(
            found
        )

    def host_of(self, name: str) -> str:
        """The host that a field is, or whose address it is; empty while it is empty."""
        value = self.values.get(name, "")
        return (
            value.lower()
            if self.fields[name].shape == "host"
            else origin_host(value)
            if value
            else ""
        )

    def _origin(self, found: AddressTemplate) -> str:
        if not found.whole:
            host = "".join(
                self._in_host(one) if index % 2 else one
                for index, one in enumerate(found.authority.split("\0"))
            )
            return f"{found.scheme}://{host}{f':{found.port}' if found.port else ''}"
        value = self.values[found.whole]
        return f"{found.scheme}://{value}" if found.scheme else value.partition("?")[0].rstrip("/")

    def _in_host(self, name: str) -> str:
        """A field inside a host's name. A choice may have dots: all of its values were judged."""
        value = self.values[name]
        return value if value and self.fields[name].choices else in_host(name, value)

    def _path(self, text: str, found: AddressTemplate) -> str:
        """The part behind the host; `found.path` has marks where `text` has names."""
        template = found.path
        for name in dict.fromkeys(parsed(text).names):
            template = template.replace(f"\0{name}\0", f"{{{name}}}")
        return path(template, self.values)

    def _query(self, found: AddressTemplate) -> str:
        query = (
            urlsplit(self.values.get(found.whole, "")).query
            if found.whole and not found.scheme
            else ""
        )
        return f"?{query}" if query else ""

    def _checked(self, act: Callable[[], str]) -> str:
        failure = ""
        try:
            return act()
        except TemplateError as error:
            failure = str(error)
        raise ProviderError(
            failure, "bad_request", True
        )  # out here, without the context that holds the value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)
