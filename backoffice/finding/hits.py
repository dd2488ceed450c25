"""What is found, and how well a text fits a name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from connections.texts import folded

EXACT, PREFIX, WORD, PART, ELSEWHERE = range(5)  # the best first
AT_MOST = 8  # of a group
COUNTED = 100  # a search that has found more of one kind counts no further


def rank(text: str, *names: str) -> int | None:
    """How well a text fits the one of these names that it fits best: it is the name, begins it,
    begins a word of it, is in it, or all its words are somewhere in the names. None if it does not
    fit.
    """
    wanted = folded(text)
    found = [one for name in names if (one := _rank(wanted, folded(name))) is not None]
    if found:
        return min(found)
    everything = " ".join(map(folded, names))
    return ELSEWHERE if all(word in everything for word in wanted.split()) else None


def _rank(wanted: str, name: str) -> int | None:
    at = name.find(wanted)
    if at < 0:
        return None
    if at == 0:
        return EXACT if wanted == name else PREFIX
    while at > 0:
        if not name[at - 1].isalnum():
            return WORD
        at = name.find(wanted, at + 1)
    return PART


@dataclass(frozen=True)
class Hit:
    """One thing that is found: a link, or a button that posts `fields` where there are any.

    `alias`: what code calls it. `why`: what of it fits, where its name does not. `provider`: the
    id of the service whose mark it has. `icon`: the name of its icon where it has no mark.
    `sought`: the text, to be marked in the name.
    """

    title: str
    address: str
    rank: int = ELSEWHERE
    alias: str = ""
    why: str = ""
    note: str = ""
    provider: str = ""
    icon: str = ""
    sought: str = ""
    fields: Mapping[str, str] | None = None

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """The title in parts: (text, whether it is what was sought)."""
        at = self.title.lower().find(self.sought.lower()) if self.sought else -1
        end = at + len(self.sought)
        cut = [(self.title[:at], False), (self.title[at:end], True), (self.title[end:], False)]
        return [one for one in cut if one[0]] if at >= 0 else [(self.title, False)]


@dataclass(frozen=True)
class Group:
    """Things of one kind, the best first.

    `total`: how many there are, more than `hits` where some are left out. `everything`: the page
    that shows all of them, empty without one.
    """

    name: str  # in English: templates translate it
    hits: Sequence[Hit] = field(default=())
    total: int = 0
    everything: str = ""

    @property
    def number(self) -> str:
        """How many there are, for people."""
        most = _("more than %(n)s") % {"n": COUNTED}
        return most if self.total > COUNTED else str(self.total)

    @property
    def rank(self) -> int:
        """That of its best hit."""
        return min((one.rank for one in self.hits), default=ELSEWHERE)


def best(name: str, hits: Iterable[Hit], **more: Any) -> Group:
    """The group of this name with the best of these hits, of equal ones the first."""
    ordered = sorted(hits, key=lambda one: one.rank)
    return Group(name, ordered[:AT_MOST], len(ordered), **more)
