"""The pages of reveal tokens: make one for a flow, see it once, end it; and who read what with
them.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services as core
from ..forms import AliasesField, NetworksField
from ..models import Connection, RevealToken, by_name
from ..views.base import Crumb, Page, tell_done
from ..views.inline_add import PicksConnections
from ..views.once import SENT_AGAIN, is_sent_again, new_mark, remember_sent
from ..views.typed import typed_before
from . import services

MOST_TICKED = 60  # with more connections than these, aliases are typed
PAGE_SIZE = 50
HERE = (gettext_lazy("Tokens for flows"), "/tokens/flows/")


class RevealTokenForm(forms.Form):
    """A new reveal token. Everything but the form of its fields is judged by the services."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("To tell tokens apart: which flow uses it?"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    connections = AliasesField(required=False, label=gettext_lazy("Connections"))
    networks = NetworksField(label=gettext_lazy("Networks"))
    expires_in_days = forms.IntegerField(
        required=False,
        label=gettext_lazy("Ends after"),
        initial=90,
        help_text=gettext_lazy("Days, at most 366."),
    )

    def __init__(self, connections: list[Connection], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        many = len(connections) >= MOST_TICKED
        choices = [(one.alias, one.name) for one in connections]
        text, boxes = (
            forms.TextInput({"data-several": True}),
            forms.CheckboxSelectMultiple(choices=choices),
        )
        self.fields["connections"].widget = text if many else boxes
        help_text = _(
            "Whose secrets it may read, at least one. None is added by itself later. What they "
            "refer to now is approved; what they refer to later waits for an approval."
        )
        how = _("Ids or aliases with commas between them.")
        self.fields["connections"].help_text = f"{help_text} {how}" if many else help_text


class RevealTokenListView(PicksConnections):
    """Reveal tokens, and the form for a new one."""

    template_name = "connections/promptflow/reveal_token_list.html"
    title = HERE[0]
    section = "tokens"
    permission_required = "connections.view_revealtoken"
    shows_typed = True

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def get_breadcrumbs(self) -> list[Crumb]:
        return (
            [(gettext_lazy("Tokens"), "/tokens/")]
            if self.request.user.has_perm("connections.view_apitoken")
            else []
        )

    def tokens(self) -> QuerySet[RevealToken]:
        """Every token that the person may see, the newest first."""
        return services.reveal_tokens(self.request.user).prefetch_related(
            Prefetch("connections", Connection.objects.listed())
        )

    def show(self, form: RevealTokenForm, **context: Any) -> HttpResponse:
        """The page."""
        return self.render_to_response(
            self.get_context_data(tokens=self.tokens(), form=form, once=new_mark(), **context)
        )

    def form(self, **kwargs: Any) -> RevealTokenForm:
        """The form, bound when given `data`."""
        rows = services.revealable(self.request.user).order_by(*by_name())
        return RevealTokenForm(list(rows[:MOST_TICKED]), **kwargs)

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.show(self.form(initial=self._brought_back()))

    def _brought_back(self) -> dict[str, Any]:
        """The entries that were typed before a connection was added, with that connection ticked
        too.
        """
        draft = self.draft()
        posted = draft.posted() if draft else typed_before(self.request)
        if posted is None:
            return {}
        typed = {name: posted.get(name, "") for name in ("name", "networks", "expires_in_days")}
        chosen = [
            *posted.getlist("connections"),
            draft.chosen if draft else "",
        ]  # ticked ones, or one text of several
        return typed | {"connections": AliasesField(required=False).to_python(",".join(chosen))}

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(data=request.POST)
        if not form.is_valid():
            return self.show(form)
        if is_sent_again(request):
            messages.warning(request, SENT_AGAIN)
            return self.redirect("reveal-token-list")
        values = form.cleaned_data
        try:
            row, text = services.create_reveal_token(
                values.pop("name"), user=request.user, actor=request.user, **values
            )
        except core.Invalid as refused:
            for error in refused.errors:
                form.add_error(
                    error.field if error.field in form.fields else None,
                    forms.ValidationError(error.message, error.code),
                )
            return self.show(form)
        remember_sent(request)
        return self.show(
            self.form(), created=row, endpoint=request.build_absolute_uri(f"/promptflow/{text}")
        )


class RevealTokenRevokeView(Page):
    """Says what ending a token hits, asks, and ends it."""

    template_name = "connections/promptflow/reveal_token_revoke.html"
    section = "tokens"
    permission_required = "connections.view_revealtoken"

    @property
    def token(self) -> RevealToken:
        """The token in the address; 404 if there is none."""
        if not hasattr(self, "_token"):
            rows = services.reveal_tokens(self.request.user)
            self._token = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._token

    def get_title(self) -> str:
        return _("Revoke %(name)s") % {"name": self.token.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(gettext_lazy("Tokens"), "/tokens/"), HERE]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = {
            "token": self.token,
            "reads": services.reads_of_the_last_hour(self.token),
            "connections": Connection.objects.listed()
            .filter(pk__in=self.token.connections.values("pk"))
            .order_by(*by_name()),
        }
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        step = core.revoke_token(self.token, actor=request.user)
        tell_done(request, _("%(name)s is revoked.") % {"name": self.token}, step)
        return self.redirect("reveal-token-list")


class RevealRecordListView(Page):
    """The records of reads and of refused attempts."""

    template_name = "connections/promptflow/reveal_record_list.html"
    title = gettext_lazy("Reads of secrets")
    section = "tokens"
    permission_required = "connections.view_revealrecord"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(gettext_lazy("Tokens"), "/tokens/"), HERE]

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = services.reveal_records(request.user)
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        return self.render_to_response(self.get_context_data(page=page))
