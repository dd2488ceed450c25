"""Names as words: `clientSecret` and `client_secret` are both "Client secret"."""

import re

ABBREVIATIONS = {
    *(
        "api",
        "arn",
        "aws",
        "crm",
        "dsn",
        "gcp",
        "http",
        "https",
        "iam",
        "id",
        "imap",
        "ip",
        "json",
        "jwt",
        "llm",
        "oauth",
        "pat",
        "pin",
    ),
    *(
        "sas",
        "sdk",
        "sid",
        "sip",
        "sms",
        "smtp",
        "sql",
        "ssh",
        "ssl",
        "sso",
        "tls",
        "ui",
        "uri",
        "url",
        "vpn",
        "xml",
    ),
}
SPELLINGS = {"oauth": "OAuth"}
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
JOINED = re.compile(r"o_auth(?=_|\d|$)")


def words(name: str) -> list[str]:
    """The words of a name in lower case: of `oAuth2ClientId` they are oauth2, client, id."""
    parts = HUMP.sub("_", name)
    parts = JOINED.sub("oauth", re.sub(r"[^A-Za-z0-9]+", "_", parts).strip("_").lower())
    return [word for word in parts.split("_") if word]


def label(name: str) -> str:
    """A name as people read it."""
    text = " ".join(map(_spelled, words(name)))
    return text[:1].upper() + text[1:]


def _spelled(word: str) -> str:
    """A word as it is written: `api` is API, `oauth2` is OAuth2."""
    bare = word.rstrip("0123456789")
    return SPELLINGS.get(bare, bare.upper()) + word[len(bare) :] if bare in ABBREVIATIONS else word


def sentence(text: str) -> str:
    """A text with a full stop at its end, if it has no other."""
    return text if not text or text[-1] in ".!?" else f"{text}."
