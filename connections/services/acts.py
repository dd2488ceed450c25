"""The acts that rights allow, in plain words."""

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# A right that is not one of Django's verbs with a model
OF_ITS_OWN = {
    "connections.approve_host": gettext_lazy("approve a host for the secrets of references"),
    "connections.change_alias": gettext_lazy("change an alias or take a former one away"),
    "connections.export_secrets": gettext_lazy("export connections with their secrets"),
    "connections.manage_teams": gettext_lazy("manage teams"),
    "connections.test_connection": gettext_lazy("test a connection"),
    "connections.toggle_connection": gettext_lazy("switch a connection on or off"),
    "connections.toggle_profile": gettext_lazy("switch a profile on or off"),
    "connections.use_profile": gettext_lazy("use a profile"),
}
VERBS = {
    "add": gettext_lazy("add %(thing)s"),
    "change": gettext_lazy("change %(thing)s"),
    "delete": gettext_lazy("delete %(thing)s"),
    "view": gettext_lazy("see %(thing)s"),
}
# What the verbs act on, by the names of models; of any other its own name
THINGS = {
    "apitoken": gettext_lazy("an API token"),
    "connection": gettext_lazy("a connection"),
    "connectioncheck": gettext_lazy("the test of a connection"),
    "connectiontype": gettext_lazy("a connection type"),
    "defaultprofile": gettext_lazy("a default profile"),
    "group": gettext_lazy("a group"),
    "noticetarget": gettext_lazy("a target of notices"),
    "profile": gettext_lazy("a profile"),
    "revealrecord": gettext_lazy("what a token for flows has read"),
    "revealtoken": gettext_lazy("a token for flows"),
    "serviceaccount": gettext_lazy("a service account"),
    "trustedissuer": gettext_lazy("a trusted issuer"),
    "usagerecord": gettext_lazy("usage"),
    "user": gettext_lazy("a user"),
}


def act_of(permission: str) -> str:
    """The act that a right allows: "add an API token" for "connections.add_apitoken"."""
    if permission in OF_ITS_OWN:
        return str(OF_ITS_OWN[permission])
    label, _dot, codename = permission.partition(".")
    verb, _line, model = codename.partition("_")
    thing = THINGS.get(model) or _named(str(apps.get_model(label, model)._meta.verbose_name))
    return str(VERBS[verb]) % {"thing": thing}


def _named(name: str) -> str:
    """A name with its article."""
    text = _("an %(name)s") if name[:1] in "aeio" else _("a %(name)s")
    return text % {"name": name}
