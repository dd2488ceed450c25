"""The policies for references and outbound addresses, from Django's settings; read late so that a
change is seen.
"""

import re
from functools import lru_cache

from django.conf import settings
from django.core.signals import setting_changed

from providers.core.registry import all_providers
from providers.core.schema import settings_fields
from providers.http.egress import EgressPolicy

from .references import Policy, Resolver
from .sources import DirectorySource, EnvironmentSource, JsonFileSource, MappingSource, Source


@lru_cache(maxsize=1)
def resolver() -> Resolver:
    """The resolver for this process: environment, secrets directory, JSON file, Django setting, in
    that order.
    """
    environment = EnvironmentSource()
    sources: list[Source] = [environment]
    if settings.CONNECTIONS_SECRETS_DIR:
        sources.append(DirectorySource(settings.CONNECTIONS_SECRETS_DIR))
    if settings.CONNECTIONS_CONFIG_FILE:
        sources.append(JsonFileSource(settings.CONNECTIONS_CONFIG_FILE))
    sources.append(MappingSource(settings.CONNECTIONS_CONFIG))
    return Resolver(sources, _policy(), environment)


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
OWN_PREFIXES = ("connections_", "gateway_", "django_")


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
    providers = all_providers()
    declared = {
        field.environment
        for provider in providers
        for field in settings_fields(provider).values()
        if field.environment
    }
    declared = {name for name in declared if not is_own_variable(name)}
    return Policy(
        sections=_lower(
            [provider.section for provider in providers]
            + list(settings.CONNECTIONS_REFERENCE_SECTIONS)
        ),
        variables=_lower(list(declared) + list(settings.CONNECTIONS_REFERENCE_ENV)),
        secret_words=tuple(word.lower() for word in settings.CONNECTIONS_SECRET_KEYS),
    )


def _lower(names: list[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in names if name.strip())


@lru_cache(maxsize=1)
def egress() -> EgressPolicy:
    """The policy for the addresses of checks and calls."""
    return EgressPolicy(
        tuple(settings.CONNECTIONS_EGRESS_ALLOW), settings.CONNECTIONS_EGRESS_PRIVATE
    )


def _forget(setting: str, **_kwargs: object) -> None:
    """Forgets what was read from settings; they change in tests only."""
    if setting.startswith("CONNECTIONS_"):
        resolver.cache_clear()
        egress.cache_clear()


setting_changed.connect(_forget)
