"""The file of settings beside the environment: .env beside manage.py, or what SWITCHBOARD_ENV_FILE
names.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from providers.core import env_file

from .environment import BASE_DIR, Environment

NAME = "SWITCHBOARD_ENV_FILE"


def env_file_path() -> Path:
    """The file that is read, and that the first `make run` writes."""
    return BASE_DIR / (os.environ.get(NAME, "").strip() or ".env")


def read_environment() -> Environment:
    """The environment, with what the file adds to it. Raises ImproperlyConfigured."""
    path = env_file_path()
    shown = ".env" if path == BASE_DIR / ".env" else str(path)
    before = set(os.environ)
    try:
        env_file.load_env_file(path, os.environ)
    except env_file.EnvFileError as error:
        raise ImproperlyConfigured(f"{shown}: {error}") from None
    if os.environ.get(NAME, "").strip() and not path.exists():
        raise ImproperlyConfigured(f"{NAME} names a file that is not there. Make it.")
    of_file = frozenset(os.environ.keys() - before)
    if of_file:  # a worker finds them in the environment that it was started with
        known = os.environ.get(env_file.FROM_FILE, "")
        os.environ[env_file.FROM_FILE] = ",".join(filter(None, (known, *sorted(of_file))))
    found = Environment(os.environ, of_file, shown)
    found.text(NAME, ".env")
    return found
