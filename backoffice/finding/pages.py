"""The pages that a person may see: whatever has an address without arguments and a title. Nothing
lists them: a new page is found by its title.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.views.base import Page

from .hits import Group, Hit, best, rank

SECTIONS = {  # the icons of the rail
    "dashboard": "home",
    "attention": "bell-alert",
    "notices": "bell",
    "connections": "link",
    "profiles": "adjustments-horizontal",
    "references": "currency-dollar",
    "usage": "chart-bar",
    "tokens": "key",
    "types": "puzzle-piece",
    "schedule": "clock",
    "audit": "list-bullet",
    "find": "magnifying-glass",
    "administration": "cog-6-tooth",
    "people": "users",
    "you": "user-circle",
}
OTHER_WORDS = {  # what people call them who do not know their names
    "token-list": "api keys, access",
    "attention": "faults, problems, what is broken",
    "schedule": "checks, jobs",
    "defaults": "settings",
    "preferences": "language, time zone, profile, account",
    "package-export": "download, backup",
    "package-import": "upload, restore",
    "find-key": "find a leaked key, secret",
    "usage": "requests, cost, statistics, charts",
    "request-list": "calls, log, records",
    "person-list": "users, accounts",
    "audit-list": "who did what, events, log, history",
    "own-acts": "my events, history",
    "role-list": "groups, rights, permissions",
    "source-list": "vault, secret stores",
}
# for developers; the page that asks; a step of another act
NOT_OFFERED = frozenset(["styleguide", "find", "confirm-by-provider"])


@cache
def views() -> Mapping[str, type[Page]]:
    """The class of each page, and of each act, by the name of its address."""
    return dict(_walked(get_resolver().url_patterns))


def _walked(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[tuple[str, type[Page]]]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _walked(one.url_patterns)
        else:
            view = getattr(one.callback, "view_class", None)
            if one.name and view and issubclass(view, Page):
                yield one.name, view


def may(actor: Any, name: str) -> bool:
    """True if a person may open the page, or do the act, with this name of an address."""
    wanted: Any = views()[name].permission_required
    return bool(actor.has_perms([wanted] if isinstance(wanted, str) else wanted))


@cache
def _offered() -> list[tuple[str, str]]:
    """The names and the addresses of the pages that have a title and need no argument."""
    arguments = get_resolver().reverse_dict
    return [
        (name, reverse(name))
        for name, view in views().items()
        if str(view.title) and hasattr(view, "get") and name not in NOT_OFFERED
        if any(not parameters for _, parameters in arguments.getlist(name)[0][0])
    ]


def pages(text: str, actor: Any) -> Group:
    """The pages that fit a text; all of them for an empty one."""
    hits = []
    for name, address in _offered():
        view = views()[name]
        title = str(view.title)
        fits = rank(text, title, view.section, OTHER_WORDS.get(name, ""))
        if fits is not None and may(actor, name):
            icon = SECTIONS.get(view.section, "document")
            hits.append(Hit(title, address, fits, icon=icon, sought=text))
    others = [(_("Change password"), reverse("password-change"), "user-circle")]
    if actor.is_staff:
        others.append((_("Django's administration"), reverse("admin:index"), "users"))
    for title, address, icon in others:
        fits = rank(text, title)
        if fits is not None:
            hits.append(Hit(title, address, fits, icon=icon, sought=text))
    name = gettext_noop("Pages")
    return best(name, hits) if text else Group(name, hits, len(hits))
