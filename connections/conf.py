"""The policies for references and outbound addresses, from Django's settings; read late so that a
change is seen.
"""

import os
import re
from functools import lru_cache

from django.conf import settings
from django.core.signals import setting_changed

from providers.core.registry import all_providers, opens_references
from providers.core.schema import settings_fields
from providers.http.policy import EgressPolicy

from .references import (
    ENV_SECTION,
    InvalidReference,
    Resolution,
    State,
    parse,
    plain_name,
)
from .resolving import MACHINE, Policy, Resolver
from .sources import (
    DirectorySource,
    EnvironmentSource,
    FileSource,
    MappingSource,
    Source,
    make_sources,
)


@lru_cache(maxsize=1)
def resolver() -> Resolver:
    """The resolver for this process; it is made anew when types change what may be named."""
    return Resolver(_sources(), _policy(), EnvironmentSource())


def resolve_own(reference: str) -> Resolution:
    """Resolves a reference that whoever sets up Switchboard has written, so that it may name any
    section; people's connections may not for that. Never raises.
    """
    try:
        section = parse(reference)[0].lower()
    except InvalidReference as error:
        return Resolution(reference, State.ERROR, message=str(error))
    policy = Policy(frozenset([section]), frozenset(), ())
    return Resolver(_sources(), policy, EnvironmentSource()).resolve(reference, True, MACHINE)


@lru_cache(maxsize=1)
def _sources() -> tuple[Source, ...]:
    """The sources of CONNECTIONS_SOURCES in their order, else environment, secrets directory, JSON
    file, Django setting. They outlive a resolver, or what they keep would be lost with it.
    """
    listed = settings.CONNECTIONS_SOURCES
    stale = settings.CONNECTIONS_STALE_MINUTES * 60
    sources: list[Source] = make_sources(listed, settings.CONNECTIONS_CONFIG, stale)
    if not listed:
        sources.append(EnvironmentSource())
    # the variables from before there was a list: what they name comes last beside one
    if settings.CONNECTIONS_SECRETS_DIR:
        sources.append(DirectorySource(settings.CONNECTIONS_SECRETS_DIR))
    if settings.CONNECTIONS_CONFIG_FILE:
        sources.append(FileSource(settings.CONNECTIONS_CONFIG_FILE))
    if not listed:
        sources.append(MappingSource(settings.CONNECTIONS_CONFIG))
    return tuple(sources)


def _forget_sources() -> None:
    resolver.cache_clear()
    _sources.cache_clear()


# what another process asked, and the threads that keep its sign-ins, are not in a child
os.register_at_fork(after_in_child=_forget_sources)


def sounds_secret(name: str) -> bool:
    """True if a key of this name holds a secret, by the last of its words: `api_key`,
    `clientSecret`, but not `max_tokens`.
    """
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return bool(words) and words[-1].lower().endswith(
        tuple(word.lower() for word in settings.CONNECTIONS_SECRET_KEYS)
    )


# What Switchboard itself is set up with: no provider and no connection type makes it readable by
# declaring it.
OWN_VARIABLES = frozenset(
    [
        "secret_key",
        "fernet_keys",
        "database_url",
        "cache_url",
        "redis_url",
        "switchboard_admin_password",
    ]
)
OWN_PREFIXES = (
    *("connections_", "gateway_", "django_", "oidc_", "vault_", "bao_", "op_connect_", "sops_"),
    "otel_",
)


def is_own_variable(name: str) -> bool:
    """True for a variable that sets up Switchboard itself, or names the file that does."""
    plain = name.strip().lower().removesuffix("_file")
    return plain in OWN_VARIABLES or plain.startswith(OWN_PREFIXES)


def is_listed_variable(name: str) -> bool:
    """True if CONNECTIONS_REFERENCE_ENV lists a variable, so that `$Env:` may name it whoever
    declares it.
    """
    return name.strip().lower() in _lower(settings.CONNECTIONS_REFERENCE_ENV)


def _policy() -> Policy:
    """What references may name. An installed type opens nothing: whoever may install one would
    choose its section, its variables, and what of them is secret.
    """
    providers = [one for one in all_providers() if opens_references(one.id)]
    fields = [
        (one.section.lower(), field) for one in providers for field in settings_fields(one).values()
    ]
    declared = {
        field.environment: field.secret
        for _, field in fields
        if field.environment and not is_own_variable(field.environment)
    }
    secret = {(section, plain_name(field.name)) for section, field in fields if field.secret}
    plain = {(section, plain_name(field.name)) for section, field in fields if not field.secret}
    variables = {(ENV_SECTION, plain_name(one)) for one, hidden in declared.items() if not hidden}
    return Policy(
        sections=_lower(
            [provider.section for provider in providers]
            + list(settings.CONNECTIONS_REFERENCE_SECTIONS)
        ),
        variables=_lower(list(declared) + list(settings.CONNECTIONS_REFERENCE_ENV)),
        secret_words=tuple(word.lower() for word in settings.CONNECTIONS_SECRET_KEYS),
        public=frozenset(plain - secret | variables | _listed_public()),
        closed=_lower([parse(one)[0] for one in settings.FERNET_KEY_REFERENCES]),
    )


def _listed_public() -> set[tuple[str, str]]:
    """The section and the plain name of each key that CONNECTIONS_REFERENCE_PUBLIC lists."""
    found = set()
    for one in settings.CONNECTIONS_REFERENCE_PUBLIC:
        section, _, name = one.strip().removeprefix("$").partition(":")
        found.add((section.lower(), ":".join(plain_name(part) for part in name.split(":"))))
    return found


def _lower(names: list[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in names if name.strip())


@lru_cache(maxsize=1)
def egress() -> EgressPolicy:
    """The policy for the addresses of checks and calls."""
    return EgressPolicy(
        tuple(settings.CONNECTIONS_EGRESS_ALLOW),
        settings.CONNECTIONS_EGRESS_PRIVATE,
        settings.CONNECTIONS_PROXIES,
    )


def _forget(setting: str, **_kwargs: object) -> None:
    """Forgets what was read from settings; they change in tests only."""
    if setting.startswith("CONNECTIONS_"):
        _forget_sources()
        egress.cache_clear()


setting_changed.connect(_forget)
