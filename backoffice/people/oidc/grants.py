"""Codes and refresh tokens, given to a provider in exchange for what it says of a person."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from django.views.decorators.debug import sensitive_variables

from connections.conf import resolve_own
from connections.references import is_reference, unescape

from ...identity_providers import IdentityProvider
from . import wire
from .discovery import endpoints
from .id_tokens import Unacceptable


@sensitive_variables()
def redeem(
    provider: IdentityProvider, code: str, verifier: str, redirect_uri: str
) -> dict[str, Any]:
    """What the provider gives for a code. Raises GrantRefused, ProviderAway."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _ask(provider, form | {"code_verifier": verifier})


@sensitive_variables()
def refresh(provider: IdentityProvider, token: str) -> dict[str, Any]:
    """What the provider gives for a refresh token. Raises GrantRefused, ProviderAway."""
    return _ask(provider, {"grant_type": "refresh_token", "refresh_token": token})


@sensitive_variables()
def with_user_info(
    provider: IdentityProvider, claims: Mapping[str, Any], access_token: str
) -> dict[str, Any]:
    """The claims, with those of the userinfo endpoint that the id token lacks. Raises Unacceptable,
    ProviderAway.
    """
    address = endpoints(provider).userinfo
    wanted = {"email", "preferred_username", provider.groups_claim}
    if not address or wanted <= claims.keys():
        return dict(claims)
    told = wire.get_json(address, bearer=access_token)
    if told.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
        raise Unacceptable("the userinfo endpoint tells of somebody else")
    return {**told, **claims}


@sensitive_variables()
def _ask(provider: IdentityProvider, form: dict[str, str]) -> dict[str, Any]:
    found, secret = endpoints(provider), _secret(provider)
    if found.client_in_header:
        # encoded first: RFC 6749, section 2.3.1
        basic = quote_plus(provider.client_id), quote_plus(secret)
        return wire.post_form(found.token, form, basic)
    own = {"client_id": provider.client_id, "client_secret": secret}
    return wire.post_form(found.token, form | own)


@sensitive_variables()
def _secret(provider: IdentityProvider) -> str:
    """The client's secret. A reference is resolved now, so that a rotated one is used at once."""
    given = provider.client_secret
    if not is_reference(given):
        return unescape(given)
    found = resolve_own(given)
    if found.value is None:
        raise wire.ProviderAway(f"the client secret {given} cannot be had, {found.state}")
    return found.value
