"""OAuth2's authorization code (RFC 6749, section 4.1, with RFC 7636): a person allows a connection
in a browser, and a code in the address that the browser is sent to gives a refresh token.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlencode, urlsplit

from ..core.errors import ProviderError
from .credentials import Grant

OTHER_ANSWER = (
    "This is not the answer to this request. Begin again, and give the whole address at which the "
    "browser ends."
)
# RFC 6749, section 4.1.2.1: code and sentence
REFUSALS = {
    "access_denied": (
        "forbidden",
        "It was refused at the service: somebody pressed No, or the account may not allow it. "
        "Begin again, or ask somebody who may allow it.",
    ),
    "unauthorized_client": (
        "forbidden",
        "The service does not let this client ask for a code. Allow it there, in the client's "
        "registration, and begin again.",
    ),
    "unsupported_response_type": (
        "bad_request",
        "The service gives this client no codes. Allow that there, in the client's registration, "
        "and begin again.",
    ),
    "invalid_scope": (
        "bad_request",
        "The service does not give this scope. Correct the scope, and begin again.",
    ),
    "server_error": ("error", "The service failed. Begin again later."),
    "temporarily_unavailable": ("error", "The service is not available now. Begin again later."),
}
OTHER_REFUSAL = (
    "forbidden",
    "The service did not allow it. Check the client ID and what is registered for it there, and "
    "begin again.",
)


@dataclass(frozen=True)
class Authorization:
    """Where a connection is allowed, and what a code is given to.

    `parameters`: those of the address beside OAuth2's own; `grant`: the client, the token service
    and the scope; `setting`: the setting that keeps the refresh token.
    """

    authorize_url: str
    parameters: Mapping[str, str]
    grant: Grant
    setting: str


@dataclass(frozen=True)
class Attempt:
    """One time that a person is asked. `state` and `verifier` are random and known to us alone."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_address(one: Authorization, attempt: Attempt) -> str:
    """The address to open in a browser."""
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        **one.parameters,
        "response_type": "code",
        "client_id": one.grant.client_id,
        "redirect_uri": attempt.redirect_uri,
        "scope": one.grant.parameters.get("scope", ""),
        "state": attempt.state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in one.authorize_url else "?"
    said = urlencode({key: said for key, said in query.items() if said})
    return f"{one.authorize_url}{mark}{said}"


def code_in(address: str, attempt: Attempt) -> str:
    """The code in the address that the browser was sent to.

    Raises ProviderError for a refusal, for the answer to another attempt, and for another text.
    """
    try:
        given = parse_qs(urlsplit(address.strip()).query)
    except ValueError:
        given = {}
    if not hmac.compare_digest(given.get("state", [""])[0].encode(), attempt.state.encode()):
        raise ProviderError(OTHER_ANSWER, "bad_request", True)
    if "error" in given:
        code, text = REFUSALS.get(given["error"][0], OTHER_REFUSAL)
        raise ProviderError(text, code, code != "error")
    if not given.get("code"):
        raise ProviderError(OTHER_ANSWER, "bad_request", True)
    return given["code"][0]


def grant_of_code(one: Authorization, attempt: Attempt, code: str) -> Grant:
    """The grant that a code stands for, which works once."""
    parameters = {
        **{key: said for key, said in one.grant.parameters.items() if key != "scope"},
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    return replace(one.grant, parameters=parameters)
