"""A manifest as a provider, which cards, forms, API and checks treat as any other."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from ..core.errors import ProviderError
from ..core.settings import ProviderSettings
from ..http.authorization_code import Authorization
from ..http.checks import TestRequest
from ..http.credentials import Credential
from ..http.egress import GuardedTransport, guarded_client
from ..http.service import HttpService
from ..http.tls import client_context
from .auth import AuthorizationCode
from .document import VARIANT, Manifest
from .hosts import SHAPE
from .labels import sentence
from .migrations import migrated
from .rendering import Rendering, chosen_test
from .requests import COSTS
from .settings import section_of, settings_of
from .template_uses import uses_of


class ManifestProvider(HttpService[ProviderSettings]):
    """A service that a manifest describes.

    Everything is read off the manifest when it is needed; nothing of it is run.
    """

    manifest: ClassVar[Manifest]

    @classmethod
    def migrated(cls, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return migrated(cls.manifest, version, values)

    @classmethod
    def may_want_authorization(cls, stored: Mapping[str, Any]) -> bool:
        """True if a person may have to allow a connection with these settings, as they are stored:
        a reference stands for any value.
        """
        variants = {one.key: one for one in cls.manifest.auth_variants()}
        chosen = variants.get(stored.get(VARIANT, ""))
        return any(
            isinstance(step, AuthorizationCode)
            for variant in ([chosen] if chosen else variants.values())
            for step in variant.auth
        )

    @cached_property
    def rendering(self) -> Rendering:
        """The manifest with the values of this connection."""
        return Rendering(self.manifest, self.settings)

    @property
    def base_url(self) -> str:
        return self.rendering.base_url

    @property
    def addresses(self) -> dict[str, str]:
        """Further addresses of the service by name, for programs. The client takes them whole, with
        the same credentials.
        """
        return self.rendering.addresses

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        return self.rendering.allowed_hosts

    @property
    def access(self) -> tuple[Credential, ...]:
        return self.rendering.access

    @property
    def authorization(self) -> Authorization | None:
        """Where a person allows the connection; None for types that want no such thing."""
        return self.rendering.authorization

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        shown = self.rendering.certificate
        if shown is None:
            return super().tls
        authority = "\n".join(filter(None, (shown.authority, self.own_authority)))
        return client_context(replace(shown, authority=authority))

    @property
    def own_certificates(self) -> Mapping[str, str]:
        found, shown = dict(super().own_certificates), self.rendering.certificate
        if shown is not None:
            found["client certificate"] = shown.certificate
            if shown.authority:
                found["certificate authority"] = shown.authority
        return found

    @property
    def extra_headers(self) -> dict[str, str]:
        return self.rendering.headers

    @classmethod
    def can_revoke(cls, stored: Mapping[str, Any]) -> bool:
        variants = {one.key: one for one in cls.manifest.auth_variants()}
        chosen = variants.get(stored.get(VARIANT, ""))
        return bool(chosen and chosen.revoke)

    def revoke(self) -> str:
        request, way = self.rendering.revoke_request, self.rendering.variant.revoke
        if request is None or way is None:
            text = f"{self.name} has no way to end a key with that key itself."
            raise ProviderError(text, "bad_request", True)
        guarded = GuardedTransport(self.egress, self.allowance, self.tls)
        with (
            self.translated(request.base_url or self.base_url),
            guarded_client(self.egress, self.timeout, transport=guarded) as bare,
        ):
            bare.headers.update(self.extra_headers)
            response = self._sent(request, bare if way.anonymous else self.client)
            try:
                self._judge(request, response)
            finally:
                response.close()
        return f"{self.name} has ended the key."

    @property
    def test_request(self) -> TestRequest | None:
        return self.rendering.test_request


def provider_of(manifest: Manifest) -> type[ManifestProvider]:
    """The provider that a manifest describes. It is not registered."""
    name = section_of(manifest.key)
    tests = map(chosen_test, manifest.auth_variants())
    costs = [test.cost for test in tests if test]
    attributes: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": sentence(manifest.label),
        "id": manifest.key,
        "name": manifest.label,
        "section": name,
        "description": _description(manifest),
        "category": manifest.category,
        "docs_url": manifest.docs,
        "icon": manifest.icon,
        "mark": manifest.mark,
        "version": manifest.version,
        "check_cost": max(costs, key=COSTS.index, default="free"),  # of the dearest variant
        "manifest": manifest,
        "fixed_hosts": _fixed_hosts(manifest),
        "Settings": settings_of(manifest),
    }
    return type(name, (ManifestProvider,), attributes)


def _fixed_hosts(manifest: Manifest) -> tuple[str, ...]:
    """Fields that are a part of a host's name stay in it as they are written: `{shop}`."""
    texts = {
        use.text
        for variant in manifest.auth_variants()
        for use in uses_of(manifest, variant)
        if use.position == "address"
    }
    found = (SHAPE.match(text) for text in sorted(texts))
    return tuple(dict.fromkeys(f"{one[1]}://{one[2].lower()}" for one in found if one))


def _description(manifest: Manifest) -> str:
    text = sentence(manifest.description) or f"Connection to {sentence(manifest.label)}"
    if manifest.deprecated is None:
        return text
    replaced = (
        f"Use {manifest.deprecated.replaced_by} instead." if manifest.deprecated.replaced_by else ""
    )
    since = (
        f"Deprecated since {manifest.deprecated.since}."
        if manifest.deprecated.since
        else "Deprecated."
    )
    return " ".join(filter(None, (text, since, sentence(manifest.deprecated.message), replaced)))
