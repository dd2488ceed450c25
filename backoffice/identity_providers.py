"""The identity providers by which people may sign in: OIDC_<NAME>_ISSUER and its kind. Nothing is
asked of a provider here, and no reference is looked up.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .addresses import MASK
from .environment import Environment
from .keys import refuse_guessed

PREFIX = "OIDC_"
NEEDED = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
WISHES = (
    *("LABEL", "SCOPES", "PARAMETERS", "GROUPS_CLAIM", "ROLES", "TEAMS", "SIGN_UP_DOMAINS"),
    *("SIGN_UP_GROUPS", "EMAILS_VERIFIED", "SECOND_FACTOR", "SIGN_OUT"),
)
ENDS = sorted((*NEEDED, *WISHES), key=len, reverse=True)  # GROUPS_CLAIM before a shorter end of it
NAME = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)*")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# what Kubernetes sets for a service of the name oidc
OF_KUBERNETES = re.compile(r"OIDC_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)\w*|PORT(?:_\d+_\w+)?)")
REFERENCE = re.compile(r"\$[^$:\s][^:\s]*(?::[^:\s]+)+")
TEAM_ROLES = ("viewer", "operator", "administrator")  # least first, as in connections/models/
EVERYBODY = "*"  # in place of a group: whoever comes by the provider
OURS = {  # parameters of a request for sign-in that are ours to set
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method", "max_age", "request", "request_uri"),
}


@dataclass(frozen=True)
class IdentityProvider:
    """One provider. `key`: its name in addresses and rows; `client_secret`: itself or a reference.

    `roles`: groups there with roles here, the first that fits counts. `teams`: groups there with
    teams here and the role in each, all that fit count. `domains` and `groups`: of
    whom an account is made here. `emails_verified`: it says nothing of e-mail addresses, and they
    are verified all the same. `asks_factor`: its people are asked for a second factor here too.
    """

    key: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    groups_claim: str = "groups"
    roles: tuple[tuple[str, str], ...] = ()
    teams: tuple[tuple[str, str, str], ...] = ()
    domains: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    emails_verified: bool = False
    asks_factor: bool = False
    signs_out: bool = True


def read_identity_providers(env: Environment) -> dict[str, IdentityProvider]:
    """The providers of the environment by their keys, in the order of their names. Raises
    ImproperlyConfigured.
    """
    names: dict[str, set[str]] = {}
    for variable in sorted(env.values):
        is_ours = variable in env.of_file or not OF_KUBERNETES.fullmatch(variable)
        if variable.upper().startswith(PREFIX) and is_ours and env.given(variable):
            name, end = _split(variable)
            names.setdefault(name, set()).add(end)
    found = {}
    for name, ends in names.items():
        for lacking in NEEDED:
            if lacking not in ends:
                raise ImproperlyConfigured(
                    f"{PREFIX}{name}_{lacking} is not set. Set it, or take out "
                    f"{PREFIX}{name}_{min(ends)}."
                )
        one = _read(env, name)
        found[one.key] = one
    return found


def _split(variable: str) -> tuple[str, str]:
    """The name of the provider in a variable, and what it says of it."""
    for end in ENDS:
        name = variable.removeprefix(PREFIX).removesuffix(f"_{end}")
        if variable == f"{PREFIX}{name}_{end}" and NAME.fullmatch(name):
            return name, end
    upper = variable.upper().removeprefix(PREFIX)
    parts = upper.split("_")
    for number in range(1, len(parts)):
        name, rest = "_".join(parts[:number]), "_".join(parts[number:])
        if meant := get_close_matches(rest, ENDS, 1, 0.75):
            raise ImproperlyConfigured(
                f"{variable} is not a setting. Write {PREFIX}{name}_{meant[0]}, or take it out."
            )
    raise ImproperlyConfigured(
        f"{variable} is not a setting. Settings of a provider are {PREFIX}<NAME>_ and one of "
        f"{', '.join((*NEEDED, *WISHES))}. Correct it, or take it out."
    )


def _read(env: Environment, name: str) -> IdentityProvider:
    def of(end: str) -> str:
        return f"{PREFIX}{name}_{end}"

    return IdentityProvider(
        key=name.lower().replace("_", "-"),
        label=_label(env, of("LABEL"), name),
        issuer=_issuer(env, of("ISSUER")),
        client_id=env.text(of("CLIENT_ID")),
        client_secret=_secret(env, of("CLIENT_SECRET")),
        scopes=tuple(env.text(of("SCOPES")).replace(",", " ").split()),
        parameters=_parameters(env, of("PARAMETERS")),
        groups_claim=env.text(of("GROUPS_CLAIM"), "groups"),
        roles=_pairs(env, of("ROLES"), "role"),
        teams=tuple(_teams(env, of("TEAMS"))),
        domains=tuple(_domains(env, of("SIGN_UP_DOMAINS"))),
        groups=tuple(_groups(env, of("SIGN_UP_GROUPS"))),
        emails_verified=env.boolean(of("EMAILS_VERIFIED"), False),
        asks_factor=env.boolean(of("SECOND_FACTOR"), False),
        signs_out=env.boolean(of("SIGN_OUT"), True),
    )


def _label(env: Environment, variable: str, name: str) -> str:
    found = env.text(variable, name.replace("_", " ").title())
    if len(found) > 40:
        raise ImproperlyConfigured(f"{variable} has more than 40 characters. Shorten it.")
    return found


def _issuer(env: Environment, variable: str) -> str:
    """The address as it is: a slash at its end belongs to the name of the issuer."""
    found = env.text(variable)
    try:
        parts = urlsplit(found)
        is_whole = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        is_whole = is_safe = False
    if not (is_whole and is_safe) or "/.well-known/" in found:
        raise ImproperlyConfigured(
            f"{variable} is not the address of an issuer. Write one such as "
            "https://login.example.com/realms/work, without /.well-known/."
        )
    return found


def _secret(env: Environment, variable: str) -> str:
    found = env.given(variable)
    is_reference = found.startswith("$") and not found.startswith("$$")
    if is_reference and not REFERENCE.fullmatch(found):
        raise ImproperlyConfigured(
            f"{variable} begins with $ and is not a reference. Write one such as "
            "$Keycloak:ClientSecret, or $$ in place of its first sign."
        )
    if not is_reference:
        refuse_guessed(variable, found, least=0)
    env.note(variable, found if is_reference else MASK)
    return found


def _parameters(env: Environment, variable: str) -> tuple[tuple[str, str], ...]:
    text = env.text(variable)
    try:
        pairs = parse_qsl(text, strict_parsing=True) if text else []
    except ValueError:
        raise ImproperlyConfigured(
            f"{variable} is not a list of parameters. Write one such as "
            "access_type=offline&prompt=consent."
        ) from None
    if taken := sorted(OURS & {name for name, _ in pairs}):
        raise ImproperlyConfigured(f"{variable} sets {taken[0]}, which is not free. Take it out.")
    return tuple(pairs)


def _pairs(env: Environment, variable: str, what: str) -> tuple[tuple[str, str], ...]:
    """Groups with what they are mapped to: `group=role; group=role`. A group may have commas and =
    in it, as names of a directory do.
    """
    pairs = []
    for entry in _listed(env.text(variable)):
        group, sign, mapped = entry.rpartition("=")
        if not sign or not group.strip() or not mapped.strip():
            raise ImproperlyConfigured(
                f"{variable} has an entry that is not group={what}. Write entries such as "
                f"staff=Operators, with ; between them."
            )
        pairs.append((group.strip(), mapped.strip()))
    return tuple(pairs)


def _teams(env: Environment, variable: str) -> Iterable[tuple[str, str, str]]:
    """Groups with teams and the role there: `group=team` for the least, `group=team:operator`."""
    for group, mapped in _pairs(env, variable, "team"):
        team, sign, role = mapped.rpartition(":")
        team, role = (team.strip(), role.strip().lower()) if sign else (mapped, TEAM_ROLES[0])
        if role not in TEAM_ROLES or not team:
            raise ImproperlyConfigured(
                f"{variable} has a role in a team that there is not. Write one of "
                f"{', '.join(TEAM_ROLES)} behind the colon, such as staff=Research:operator."
            )
        yield group, team, role


def _groups(env: Environment, variable: str) -> Iterable[str]:
    return _listed(env.text(variable))


def _domains(env: Environment, variable: str) -> Iterable[str]:
    domains = [one.lower().removeprefix("@") for one in env.names(variable)]
    if not all(re.fullmatch(r"[\w-]+(\.[\w-]+)+", one) for one in domains):
        raise ImproperlyConfigured(
            f"{variable} holds something else than domains of e-mail addresses, such as "
            "example.com. Correct it."
        )
    return domains


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(";") if one.strip()]
