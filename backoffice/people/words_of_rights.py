"""The words of rights, and what one may do instead of what one may not.

Django stores the words in English with its permissions; `WORDS` has them for the catalogue.
"""

from collections.abc import Collection

from django.contrib.auth.models import Permission
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

# What Django calls a model after its class, and what the pages call it
SPELLED = {
    "api token": "API token",
    "reveal token": "token for flows",
    "read of secrets": "read of secrets",
    "group": "role",
    "user": "person",
}
WORDS = (
    gettext_noop("API token"),
    gettext_noop("Connection"),
    gettext_noop("Connection type"),
    gettext_noop("Role"),
    gettext_noop("Notice target"),
    gettext_noop("Profile"),
    gettext_noop("Token for flows"),
    gettext_noop("Service account"),
    gettext_noop("Team"),
    gettext_noop("Person"),
    gettext_noop("Connection check"),
    gettext_noop("Default profile"),
    gettext_noop("Read of secrets"),
    gettext_noop("Usage record"),
    gettext_noop("Former alias"),
    gettext_noop("Host approval"),
    gettext_noop("Add API token"),
    gettext_noop("Add connection"),
    gettext_noop("Add connection type"),
    gettext_noop("Add role"),
    gettext_noop("Add notice target"),
    gettext_noop("Add profile"),
    gettext_noop("Add token for flows"),
    gettext_noop("Add service account"),
    gettext_noop("Add person"),
    gettext_noop("Change connection"),
    gettext_noop("Change default profile"),
    gettext_noop("Change role"),
    gettext_noop("Change notice target"),
    gettext_noop("Change profile"),
    gettext_noop("Change service account"),
    gettext_noop("Change person"),
    gettext_noop("Delete API token"),
    gettext_noop("Delete connection"),
    gettext_noop("Delete connection type"),
    gettext_noop("Delete role"),
    gettext_noop("Delete notice target"),
    gettext_noop("Delete profile"),
    gettext_noop("Delete token for flows"),
    gettext_noop("Delete person"),
    gettext_noop("View API token"),
    gettext_noop("View connection"),
    gettext_noop("View connection check"),
    gettext_noop("View connection type"),
    gettext_noop("View default profile"),
    gettext_noop("View role"),
    gettext_noop("View notice target"),
    gettext_noop("View profile"),
    gettext_noop("View read of secrets"),
    gettext_noop("View token for flows"),
    gettext_noop("View service account"),
    gettext_noop("View usage record"),
    gettext_noop("View person"),
    gettext_noop("Approve hosts for the secrets of references"),
    gettext_noop("Change aliases and take former ones away"),
    gettext_noop("Export connections with their secrets"),
    gettext_noop("Manage teams, and see what any team has"),
    gettext_noop("Switch connection on and off"),
    gettext_noop("Switch profile on and off"),
    gettext_noop("Test connection"),
    gettext_noop("Use profile"),
)

# What is of use to whoever lacks a right: another right, and what to do with it.
INSTEAD: dict[str, tuple[tuple[str, str], ...]] = {
    "connections.add_connection": (
        (
            "connections.view_connection",
            gettext_noop("You may use one that is there: the list shows which."),
        ),
    ),
    "connections.change_connection": (
        (
            "connections.test_connection",
            gettext_noop("You may test it, so that whoever may edit it knows what is wrong."),
        ),
        (
            "connections.view_connection",
            gettext_noop("You may read its settings, and who changed them."),
        ),
    ),
    "connections.delete_connection": (
        (
            "connections.toggle_connection",
            gettext_noop("You may switch it off: nothing uses it then."),
        ),
        ("connections.view_connection", gettext_noop("You may see what still uses it.")),
    ),
    "connections.toggle_connection": (
        ("connections.view_connection", gettext_noop("You may see what still uses it.")),
    ),
    "connections.test_connection": (
        (
            "connections.view_connectioncheck",
            gettext_noop("You may see how its last tests ended."),
        ),
    ),
    "connections.export_secrets": (
        (
            "connections.view_connection",
            gettext_noop("You may export connections without their secrets."),
        ),
    ),
    "connections.change_alias": (
        (
            "connections.add_connection",
            gettext_noop("You may duplicate the row: the copy gets an alias of its own."),
        ),
    ),
    "connections.approve_host": (
        (
            "connections.change_connection",
            gettext_noop("You may enter the secret itself in place of the reference."),
        ),
    ),
    "connections.add_profile": (
        (
            "connections.use_profile",
            gettext_noop("You may use a profile that is there: try it in its playground."),
        ),
    ),
    "connections.change_profile": (
        (
            "connections.use_profile",
            gettext_noop("You may try other values in its playground: they are not saved."),
        ),
        ("connections.view_profile", gettext_noop("You may read its settings.")),
    ),
    "connections.delete_profile": (
        (
            "connections.toggle_profile",
            gettext_noop("You may switch it off: its requests are refused then."),
        ),
    ),
    "connections.add_apitoken": (
        (
            "connections.use_profile",
            gettext_noop("You may call profiles in their playgrounds, without a token."),
        ),
    ),
    "gateway.view_usagerecord": (
        (
            "connections.view_connection",
            gettext_noop("You may see on its page whether a connection works."),
        ),
    ),
}


def words_of_all(rights: Collection[str]) -> dict[str, str]:
    """The words of rights in the language of the page, by the right, sorted by what they are
    about. A right that Django does not know has none.
    """
    labels = {one.partition(".")[0] for one in rights}
    rows = Permission.objects.filter(content_type__app_label__in=labels).values_list(
        "content_type__app_label", "codename", "name"
    )
    return {
        right: in_words(name)
        for label, codename, name in rows.order_by("content_type__app_label", "pk")
        if (right := f"{label}.{codename}") in rights
    }


def instead_of(right: str, held: Collection[str]) -> str:
    """What somebody with the rights `held` may do in place of what they may not; empty if nothing
    is known.
    """
    fitting = (text for needs, text in INSTEAD.get(right, ()) if needs in held)
    text = next(fitting, "")
    return _(text) if text else ""


def in_words(name: str) -> str:
    """The name of a permission in the language of the page, "Can add user" as "Add person"."""
    act = name.removeprefix("Can ")
    for by_django, ours in SPELLED.items():
        act = act.replace(by_django, ours)
    return _(act[:1].upper() + act[1:])
