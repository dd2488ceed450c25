"""Names of settings that there are not: each would be a guard that nobody set up."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured

from providers.core.env_file import FROM_FILE

from .environment import Environment

OWN_PREFIXES = ("CONNECTIONS_", "GATEWAY_", "SWITCHBOARD_")
# Kubernetes sets these for a service of such a name: GATEWAY_PORT, SWITCHBOARD_SERVICE_HOST.
OF_KUBERNETES = re.compile(r"[A-Z0-9_]+_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_\w+)?)")
READ_BY_OTHERS = (
    *("SWITCHBOARD_ADMIN_PASSWORD", "SWITCHBOARD_ADMIN_PASSWORD_FILE"),  # backoffice/serve.py
    *("SWITCHBOARD_URL", "SWITCHBOARD_TOKEN", "SWITCHBOARD_TOKEN_FILE"),  # switchboard/
    *(f"SWITCHBOARD_{one}" for one in ("HOST", "IMAGE", "SITE", "UPSTREAM")),  # deploy/
    *(FROM_FILE, "GUNICORN_CMD_ARGS"),
)
NEARLY = 0.88  # HTPS is 0.889 of HTTPS


def refuse_misspelt(env: Environment, others: Iterable[str], references: Iterable[str]) -> None:
    """Refuses each name that begins as ours do and is not a setting, wherever it is set, and in the
    file of settings each that is nearly one.

    `others`: names that mean something and are not read here; `references`: variables that `$Env:`
    may name. Raises ImproperlyConfigured.
    """
    known = {*env.variables, *env.secret_files, *READ_BY_OTHERS, *others}
    for name in sorted(set(env.values) - known - {*references}):
        if "__" in name or OF_KUBERNETES.fullmatch(name):
            continue
        is_of_file, is_ours = name in env.of_file, name.startswith(OWN_PREFIXES)
        if not is_of_file and not is_ours:
            continue
        meant = get_close_matches(name.upper(), known, 1, 0.0 if is_ours else NEARLY)
        if meant:
            where = env.file_name if is_of_file else "The environment"
            raise ImproperlyConfigured(
                f"{where} sets {name}, which is not a setting. Write {meant[0]}, or take it out."
            )
