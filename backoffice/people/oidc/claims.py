"""What a provider says of a person, and what follows from it. Plain rules: no database, no
network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from ...identity_providers import EVERYBODY, TEAM_ROLES, IdentityProvider

LONGEST_SUBJECT, LONGEST_SID, LONGEST_EMAIL, MOST_GROUPS = 191, 255, 150, 5000


@dataclass(frozen=True)
class Identity:
    """A person as a provider knows them. `groups`: None where it says nothing of groups.

    `name`: by which they are called there. `email`: empty unless it is verified.
    """

    subject: str
    name: str
    email: str
    full_name: str
    groups: tuple[str, ...] | None
    session: str = ""


def identity_of(provider: IdentityProvider, claims: Mapping[str, Any]) -> Identity | None:
    """The person in the claims; None if they name nobody who can be told apart."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        return None
    session = _text(claims, "sid")
    return Identity(
        subject=subject,
        name=_text(claims, "preferred_username"),
        email=_verified_email(provider, claims),
        full_name=_text(claims, "name")[:150],
        groups=_groups(provider.groups_claim, claims),
        session=session if len(session) <= LONGEST_SID else "",
    )


def role_for(provider: IdentityProvider, groups: Sequence[str] | None) -> str:
    """The name of the role here for somebody in these groups there, empty for none."""
    mine = {EVERYBODY, *(groups or ())}
    return next((role for group, role in provider.roles if group in mine), "")


def teams_for(provider: IdentityProvider, groups: Sequence[str] | None) -> dict[str, str]:
    """The names of the teams here for somebody in these groups there, each with the highest role
    that one of them gives.
    """
    mine, found = {EVERYBODY, *(groups or ())}, dict[str, str]()
    for group, team, role in provider.teams:
        if group in mine:
            found[team] = max(found.get(team, role), role, key=TEAM_ROLES.index)
    return found


def may_sign_up(provider: IdentityProvider, identity: Identity) -> bool:
    """True if an account is made here for the person. Without a rule none is; of domains and groups
    both must let them in.
    """
    if not provider.domains and not provider.groups:
        return False
    mine = {EVERYBODY, *(identity.groups or ())}
    in_domain = identity.email.rpartition("@")[2].lower() in provider.domains
    in_group = not mine.isdisjoint(provider.groups)
    return (in_domain or not provider.domains) and (in_group or not provider.groups)


def _groups(claim: str, claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The groups in a claim: a list or one name. Its own name may have dots; else they lead into
    objects, as in `realm_access.roles`. What is not a text is not a group.
    """
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return None
    listed = found if isinstance(found, list) else [found]
    texts = [one.strip() for one in listed[:MOST_GROUPS] if isinstance(one, str)]
    return tuple(one for one in texts if one and one != EVERYBODY)


def _verified_email(provider: IdentityProvider, claims: Mapping[str, Any]) -> str:
    given: Any = claims.get("email")
    is_verified = claims.get("email_verified") in (True, "true") or (
        provider.emails_verified and claims.get("email_verified") is None
    )
    if not isinstance(given, str) or not is_verified or len(given) > LONGEST_EMAIL:
        return ""
    try:
        validate_email(given)
    except ValidationError:
        return ""
    return given.lower()


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    return found.replace("\x00", "").strip() if isinstance(found, str) else ""
