"""What was typed into a form that could not be taken: the session had ended, or another tab signed
in anew. It is shown again in the form, without secrets.
"""

import time
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve
from django.utils.datastructures import MultiValueDict
from django.utils.http import url_has_allowed_host_and_scheme

from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from ..forms.base import SETTINGS
from ..references import is_reference
from .inline_add import LARGEST, FormDraft, entries_to_keep, find_draft, keep_draft

Form = TypeVar("Form", bound=forms.BaseForm)
TYPED = "typed"  # in the address of the form


def page_of_form(request: HttpRequest) -> str:
    """The path and query of the page on which a form or a button was; `/` when the browser does not
    say, or names another site.
    """
    htmx = getattr(request, "htmx", None)
    address = (htmx.current_url if htmx else "") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
        return "/"
    parts = urlsplit(address)
    query = [one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] != TYPED]
    return f"{parts.path or '/'}?{urlencode(query)}" if query else parts.path or "/"


def entries_of(posted: QueryDict, page: str) -> list[tuple[str, str]]:
    """The entries of a page's form that may be shown again: of what is a secret for any provider,
    only a reference. Empty if they are too long, or the page shows none again.
    """
    try:
        view = getattr(resolve(urlsplit(page).path).func, "view_class", None)
    except Resolver404:
        return []
    if view is None or not getattr(view, "shows_typed", False):
        return []
    settings = tuple(
        f"{SETTINGS}{one.name}"
        for provider in all_providers()
        for one in settings_fields(provider).values()
        if one.secret or one.kind in ("headers", "secret_map")
    )
    secret = (*settings, *view.secret_entries)
    entries = [
        (name, value)
        for name, values in entries_to_keep(posted).items()
        for value in values
        if not name.startswith(secret) or is_reference(value)
    ]
    return entries if sum(len(name) + len(value) for name, value in entries) <= LARGEST else []


def keep_typed(request: HttpRequest, page: str, entries: list[tuple[str, str]]) -> str:
    """Keeps the entries of a person who is signed in; returns the address that shows them again."""
    if not entries:
        return page
    data: dict[str, list[str]] = {}
    for name, value in entries:
        data.setdefault(name, []).append(value)
    draft = FormDraft(request.user.pk, page, "", "", data, "", time.time())
    query = urlencode({TYPED: keep_draft(request, draft)})
    return f"{page}{'&' if '?' in page else '?'}{query}"


def with_typed(form: Form, request: HttpRequest) -> Form:
    """The same form, which is not bound, with what was typed into it before, if that is kept."""
    typed = typed_before(request)
    if typed is not None:
        files: MultiValueDict[str, Any] = MultiValueDict()
        for name, field in form.fields.items():
            sent, widget = form.add_prefix(name), field.widget
            if not widget.value_omitted_from_data(typed, files, sent):
                form.initial[name] = widget.value_from_datadict(typed, files, sent)
    return form


def typed_before(request: HttpRequest) -> QueryDict | None:
    """What was typed into the form of this page, if it is kept."""
    draft = find_draft(request, request.GET.get(TYPED, ""))
    is_here = draft is not None and urlsplit(draft.address).path == request.path
    return draft.posted() if draft is not None and is_here else None
