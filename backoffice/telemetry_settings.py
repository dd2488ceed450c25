"""Settings of what Switchboard tells of its work."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from connections.client_ip import clean_network

from .addresses import MASK
from .environment import Environment
from .keys import refuse_guessed

TOKEN, TOKEN_FILE = "METRICS_TOKEN", "METRICS_TOKEN_FILE"
SHORTEST_TOKEN = 16


@sensitive_variables()
def read_metrics_token(env: Environment) -> str:
    """The token that may read `/metrics`, empty for none. Raises ImproperlyConfigured."""
    given, path = env.given(TOKEN), env.file(TOKEN_FILE)
    if given and path:
        raise ImproperlyConfigured(f"{TOKEN} and {TOKEN_FILE} are both set. Take one away.")
    if path:
        try:
            given = Path(path).read_text("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{TOKEN_FILE} is not UTF-8 text.") from None
        if not given:
            raise ImproperlyConfigured(f"{TOKEN_FILE} names an empty file. Write a token into it.")
    if not given.isascii() or any(one.isspace() for one in given):
        raise ImproperlyConfigured(f"{TOKEN} has characters that no header can carry.")
    refuse_guessed(TOKEN, given, SHORTEST_TOKEN)
    env.note(TOKEN, MASK if given else "")
    return given


def read_metrics_networks(env: Environment) -> list[str]:
    """The networks that may read `/metrics`, in CIDR form. Raises ImproperlyConfigured."""
    try:
        return [clean_network(one) for one in env.names("METRICS_ALLOW")]
    except ValueError:
        raise ImproperlyConfigured(
            "METRICS_ALLOW holds something else than addresses and networks, such as 10.0.0.0/8, "
            "with commas between them. Correct it."
        ) from None
