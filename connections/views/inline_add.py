"""Adding a connection where one is needed: from a page whose form has a picker of connections, and
back to it.

With JavaScript the pages of adding open in a dialog over that page (static/js/in_place.js). Without
it, the "+" beside the picker posts the form here; what was typed is kept as a draft in the session,
and brought back with the new connection chosen.
"""

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse

from providers.core.base import Provider

from ..references import is_reference
from .base import Page

SESSION_KEY = "drafts"
MOST_DRAFTS, LARGEST, LIFE = 4, 65_536, 3600  # of one session, characters of one, seconds
NEVER_KEPT = re.compile(r"csrf|passw|passphrase|^add-here$", re.IGNORECASE)
REFERENCES_ONLY = re.compile(
    r"^(?!from-|item-).*(secret|token|key)", re.IGNORECASE
)  # a secret must not stand in a session
DIALOG = "dialog"
OF_PROVIDER = "provider:"


@dataclass(frozen=True)
class Draft:
    """What somebody typed into a page's form before they went to add a connection.

    `chosen`: the alias of the one they added.

    `address`: of the page; `picker`: the input that the connection is for; `accepts`: capabilities,
    with commas between them, or `provider:` and the id of one.
    """

    user: Any  # the key of theirs
    address: str
    picker: str
    accepts: str
    entries: dict[str, list[str]] = field(default_factory=dict)
    chosen: str = ""
    made_at: float = 0.0

    def posted(self) -> QueryDict:
        """The entries, as a form takes them."""
        data = QueryDict(mutable=True)
        for name, values in self.entries.items():
            data.setlist(name, values)
        return data


def find_draft(request: HttpRequest, key: str) -> Draft | None:
    """The draft with this key, if it is this person's and not too old."""
    found = request.session.get(SESSION_KEY, {}).get(key)
    draft = Draft(**found) if found else None
    return (
        draft
        if draft and draft.user == request.user.pk and draft.made_at > time.time() - LIFE
        else None
    )


def keep_draft(request: HttpRequest, draft: Draft, key: str = "") -> str:
    """Puts a draft into the session and says under which key. The oldest ones make room."""
    key = key or secrets.token_urlsafe(9)
    kept = {
        name: one
        for name, one in request.session.get(SESSION_KEY, {}).items()
        if name != key and one["made_at"] > time.time() - LIFE
    }
    newest = sorted(kept, key=lambda name: kept[name]["made_at"])[-(MOST_DRAFTS - 1) :]
    request.session[SESSION_KEY] = {name: kept[name] for name in newest} | {key: asdict(draft)}
    return key


@dataclass(frozen=True)
class Way:
    """Why a connection is added: for itself, or for a page that needs one, in a dialog over it or
    as a page that leads back to it.
    """

    is_dialog: bool = False
    accepts: str = ""
    key: str = ""
    draft: Draft | None = None

    @property
    def query(self) -> str:
        """What the addresses of adding carry along."""
        if self.is_dialog:
            return "?" + urlencode({"in": DIALOG, "accepts": self.accepts})
        return "?" + urlencode({"draft": self.key}) if self.draft else ""

    @property
    def back(self) -> str:
        """The page that needs the connection, with what was typed; empty if there is none."""
        if self.draft is None:
            return ""
        return (
            self.draft.address
            + ("&" if "?" in self.draft.address else "?")
            + urlencode({"draft": self.key})
        )

    @property
    def prefix(self) -> str:
        """What the ids in the dialog begin with, since the page behind it has ids too."""
        return "here-" if self.is_dialog else ""

    def fits(self, provider: type[Provider[Any]]) -> bool:
        """Whether the picker takes connections of this provider."""
        if self.accepts.startswith(OF_PROVIDER):
            return self.accepts.removeprefix(OF_PROVIDER) == provider.id
        return set(filter(None, self.accepts.split(","))) <= {
            str(one) for one in provider.capabilities
        }


def way_of(request: HttpRequest) -> Way:
    """How the person came to add a connection."""
    if request.GET.get("in") == DIALOG and request.htmx:  # type: ignore[attr-defined]
        return Way(is_dialog=True, accepts=request.GET.get("accepts", ""))
    key = request.GET.get("draft", "")
    draft = find_draft(request, key)
    return Way(
        accepts=draft.accepts if draft else request.GET.get("accepts", ""),
        key=key if draft else "",
        draft=draft,
    )


def note_choice(request: HttpRequest, way: Way, alias: str) -> None:
    """Notes in the draft which connection was added for it."""
    if way.draft:
        keep_draft(request, Draft(**asdict(way.draft) | {"chosen": alias}), way.key)


class PicksConnections(Page):
    """A page whose form has a picker of connections.

    Its `get` brings back the `draft`, if there is one for it.
    """

    def draft(self) -> Draft | None:
        """What was typed here before a connection was added."""
        found = find_draft(self.request, self.request.GET.get("draft", ""))
        return found if found and urlsplit(found.address).path == self.request.path else None


class AddsInPlace(Page):
    """A page of adding a connection, which may be in the dialog."""

    def way(self) -> Way:
        """How the person came here."""
        return way_of(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if self.way().is_dialog:
            response.headers["HX-Push-Url"] = (
                # the address stays that of the page behind; hx-push-url cannot say so of hx-boost
                "false"
            )
        return response


class AddHereView(Page):
    """Keeps what was typed into the form that is posted, and leads to adding a connection."""

    permission_required = "connections.add_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        address = _address_of_picker(request.GET.get("from", ""))
        entries = {
            name: request.POST.getlist(name)
            for name in request.POST
            if _may_keep(name, request.POST.getlist(name))
        }
        if _size(entries) > LARGEST:
            text = (
                "What you typed is too long to be kept while you add a connection. Go back, "
                "shorten it, or add the connection first."
            )
            return render(request, "400.html", {"title": text}, status=413)
        draft = Draft(
            request.user.pk,
            address,
            request.POST.get("add-here", ""),
            request.GET.get("accepts", ""),
            entries,
            "",
            time.time(),
        )
        key = keep_draft(request, draft, _old_key(request.GET.get("from", "")))
        return self.redirect(f"{reverse('provider-list')}?{urlencode({'draft': key})}")


def _may_keep(name: str, values: list[str]) -> bool:
    return not NEVER_KEPT.search(name) and (
        not REFERENCES_ONLY.search(name) or all(not one or is_reference(one) for one in values)
    )


def _size(entries: dict[str, list[str]]) -> int:
    return sum(len(name) + sum(map(len, values)) for name, values in entries.items())


def _address_of_picker(address: str) -> str:
    """The address without its draft, if it is one of a page that has a picker.

    Raises Http404, SuspiciousOperation.
    """
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        raise SuspiciousOperation("Not an address of this site.")
    try:
        view = getattr(resolve(parts.path).func, "view_class", None)
    except Resolver404:
        view = None
    if view is None or not issubclass(view, PicksConnections):
        raise Http404("There is no picker of connections on that page.")
    return parts.path + (f"?{urlencode(query)}" if (query := _without_draft(parts.query)) else "")


def _without_draft(query: str) -> Sequence[tuple[str, str]]:
    return [
        (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "draft"
    ]


def _old_key(address: str) -> str:
    """The key of the draft that the page was brought back from: the new one takes its place."""
    key = dict(parse_qsl(urlsplit(address).query)).get("draft", "")
    return key if re.fullmatch(r"[\w-]{12}", key) else ""
