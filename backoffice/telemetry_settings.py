"""Settings of what Switchboard tells of its work."""

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from connections.client_ip import clean_network

from .addresses import MASK
from .environment import Environment
from .keys import refuse_guessed

NAME = "METRICS_TOKEN"
SHORTEST_TOKEN = 16


@sensitive_variables()
def read_metrics_token(env: Environment) -> str:
    """The token that may read `/metrics`, empty for none. Raises ImproperlyConfigured."""
    given = env.given_secret(NAME)
    if not given.isascii() or any(one.isspace() for one in given):
        raise ImproperlyConfigured(f"{NAME} has characters that no header can carry.")
    refuse_guessed(NAME, given, SHORTEST_TOKEN)
    env.note(NAME, MASK if given else "")
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
