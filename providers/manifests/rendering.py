"""A manifest's templates filled with the settings of one connection."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2
from pydantic import SecretStr

from ..core.errors import ProviderError
from ..core.settings import ProviderSettings
from ..http.checks import StatusFailure, TestRequest
from ..http.credentials import Basic, Credential, Grant, Header, OAuth2, Path, Query
from ..http.hosts import Hosts, origin_host
from .auth import (
    Auth,
    BasicAuth,
    Bearer,
    Granted,
    HeaderAuth,
    PasswordGrant,
    QueryAuth,
    RefreshGrant,
)
from .document import VARIANT, AuthVariant, Manifest
from .hosts import AddressTemplate, parse_address
from .requests import COSTS, Test
from .template_checks import default_hosts, split_hosts
from .template_uses import uses_of
from .templates import TemplateError, as_it_is, in_header, in_host, parsed, path

GRANTS = {
    "oauth2_client": "client_credentials",
    "oauth2_password": "password",
    "oauth2_refresh": "refresh_token",
}


UNSAID = object()  # the value of a part of a body that is left out


class Values(dict[str, str]):
    """Texts of the settings by name, secrets in clear: a repr does not show them."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"


class Rendering:
    """The manifest's templates with the settings of one connection.

    Every property raises ProviderError for a value that does not fit its place.
    """

    def __init__(self, manifest: Manifest, settings: ProviderSettings) -> None:
        self.manifest, self.settings = manifest, settings
        self.fields = {field.key: field for field in manifest.fields}
        variants = {variant.key: variant for variant in manifest.auth_variants()}
        self.variant: AuthVariant = variants[getattr(settings, VARIANT, "")]
        self.values = Values({name: _as_text(getattr(settings, name)) for name in self.fields})

    @property
    def base_url(self) -> str:
        """The address; of one that is secret, or has a secret in its path, the host alone."""
        if not self.variant.base_url:
            return ""
        url = self._url(self.variant.base_url)
        return urlunsplit((*urlsplit(url)[:2], "", "", "")) if self._has_secret_address else url

    @property
    def addresses(self) -> dict[str, str]:
        """The further addresses by name, without those of which a field is empty."""
        return {
            name: self._url(text)
            for name, text in self.variant.addresses.items()
            if all(self.values[one] for one in parsed(text).names)
        }

    @property
    def _has_secret_address(self) -> bool:
        return any(self.fields[name].is_secret for name in parsed(self.variant.base_url).names)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The hosts that credentials may go to."""
        patterns, whole = split_hosts(self.variant)
        addresses = [
            parse_address(use.text, self.fields)
            for use in uses_of(self.manifest, self.variant)
            if use.position == "address"
        ]
        chosen = [host for name in whole if (host := self._host_of(name))]
        return (*(patterns or default_hosts(self.variant, tuple(addresses))), *chosen)

    @property
    def access(self) -> tuple[Credential, ...]:
        """The steps that apply to this connection, without those that have no value."""
        applying = [
            step
            for step in self.variant.auth
            if all(getattr(self.settings, name) in values for name, values in step.when.items())
        ]
        return (*self._secret_address(), *(made for step in applying if (made := self._step(step))))

    def _secret_address(self) -> Iterator[Credential]:
        """The path and query of a secret address, which `base_url` leaves out."""
        if self._has_secret_address:
            parts = urlsplit(self._url(self.variant.base_url))
            yield Path(parts.path)
            yield from (
                Query(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with every request."""
        return self._all(self.manifest.headers, in_header)

    @property
    def test_request(self) -> TestRequest | None:
        """The request of the cheapest test; a check does not send it if it is billed."""
        chosen = chosen_test(self.variant)
        return self._request(chosen) if chosen else None

    def _request(self, test: Test) -> TestRequest:
        asked = test.request
        body, usual_type = "", ""
        if isinstance(asked.body, str):
            body, usual_type = self._fill(asked.body, as_it_is), "text/plain; charset=utf-8"
        elif asked.body is not None:
            body, usual_type = json.dumps(self._filled(asked.body)), "application/json"
        return TestRequest(
            method=asked.method,
            base_url=self.addresses[asked.address] if asked.address else "",
            path=self._checked(lambda: path(asked.path, self.values)),
            query=self._all(asked.query, as_it_is),
            headers=self._all(asked.headers, in_header),
            body=body,
            content_type=asked.content_type or usual_type,
            ok=frozenset(test.ok),
            failures={
                status: StatusFailure(meaning.code, meaning.message)
                for status, meaning in test.meanings.items()
            },
            json_path=test.expect.path if test.expect else (),
            json_values=tuple(test.expect.one_of) if test.expect else (),
            cost=test.cost,
        )

    def _filled(self, value: Any) -> Any:
        """A part of a JSON body. A text that is one field of numbers, true and false becomes its
        value, and UNSAID where there is none.
        """
        if isinstance(value, dict):
            made = {key: self._filled(one) for key, one in value.items()}
            return {key: one for key, one in made.items() if one is not UNSAID}
        if isinstance(value, list):
            return [one for one in map(self._filled, value) if one is not UNSAID]
        if not isinstance(value, str):
            return value
        name = parsed(value).only
        if name and self.fields[name].kind in ("integer", "number", "boolean"):
            found = getattr(self.settings, name)
            return UNSAID if found is None else found
        return self._fill(value, as_it_is)

    def _step(self, step: Auth) -> Credential | None:
        templates = step.templates().values()
        if not any(
            parsed(text).names == [] or any(self.values.get(name) for name in parsed(text).names)
            for text in templates
            if text
        ):
            return None
        match step:
            case Bearer():
                return Header(
                    "Authorization", f"{step.scheme} {self._fill(step.token, in_header)}".strip()
                )
            case HeaderAuth():
                return Header(step.name, self._fill(step.value, in_header))
            case QueryAuth():
                return Query(step.name, self._fill(step.value, as_it_is))
            case BasicAuth():
                return Basic(
                    self._fill(step.username, as_it_is), self._fill(step.password, as_it_is)
                )
            case Granted():
                return OAuth2(self._grant(step))
        return None

    def _grant(self, step: Granted) -> Grant:
        parameters = {
            "grant_type": GRANTS[str(step.model_dump()["use"])],
            "scope": self._fill(step.scope, as_it_is),
        }
        if isinstance(step, PasswordGrant):
            parameters |= {
                "username": self._fill(step.username, as_it_is),
                "password": self._fill(step.password, as_it_is),
            }
        if isinstance(step, RefreshGrant):
            parameters["refresh_token"] = self._fill(step.refresh_token, as_it_is)
        url = self._url(step.token_url)
        Hosts(url, self.allowed_hosts).refuse(httpx2.URL(url))
        client = self._fill(step.client_id, as_it_is), self._fill(step.client_secret, as_it_is)
        return Grant(
            url, parameters | self._all(step.parameters, as_it_is), *client, step.client_in
        )

    def _url(self, text: str) -> str:
        found = parse_address(text, self.fields)
        return self._checked(lambda: self._origin(found) + self._path(text, found)) + self._query(
            found
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

    def _host_of(self, name: str) -> str:
        value = self.values.get(name, "")
        return (
            value.lower()
            if self.fields[name].shape == "host"
            else origin_host(value)
            if value
            else ""
        )

    def _all(self, texts: Mapping[str, str], fit: Callable[[str, str], str]) -> dict[str, str]:
        """The filled texts; those that hold nothing but fields that are empty are left out."""
        filled = {name: self._fill(text, fit) for name, text in texts.items()}
        return {
            name: text for name, text in filled.items() if text or not parsed(texts[name]).names
        }

    def _fill(self, text: str, fit: Callable[[str, str], str]) -> str:
        return self._checked(lambda: parsed(text).filled(self.values, fit))

    def _checked(self, act: Callable[[], str]) -> str:
        failure = ""
        try:
            return act()
        except TemplateError as error:
            failure = str(error)
        raise ProviderError(
            failure, "bad_request", True
        )  # out here, without the context that holds the value


def chosen_test(variant: AuthVariant) -> Test | None:
    """The test that a check makes."""
    return min(variant.tests, key=lambda test: COSTS.index(test.cost), default=None)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)
