"""A manifest's templates filled with the settings of one connection."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..core.settings import ProviderSettings
from ..http.authorization_code import Authorization
from ..http.checks import StatusFailure, TestRequest
from ..http.credentials import ClientCertificate, Credential, Path, Query
from .access import authorization_of, credentials_of
from .auth import Auth, Certificate
from .document import VARIANT, AuthVariant, Manifest
from .filling import Filling
from .hosts import parse_address
from .requests import COSTS, Test
from .template_checks import default_hosts, split_hosts
from .template_uses import uses_of
from .templates import as_it_is, in_header, parsed

UNSAID = object()  # the value of a part of a body that is left out


class Rendering:
    """The manifest's templates with the settings of one connection.

    Every property raises ProviderError for a value that does not fit its place.
    """

    def __init__(self, manifest: Manifest, settings: ProviderSettings) -> None:
        self.manifest, self.settings = manifest, settings
        self.fields = {field.key: field for field in manifest.fields}
        variants = {variant.key: variant for variant in manifest.auth_variants()}
        self.variant: AuthVariant = variants[getattr(settings, VARIANT, "")]
        self.filling = Filling(self.fields, settings)

    @property
    def base_url(self) -> str:
        """The address; of one that is secret, or has a secret in its path, the host alone."""
        if not self.variant.base_url:
            return ""
        url = self.filling.url(self.variant.base_url)
        return urlunsplit((*urlsplit(url)[:2], "", "", "")) if self._has_secret_address else url

    @property
    def addresses(self) -> dict[str, str]:
        """The further addresses by name, without those of which a field is empty."""
        return {
            name: self.filling.url(text)
            for name, text in self.variant.addresses.items()
            if all(self.filling.values[one] for one in parsed(text).names)
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
        chosen = [host for name in whole if (host := self.filling.host_of(name))]
        return (*(patterns or default_hosts(self.variant, tuple(addresses))), *chosen)

    @property
    def access(self) -> tuple[Credential, ...]:
        """The steps that apply to this connection, without those that have no value."""
        made = credentials_of(self._steps, self.filling, self.allowed_hosts)
        return (*self._secret_address(), *made)

    @property
    def authorization(self) -> Authorization | None:
        """Where a person allows the connection; None for types that want no such thing."""
        return authorization_of(self._steps, self.filling, self.allowed_hosts)

    @property
    def certificate(self) -> ClientCertificate | None:
        """The certificate that is shown to the service, if there is one."""
        steps = [step for step in self._steps if isinstance(step, Certificate)]
        made = credentials_of(steps, self.filling, self.allowed_hosts)
        return next((one for one in made if isinstance(one, ClientCertificate)), None)

    @property
    def _steps(self) -> list[Auth]:
        """The steps that apply to this connection."""
        return [
            step
            for step in self.variant.auth
            if all(getattr(self.settings, name) in values for name, values in step.when.items())
        ]

    def _secret_address(self) -> Iterator[Credential]:
        """The path and query of a secret address, which `base_url` leaves out."""
        if self._has_secret_address:
            parts = urlsplit(self.filling.url(self.variant.base_url))
            yield Path(parts.path)
            yield from (
                Query(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with every request."""
        return self.filling.all(self.manifest.headers, in_header)

    @property
    def test_request(self) -> TestRequest | None:
        """The request of the cheapest test; a check does not send it if it is billed."""
        chosen = chosen_test(self.variant)
        return self._request(chosen) if chosen else None

    @property
    def revoke_request(self) -> TestRequest | None:
        """The request that ends the key, None where the type has none."""
        found = self.variant.revoke
        if found is None:
            return None
        return self._request(Test(cost="free", request=found.request, ok=found.ok))

    def _request(self, test: Test) -> TestRequest:
        asked = test.request
        body, usual_type = "", ""
        if isinstance(asked.body, str):
            body, usual_type = self.filling.fill(asked.body, as_it_is), "text/plain; charset=utf-8"
        elif asked.body is not None:
            body, usual_type = json.dumps(self._filled(asked.body)), "application/json"
        return TestRequest(
            method=asked.method,
            base_url=self.addresses[asked.address] if asked.address else "",
            path=self.filling.path(asked.path),
            query=self.filling.all(asked.query, as_it_is),
            headers=self.filling.all(asked.headers, in_header),
            body=body,
            content_type=asked.content_type or usual_type,
            ok=frozenset(test.ok),
            failures={
                status: StatusFailure(meaning.code, meaning.message)
                for status, meaning in test.meanings.items()
            },
            json_path=test.expect.path if test.expect else (),
            json_values=tuple(test.expect.one_of) if test.expect else (),
            end_header=test.expires.header if test.expires else "",
            end_path=test.expires.path if test.expires else (),
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
        return self.filling.fill(value, as_it_is)


def chosen_test(variant: AuthVariant) -> Test | None:
    """The test that a check makes."""
    return min(variant.tests, key=lambda test: COSTS.index(test.cost), default=None)
