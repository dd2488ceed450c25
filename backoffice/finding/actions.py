"""What can be done: `switch off openai-eu`, `test openai-eu`, `add anthropic`, `new token`.

In another language than English its words count too: `openai-eu testen`, `testen openai-eu`.
Nothing is done by being found: an action leads to its form or to the page that asks, or it is a
button that posts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from connections.models import Connection, Profile, VersionedModel
from connections.offers import offered_providers
from connections.texts import folded
from connections.views.base import Text

from .hits import AT_MOST, EXACT, Group, Hit, rank
from .pages import may
from .rows import called

ROWS = 3  # to which a verb is offered
ADD = ("add", "new", "create", "make")


@dataclass(frozen=True)
class Action:
    """Something that is done with a connection or a profile.

    `words`: how it is asked for, `label` what is offered, with a place for the name of the row.
    `name`: that of the address, which is about the row, or has its id in the query under `query`.
    `fields`: what is posted, None for a page. `fits`: whether it makes sense for a row.
    """

    model: type[Connection] | type[Profile]
    words: tuple[str, ...]
    label: Text
    name: str
    icon: str
    fields: Mapping[str, str] | None = None
    query: str = ""
    fits: Callable[[Any], bool] = field(default=lambda _row: True)

    def on(self, row: VersionedModel) -> Hit:
        """The action on one row."""
        address = reverse(self.name, args=[] if self.query else [row.pk])
        return Hit(
            str(self.label) % {"name": row.name},
            f"{address}?{urlencode({self.query: row.pk})}" if self.query else address,
            EXACT,
            alias=row.alias,
            icon=self.icon,
            fields=self.fields,
        )


def _is_on(row: VersionedModel) -> bool:
    return row.is_active


def _is_off(row: VersionedModel) -> bool:
    return not row.is_active


def _is_installed(row: Connection) -> bool:
    return row.provider is not None


OFF, ON = ("switch off", "deactivate", "disable"), ("switch on", "activate", "enable")
COPY, REMOVE = ("duplicate", "copy"), ("delete", "remove")
ACTIONS = (
    Action(
        Connection,
        ("test", "check"),
        _("Test %(name)s"),
        "connection-test",
        "signal",
        {},
    ),
    Action(
        Connection,
        ("edit", "change"),
        _("Edit %(name)s"),
        "connection-update",
        "pencil",
        fits=_is_installed,
    ),
    Action(
        Connection,
        OFF,
        _("Switch off %(name)s"),
        "connection-switch-off",
        "power",
        query="ids",
        fits=_is_on,
    ),
    Action(
        Connection,
        ON,
        _("Switch on %(name)s"),
        "connection-toggle",
        "power",
        {"is_active": "true"},
        fits=_is_off,
    ),
    Action(
        Connection,
        ("replace the key of", "replace key", "rotate", "replace"),
        _("Replace the key of %(name)s"),
        "connection-replace-key",
        "key",
        fits=_is_installed,
    ),
    Action(
        Connection,
        ("export",),
        _("Export %(name)s"),
        "package-export",
        "arrow-down-tray",
        query="ids",
    ),
    Action(
        Connection,
        COPY,
        _("Duplicate %(name)s"),
        "connection-duplicate",
        "document-duplicate",
        {},
        fits=_is_installed,
    ),
    Action(Connection, REMOVE, _("Delete %(name)s"), "connection-delete", "trash"),
    Action(Profile, ("call", "try", "test"), _("Call %(name)s"), "profile-call", "play"),
    Action(Profile, ("edit", "change"), _("Edit %(name)s"), "profile-update", "pencil"),
    Action(
        Profile,
        OFF,
        _("Switch off %(name)s"),
        "profile-toggle",
        "power",
        {"is_active": "false"},
        "",
        _is_on,
    ),
    Action(
        Profile,
        ON,
        _("Switch on %(name)s"),
        "profile-toggle",
        "power",
        {"is_active": "true"},
        "",
        _is_off,
    ),
    Action(
        Profile,
        COPY,
        _("Duplicate %(name)s"),
        "profile-duplicate",
        "document-duplicate",
        {},
    ),
    Action(Profile, REMOVE, _("Delete %(name)s"), "profile-delete", "trash"),
)
# what is made on a page of another name: its label, the page's name, the right that it takes
MADE = (
    ("token", _("Make a token"), "token-list", "connections.add_apitoken"),
    (
        "token for flows",
        _("Make a token for flows"),
        "reveal-token-list",
        "connections.add_revealtoken",
    ),
)


def actions(text: str, actor: Any) -> Group:
    """The actions that a text asks for by a verb, those that a person may do."""
    wanted = folded(text)
    hits = [*_made(wanted, actor), *_on_rows(wanted, actor)]
    return Group(gettext_noop("Actions"), hits[:AT_MOST], len(hits[:AT_MOST]))


def actions_on(row: VersionedModel, actor: Any) -> Group:
    """What a person may do with one row."""
    wanted = [one for one in ACTIONS if isinstance(row, one.model) and one.fits(row)]
    hits = [one.on(row) for one in wanted if may(actor, one.name)]
    return Group(gettext_noop("Actions"), hits, len(hits))


def _made(wanted: str, actor: Any) -> Iterator[Hit]:
    rest = _named(wanted, ADD, _("Add %(name)s"))
    if not rest:
        return
    for noun, label, name, right in MADE:
        if rank(rest, noun) is not None and actor.has_perm(right):
            yield Hit(str(label), reverse(name), EXACT, icon="key")
    if not may(actor, "connection-create"):
        return
    for one in offered_providers():
        if rank(rest, one.name, one.id) is not None:
            address = reverse("connection-create", args=[one.id])
            title = _("Add %(name)s") % {"name": one.name}
            yield Hit(title, address, EXACT, why=str(_("a connection")), provider=one.id)


def _on_rows(wanted: str, actor: Any) -> Iterator[Hit]:
    found: dict[tuple[type[Any], str], list[Any]] = {}
    for action in ACTIONS:
        rest = _named(wanted, action.words, action.label)
        if rest is None or not may(actor, action.name):
            continue
        key = (action.model, rest)
        if key not in found:
            found[key] = called(*key, ROWS)
        yield from (action.on(row) for row in found[key] if action.fits(row))


def _named(wanted: str, words: tuple[str, ...], label: Text) -> str | None:
    """The name that stands with the words of an action, None if these are not in a text. The words
    of its label count too, which other languages put behind the name: `eu testen`.
    """
    before, _place, after = folded(str(label)).partition("%(name)s")
    for verb in (*words, f"{before.strip()} {after.strip()}".strip()):
        if f"{wanted} ".startswith(f"{verb} "):
            return wanted.removeprefix(verb).strip()
    if after and wanted.startswith(before) and wanted.endswith(after):
        return wanted.removeprefix(before).removesuffix(after).strip()
    return None
