"""Settings of e-mail, which resets forgotten passwords."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .environment import Environment

SECONDS = 15


def read_email(env: Environment) -> dict[str, Any]:
    """Django's settings for e-mail, and ours: whether it is set up, and the address of the server
    in links. Raises ImproperlyConfigured.
    """
    addresses = env.origins("SIGN_IN_ADDRESS")
    if len(addresses) > 1:
        raise ImproperlyConfigured("SIGN_IN_ADDRESS is one address. Take the others out.")
    sender = env.text("EMAIL_FROM", "switchboard@localhost")
    given = env.email("EMAIL_URL") if env.given_secret("EMAIL_URL") else {}
    if given and not addresses:
        raise ImproperlyConfigured(
            "EMAIL_URL is set and SIGN_IN_ADDRESS is not. Write the address of this server that "
            "links in e-mails begin with, such as https://switchboard.example.com."
        )
    settings = {name: value for name, value in given.items() if name.startswith("EMAIL_")}
    return settings | {
        "EMAIL_TIMEOUT": SECONDS,
        "EMAIL_IS_SET_UP": bool(given),
        "DEFAULT_FROM_EMAIL": sender,
        "SIGN_IN_ADDRESS": addresses[0] if addresses else "",
    }
