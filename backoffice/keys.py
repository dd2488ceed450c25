"""SECRET_KEY and FERNET_KEYS: without them, or with some that can be guessed, nothing is served."""

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from connections.secret_texts import is_guessable, placeholder

SHORTEST_KEY = 32
NEW_KEY = (
    ".venv/bin/python -c "
    '"import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)


def refuse_guessed(name: str, key: str, least: int) -> None:
    """Refuses a placeholder, a key of fewer characters, and where `least` says that it is a key for
    encryption or signatures one that can be guessed all the same. Raises ImproperlyConfigured.
    """
    if placeholder(key, secret=True, free=False):
        raise ImproperlyConfigured(f"{name} is a placeholder. Make a key of its own.")
    if 0 < len(key) < least:
        raise ImproperlyConfigured(
            f"{name} has a key of less than {least} characters, which can be guessed. Make a "
            "longer one."
        )
    if key and least and is_guessable(key):
        raise ImproperlyConfigured(
            f"{name} has a key that can be guessed: it repeats itself, counts, or is one that "
            f"Django made. Make one at random: {NEW_KEY}"
        )


def require_keys(secret_key: str, fernet_keys: Sequence[str]) -> None:
    """Refuses to serve without keys, or with a short one. Raises ImproperlyConfigured."""
    keys = list(fernet_keys)  # which asks the store where they are
    for name, value in (("SECRET_KEY", secret_key), ("FERNET_KEYS", keys)):
        if not value:
            raise ImproperlyConfigured(
                f"{name} is neither in the environment nor in .env, and {name}_FILE names no file "
                "that holds it. If this database was used before, put the old value back.\n"
                f"If it is new, add the line {name}=<a new key> to .env, or write a new key into a "
                f"file and its path into {name}_FILE. This makes a key:\n  {NEW_KEY}"
            )
    refuse_guessed("SECRET_KEY", secret_key, least=SHORTEST_KEY)
