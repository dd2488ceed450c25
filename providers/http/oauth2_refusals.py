"""What token services refuse (RFC 6749), retold for people."""

from ..core.errors import ProviderError

# RFC 6749, section 5.2 (and 4.1.2.1 for the last two): code and sentence, {host} is the token
# service
REFUSALS = {
    "invalid_client": (
        "unauthorized",
        "The token service {host} does not accept the client ID and client secret. Enter valid "
        "ones, or send them in the other place: "
        "header or body.",
    ),
    "invalid_grant": (
        "unauthorized",
        "The token service {host} does not accept the user name, password, refresh token, code or "
        "signed token. Enter valid ones; what a person allowed in a browser has to be allowed "
        "again.",
    ),
    "unauthorized_client": (
        "forbidden",
        "The token service {host} does not let this client ask for a token in this way. Allow it "
        "there, in the client's registration.",
    ),
    "unsupported_grant_type": (
        "bad_request",
        "The token service {host} gives no tokens in this way. Check the token URL.",
    ),
    "invalid_scope": (
        "bad_request",
        "The token service {host} does not give this scope. Correct the scope, or leave it empty.",
    ),
    "invalid_request": (
        "bad_request",
        "The token service {host} misses something. Check the scope, and whether client ID and "
        "secret go into header or body.",
    ),
    "temporarily_unavailable": (
        "error",
        "The token service {host} is not available now. Try again later.",
    ),
    "server_error": ("error", "The token service {host} failed. Try again later."),
}
NO_TOKEN = "The token service {host} answered, but gave no access token. Check the token URL."  # noqa: S105 a sentence
OTHER_KIND = (
    "The token service {host} gives tokens of another kind than Bearer, which cannot be used. "
    "Check the token URL."
)


def refusal(said: str, host: str) -> ProviderError:
    """The error that one of REFUSALS is. `host`: the token service."""
    code, text = REFUSALS[said]
    return ProviderError(text.format(host=host), code, code != "error")
