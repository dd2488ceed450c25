"""The identity providers by which people may sign in beside their password, and who has which."""

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from ...identity_providers import IdentityProvider
from ..models import ProviderSession
from .factors import is_of_roles

OF_PROVIDER = "provider_session"  # in a session: the id of its ProviderSession


def configured() -> Mapping[str, IdentityProvider]:
    """The providers by their keys."""
    found: Mapping[str, IdentityProvider] = settings.IDENTITY_PROVIDERS
    return found


def accounts_of(person: Any) -> list[tuple[SocialAccount, str]]:
    """The links of a person, each with the name of its provider."""
    known = configured()
    rows = SocialAccount.objects.filter(user_id=person.pk).order_by("provider", "pk")
    return [(one, known[one.provider].label if one.provider in known else "") for one in rows]


def may_sign_in_locally(person: Any) -> bool:
    """True if a person may come in without a provider: see SIGN_IN_LOCALLY, which holds only where
    there are providers.
    """
    return not configured() or is_of_roles(person, settings.SIGN_IN_LOCALLY)


def may_unlink(person: Any, account: SocialAccount) -> bool:
    """True if a person has another way in than by this link."""
    passkeys = Authenticator.objects.filter(
        user_id=person.pk, type=Authenticator.Type.WEBAUTHN
    ).exists()
    is_local = (person.has_usable_password() or passkeys) and may_sign_in_locally(person)
    others = SocialAccount.objects.filter(user_id=person.pk, provider__in=configured())
    return is_local or others.exclude(pk=account.pk).exists()


def is_over(session: Any) -> bool:
    """True if a session began by a provider and was ended by it, or the provider is set up no more.
    A session whose key has changed is noted.
    """
    own = session.get(OF_PROVIDER)
    if own is None:
        return False
    rows = ProviderSession.objects.filter(pk=own)
    found = rows.values_list("session_key", "account__provider").first()
    if found is None or found[1] not in configured():
        return True
    if found[0] != session.session_key:
        rows.update(session_key=session.session_key)
    return False


def asks_factor(session: Any) -> bool:
    """True if a second factor may be asked for in a session: its person came with a password, or by
    a provider that wants one here too.
    """
    own = session.get(OF_PROVIDER)
    if own is None:
        return True
    rows = ProviderSession.objects.filter(pk=own)
    key = rows.values_list("account__provider", flat=True).first()
    provider = configured().get(key or "")
    return provider is None or provider.asks_factor
