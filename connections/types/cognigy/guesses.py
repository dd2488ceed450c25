"""Guesses about a field of Cognigy's from its name.

Cognigy's schema has no kinds of fields, and no mark for a secret.
"""

from django.utils.translation import gettext as _

from providers.manifests.labels import words


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Any of these words makes a secret of a name, whatever else it says.
SECRET_WORDS = _set(
    """
    secret secrets password passwort pass passwd passphrase passcode pwd pat pin otp token tokens
    key keys apikey apitoken authtoken accesstoken credential credentials creds private certificate
    cert pem pfx signature sas dsn webhook hook auth authorization bearer jwt session cookie salt
    seed hmac stringified string
    """
)
# Unless it ends so: these name something about a key, not the key.
PLAIN_ENDINGS = """
    access key id, key id, project key, public key, token url, token uri, token endpoint, auth url,
    auth uri, auth endpoint, auth type, token type, key name, store hash, authorization url, auth
    server, auth host, private cloud, key vault, session name
"""
# The last word of a name that may be shown.
PLAIN_WORDS = _set(
    """
    id ids sid url urls uri endpoint domain host hostname server address region zone location email
    mail user username login name firstname lastname subdomain scope scopes port database db schema
    table collection index tenant account organization organisation org bucket container project
    workspace namespace version locale language country currency timezone environment env instance
    site realm path protocol option type mode node nodes cluster company channel queue topic role
    warehouse driver encoding format date timeout from sender phone number security resource
    deployment model audience issuer method proxy base prefix stage service system
    """
)
ENDINGS = [tuple(one.split()) for one in PLAIN_ENDINGS.split(",")]
JOINED = {
    "clientid": "id",
    "userid": "id",
    "appid": "id",
    "tenantid": "id",
    "accountid": "id",
    "baseurl": "url",
    "apiurl": "url",
}
JOINED |= {"serverurl": "url", "instanceurl": "url", "username": "username"}
WEB_ADDRESSES = frozenset(
    {
        "base",
        "api",
        "server",
        "instance",
        "site",
        "orchestrator",
        "service",
        "host",
        "cluster",
        "cloud",
    }
)


def is_secret(name: str) -> tuple[bool, str]:
    """True for a field that is kept as a secret, and the reason as the end of a sentence.

    In doubt it is a secret.
    """
    found = words(name)
    if any(tuple(found[-len(ending) :]) == ending for ending in ENDINGS):
        return False, _("it names no secret")
    if known := next((word for word in found if word in SECRET_WORDS), ""):
        return True, _("its name says %(word)s") % {"word": known}
    last = JOINED.get(found[-1], found[-1]) if found else ""
    if last in PLAIN_WORDS:
        return False, _("%(word)s is nothing secret") % {"word": last}
    return True, _("its name does not say what it is")


def kind(name: str) -> str:
    """The kind of a field: only what is sure, everything else is a text."""
    secret = is_secret(name)[0]
    found = words(name)
    if (
        "json" in found
        or "stringified" in found
        or found[-2:] == ["service", "account"]
        or name.lower() == "serviceaccountjson"
    ):
        return "json"
    if any(word in ("pem", "certificate", "cert") for word in found) or found[-2:] == [
        "private",
        "key",
    ]:
        return "secret_text" if secret else "text"
    if secret:
        return "secret"
    if found[-1:] in (["email"], ["mail"]):
        return "email"
    is_web = found[-1:] == ["url"] and len(found) > 1 and found[-2] in WEB_ADDRESSES
    return "url" if is_web or found[-1:] == ["baseurl"] else "string"
