"""The words of events: an action is a kind of object and a verb, `connection.update`."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Outcome

# What verbs act on. German needs the accusative here.
THINGS = {
    "address": gettext_lazy("the address %(name)s"),
    "access": gettext_lazy("the access of %(name)s"),
    "alias": gettext_lazy("the alias %(name)s"),
    "api_token": gettext_lazy("the API token %(name)s"),
    "audit": gettext_lazy("the audit"),
    "backup": gettext_lazy("the backup %(name)s"),
    "checkpoint": gettext_lazy("the checkpoint of %(name)s"),
    "connection": gettext_lazy("the connection %(name)s"),
    "defaults": gettext_lazy("the default profiles"),
    "email": gettext_lazy("the e-mail address of %(name)s"),
    "flow_reads": gettext_lazy("the records of reads by flows"),
    "flow_token": gettext_lazy("the token for flows %(name)s"),
    "grants": gettext_lazy("the role and the teams of %(name)s"),
    "history": gettext_lazy("old versions"),
    "host": gettext_lazy("the host %(name)s"),
    "identity": gettext_lazy("who they are"),
    "installation": gettext_lazy("the installation"),
    "issuer": gettext_lazy("the trusted issuer %(name)s"),
    "issuer_keys": gettext_lazy("the keys of the issuer %(name)s"),
    "issuer_rule": gettext_lazy("the rule of an issuer %(name)s"),
    "keys": gettext_lazy("the encryption keys"),
    "leak": gettext_lazy("the leaked key of %(name)s"),
    "leaked_key": gettext_lazy("a leaked key"),
    "notice_key": gettext_lazy("the signing key of the target of notices %(name)s"),
    "notice_target": gettext_lazy("the target of notices %(name)s"),
    "notices": gettext_lazy("notices"),
    "package": gettext_lazy("the package %(name)s"),
    "password": gettext_lazy("the password of %(name)s"),
    "password_link": gettext_lazy("the link that resets the password of %(name)s"),
    "person": gettext_lazy("the person %(name)s"),
    "person_role": gettext_lazy("the role of %(name)s"),
    "profile": gettext_lazy("the profile %(name)s"),
    "promptflow": gettext_lazy("the promptflow connection %(name)s"),
    "provider_link": gettext_lazy("the link of %(name)s to an identity provider"),
    "recovery_codes": gettext_lazy("recovery codes of %(name)s"),
    "replacement": gettext_lazy("the replacement of a key of %(name)s"),
    "role": gettext_lazy("the role %(name)s"),
    "second_factor": gettext_lazy("a second factor of %(name)s"),
    "second_factors": gettext_lazy("the second factors of %(name)s"),
    "secret": gettext_lazy("the secrets of %(name)s"),
    "section": gettext_lazy("the section %(name)s"),
    "service_account": gettext_lazy("the service account %(name)s"),
    "session": gettext_lazy("the session of %(name)s"),
    "snooze": gettext_lazy("the snooze of %(name)s"),
    "team": gettext_lazy("the team %(name)s"),
    "type": gettext_lazy("the connection type %(name)s"),
    "usage": gettext_lazy("usage"),
    "view": gettext_lazy("the saved view %(name)s"),
    "viewing": gettext_lazy("seeing pages as %(name)s"),
}
# Each as it was done, and as somebody tried it
VERBS = {
    "activate": (
        gettext_lazy("%(who)s switched %(what)s on"),
        gettext_lazy("%(who)s tried to switch %(what)s on"),
    ),
    "approve": (
        gettext_lazy("%(who)s approved %(what)s"),
        gettext_lazy("%(who)s tried to approve %(what)s"),
    ),
    "authorize": (
        gettext_lazy("%(who)s authorized %(what)s"),
        gettext_lazy("%(who)s tried to authorize %(what)s"),
    ),
    "begin": (
        gettext_lazy("%(who)s began %(what)s"),
        gettext_lazy("%(who)s tried to begin %(what)s"),
    ),
    "call": (
        gettext_lazy("%(who)s called %(what)s"),
        gettext_lazy("%(who)s tried to call %(what)s"),
    ),
    "cancel": (
        gettext_lazy("%(who)s cancelled %(what)s"),
        gettext_lazy("%(who)s tried to cancel %(what)s"),
    ),
    "carry_out": (
        gettext_lazy("%(who)s carried %(what)s out"),
        gettext_lazy("%(who)s tried to carry %(what)s out"),
    ),
    "confirm": (
        gettext_lazy("%(who)s confirmed %(what)s"),
        gettext_lazy("%(who)s tried to confirm %(what)s"),
    ),
    "create": (
        gettext_lazy("%(who)s created %(what)s"),
        gettext_lazy("%(who)s tried to create %(what)s"),
    ),
    "deactivate": (
        gettext_lazy("%(who)s switched %(what)s off"),
        gettext_lazy("%(who)s tried to switch %(what)s off"),
    ),
    "delete": (
        gettext_lazy("%(who)s deleted %(what)s"),
        gettext_lazy("%(who)s tried to delete %(what)s"),
    ),
    "duplicate": (
        gettext_lazy("%(who)s duplicated %(what)s"),
        gettext_lazy("%(who)s tried to duplicate %(what)s"),
    ),
    "end": (
        gettext_lazy("%(who)s ended %(what)s"),
        gettext_lazy("%(who)s tried to end %(what)s"),
    ),
    "export": (
        gettext_lazy("%(who)s exported %(what)s"),
        gettext_lazy("%(who)s tried to export %(what)s"),
    ),
    "fetch": (
        gettext_lazy("%(who)s fetched %(what)s"),
        gettext_lazy("%(who)s tried to fetch %(what)s"),
    ),
    "import": (
        gettext_lazy("%(who)s imported %(what)s"),
        gettext_lazy("%(who)s tried to import %(what)s"),
    ),
    "install": (
        gettext_lazy("%(who)s installed %(what)s"),
        gettext_lazy("%(who)s tried to install %(what)s"),
    ),
    "limit": (
        gettext_lazy("%(who)s set the limits of %(what)s"),
        gettext_lazy("%(who)s tried to set the limits of %(what)s"),
    ),
    "mark": (
        gettext_lazy("%(who)s named or pinned a version of %(what)s"),
        gettext_lazy("%(who)s tried to name or pin a version of %(what)s"),
    ),
    "move": (
        gettext_lazy("%(who)s moved %(what)s"),
        gettext_lazy("%(who)s tried to move %(what)s"),
    ),
    "prepare": (
        gettext_lazy("%(who)s prepared %(what)s"),
        gettext_lazy("%(who)s tried to prepare %(what)s"),
    ),
    "prune": (
        gettext_lazy("%(who)s deleted what was old of %(what)s"),
        gettext_lazy("%(who)s tried to delete what was old of %(what)s"),
    ),
    "purge": (
        gettext_lazy("%(who)s purged %(what)s"),
        gettext_lazy("%(who)s tried to purge %(what)s"),
    ),
    "read": (
        gettext_lazy("%(who)s read %(what)s"),
        gettext_lazy("%(who)s tried to read %(what)s"),
    ),
    "refuse": (
        gettext_lazy("%(who)s refused %(what)s"),
        gettext_lazy("%(who)s tried to refuse %(what)s"),
    ),
    "renew": (
        gettext_lazy("%(who)s renewed %(what)s"),
        gettext_lazy("%(who)s tried to renew %(what)s"),
    ),
    "report": (
        gettext_lazy("%(who)s reported %(what)s"),
        gettext_lazy("%(who)s tried to report %(what)s"),
    ),
    "reset": (
        gettext_lazy("%(who)s reset %(what)s"),
        gettext_lazy("%(who)s tried to reset %(what)s"),
    ),
    "restore": (
        gettext_lazy("%(who)s restored %(what)s"),
        gettext_lazy("%(who)s tried to restore %(what)s"),
    ),
    "resume": (
        gettext_lazy("%(who)s resumed %(what)s"),
        gettext_lazy("%(who)s tried to resume %(what)s"),
    ),
    "retry": (
        gettext_lazy("%(who)s sent %(what)s again"),
        gettext_lazy("%(who)s tried to send %(what)s again"),
    ),
    "revoke": (
        gettext_lazy("%(who)s revoked %(what)s"),
        gettext_lazy("%(who)s tried to revoke %(what)s"),
    ),
    "rotate": (
        gettext_lazy("%(who)s rotated %(what)s"),
        gettext_lazy("%(who)s tried to rotate %(what)s"),
    ),
    "search": (
        gettext_lazy("%(who)s searched for %(what)s"),
        gettext_lazy("%(who)s tried to search for %(what)s"),
    ),
    "share": (
        gettext_lazy("%(who)s shared %(what)s"),
        gettext_lazy("%(who)s tried to share %(what)s"),
    ),
    "sign_in": (
        gettext_lazy("%(who)s signed in"),
        gettext_lazy("%(who)s tried to sign in"),
    ),
    "sign_out": (
        gettext_lazy("%(who)s signed out"),
        gettext_lazy("%(who)s tried to sign out"),
    ),
    "start": (
        gettext_lazy("%(who)s started %(what)s"),
        gettext_lazy("%(who)s tried to start %(what)s"),
    ),
    "take_back": (
        gettext_lazy("%(who)s took %(what)s back"),
        gettext_lazy("%(who)s tried to take %(what)s back"),
    ),
    "test": (
        gettext_lazy("%(who)s tested %(what)s"),
        gettext_lazy("%(who)s tried to test %(what)s"),
    ),
    "undo": (
        gettext_lazy("%(who)s undid a change of %(what)s"),
        gettext_lazy("%(who)s tried to undo a change of %(what)s"),
    ),
    "unshare": (
        gettext_lazy("%(who)s ended a share of %(what)s"),
        gettext_lazy("%(who)s tried to end a share of %(what)s"),
    ),
    "update": (
        gettext_lazy("%(who)s changed %(what)s"),
        gettext_lazy("%(who)s tried to change %(what)s"),
    ),
    "use": (
        gettext_lazy("%(who)s used %(what)s"),
        gettext_lazy("%(who)s tried to use %(what)s"),
    ),
}
# The kinds of rows whose model has another name
KINDS = {
    "aliasuse": "alias",
    "apitoken": "api_token",
    "auditcheckpoint": "checkpoint",
    "connectiontype": "type",
    "defaultprofile": "defaults",
    "formeralias": "alias",
    "group": "role",
    "hostapproval": "host",
    "issuerrule": "issuer_rule",
    "keyreplacement": "replacement",
    "noticetarget": "notice_target",
    "revealtoken": "flow_token",
    "sectionteam": "section",
    "serviceaccount": "service_account",
    "teamview": "view",
    "trustedissuer": "issuer",
    "user": "person",
}


def kind_of(row: Any) -> str:
    """The kind of a row, as the actions on it are named."""
    return kind_named(str(row._meta.model_name))


def kind_named(model_name: str) -> str:
    """The kind of the rows of a model."""
    return KINDS.get(model_name, model_name)


def is_action(name: str) -> bool:
    """True if an action has words."""
    kind, _dot, verb = name.partition(".")
    return kind in THINGS and verb in VERBS


def sentence(action: str, who: str, name: str, outcome: str) -> str:
    """An act and its Outcome in a sentence: "ann changed the connection openai-eu"."""
    kind, _dot, verb = action.partition(".")
    done, tried = VERBS[verb]
    what = str(THINGS[kind]) % {"name": name}
    is_done = outcome == Outcome.DONE
    text = str(done if is_done else tried) % {"who": who, "what": what.strip()}
    if outcome == Outcome.FAILED:
        return _("%(act)s, which failed") % {"act": text}
    return text if is_done else _("%(act)s and was refused") % {"act": text}


def things() -> dict[str, str]:
    """The kinds of objects in words: `the connection`."""
    return {kind: (str(words) % {"name": ""}).strip() for kind, words in THINGS.items()}


def verbs() -> dict[str, str]:
    """The verbs in words, with dots for who and what: `… changed …`."""
    return {verb: str(done) % {"who": "…", "what": "…"} for verb, (done, _tried) in VERBS.items()}
