"""Adding a connection where one is needed: from a page whose form has a picker of connections, and
back to it.

With JavaScript the pages of adding open in a dialog over that page (static/js/in_place.js). Without
it, the "+" beside the picker posts the form here; what was typed is kept as a draft in the session,
and brought back with the new connection chosen.
"""

import re
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from providers.core.base import Provider

from ..references import is_reference
from .base import Page

SESSION_KEY = "drafts"
MOST_DRAFTS, LARGEST, LIFE = 4, 65_536, 3600  # of one session, characters of one, seconds
# `again`: a passphrase once more
NEVER_KEPT = re.compile(r"csrf|passw|passphrase|^again$|^add-here$", re.IGNORECASE)
REFERENCES_ONLY = re.compile(
    r"^(?!from-|item-).*(secret|token|key)", re.IGNORECASE
)  # a secret must not stand in a session
DIALOG = "dialog"
OF_PROVIDER = "provider:"


@dataclass(frozen=True)
class FormDraft:
    """The entries of a page's form, kept while its user adds a connection.

    `user`: the user's primary key; `address`: the page's; `picker`: the input that the connection
    is for; `accepts`: capabilities, with commas between them, or `provider:` and the id of one;
    `chosen`: the alias of the added connection.
    """

    user: Any
    address: str
    picker: str
    accepts: str
    entries: dict[str, list[str]] = field(default_factory=dict)
    chosen: str = ""
    made_at: float = 0.0

    def posted(self) -> QueryDict:
        """The entries as data that a form can be bound to."""
        data = QueryDict(mutable=True)
        for name, values in self.entries.items():
            data.setlist(name, values)
        return data


def find_draft(request: HttpRequest, key: str) -> FormDraft | None:
    """The draft with this key; None if it is not this user's, or too old."""
    found = request.session.get(SESSION_KEY, {}).get(key)
    draft = FormDraft(**found) if found else None
    return (
        draft
        if draft and draft.user == request.user.pk and draft.made_at > time.time() - LIFE
        else None
    )


def keep_draft(request: HttpRequest, draft: FormDraft, key: str = "") -> str:
    """Puts a draft into the session and returns its key. The oldest drafts make room."""
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
class AddContext:
    """The page that a connection is added for, if any.

    `is_dialog`: the form of adding is in a dialog over that page. `draft`: that page's form, under
    `key` in the session; then adding leads back to it.
    """

    is_dialog: bool = False
    accepts: str = ""
    key: str = ""
    draft: FormDraft | None = None

    @property
    def query(self) -> str:
        """The query that each address of adding carries along."""
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
        """The beginning of the ids in the dialog, since the page behind it has ids too."""
        return "here-" if self.is_dialog else ""

    def fits(self, provider: type[Provider[Any]]) -> bool:
        """True if the picker takes connections of this provider."""
        if self.accepts.startswith(OF_PROVIDER):
            return self.accepts.removeprefix(OF_PROVIDER) == provider.id
        return set(filter(None, self.accepts.split(","))) <= {
            str(one) for one in provider.capabilities
        }


def add_context_of(request: HttpRequest) -> AddContext:
    """The context in which this request adds a connection."""
    if request.GET.get("in") == DIALOG and request.htmx:  # type: ignore[attr-defined]
        return AddContext(is_dialog=True, accepts=request.GET.get("accepts", ""))
    key = request.GET.get("draft", "")
    draft = find_draft(request, key)
    return AddContext(
        accepts=draft.accepts if draft else request.GET.get("accepts", ""),
        key=key if draft else "",
        draft=draft,
    )


def note_choice(request: HttpRequest, context: AddContext, alias: str) -> None:
    """Notes in the draft the alias of the connection that was added for it."""
    if context.draft:
        keep_draft(request, FormDraft(**asdict(context.draft) | {"chosen": alias}), context.key)


class PicksConnections(Page):
    """A page whose form has a picker of connections.

    Its `get` brings back the `draft`, if there is one for it.
    """

    def draft(self) -> FormDraft | None:
        """The entries of this page's form from before a connection was added, if there are any."""
        found = find_draft(self.request, self.request.GET.get("draft", ""))
        return found if found and urlsplit(found.address).path == self.request.path else None


class ConnectionAddPage(Page):
    """A page of adding a connection, which may be in the dialog."""

    add_context: AddContext

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.add_context = add_context_of(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if self.add_context.is_dialog:
            response.headers["HX-Push-Url"] = (
                # the address stays that of the page behind; hx-push-url cannot say so of hx-boost
                "false"
            )
        return response


class AddHereView(Page):
    """Keeps what was typed into the form that is posted, and leads to adding a connection."""

    permission_required = "connections.add_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        page = request.GET.get("from", "")
        address = _address_of_picker(page)
        entries = entries_to_keep(request.POST)
        if sum(len(name) + sum(map(len, values)) for name, values in entries.items()) > LARGEST:
            text = _(
                "What you typed is too long to be kept while you add a connection. Go back, "
                "shorten it, or add the connection first."
            )
            return render(request, "400.html", {"title": text}, status=413)
        draft = FormDraft(
            request.user.pk,
            address,
            request.POST.get("add-here", ""),
            request.GET.get("accepts", ""),
            entries,
            "",
            time.time(),
        )
        # the draft that the page was brought back from is replaced by the new one
        old_key = dict(parse_qsl(urlsplit(page).query)).get("draft", "")
        key = keep_draft(request, draft, old_key if re.fullmatch(r"[\w-]{12}", old_key) else "")
        return self.redirect(f"{reverse('provider-list')}?{urlencode({'draft': key})}")


def entries_to_keep(posted: QueryDict) -> dict[str, list[str]]:
    """The entries of a form that may stand in a session: no passphrase, and of a secret only a
    reference.
    """
    return {
        name: values
        for name, values in posted.lists()
        if not NEVER_KEPT.search(name)
        and (
            not REFERENCES_ONLY.search(name) or all(not one or is_reference(one) for one in values)
        )
    }


def _address_of_picker(address: str) -> str:
    """The address without its draft, if it is one of a page that has a picker.

    Raises Http404, SuspiciousOperation.
    """
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        raise SuspiciousOperation(_("Not an address of this site."))
    try:
        view = getattr(resolve(parts.path).func, "view_class", None)
    except Resolver404:
        view = None
    if view is None or not issubclass(view, PicksConnections):
        raise Http404(_("There is no picker of connections on that page."))
    asked = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in asked if name != "draft"])
    return f"{parts.path}?{query}" if query else parts.path
