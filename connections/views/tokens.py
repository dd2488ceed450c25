"""The page of tokens: make one, see it once, end it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import services
from ..consequences import requests_with
from ..forms import AliasesField, NetworksField, TagsField
from ..lookup import parse_id
from ..models import ApiToken, Profile, ServiceAccount, by_name
from ..standing import standing_of
from .base import Crumb, Page, tell_done
from .once import SENT_AGAIN, is_sent_again, new_mark, remember_sent

MOST_TICKED = 60  # with more profiles than these, aliases are typed


class LifeField(forms.IntegerField):
    """Days until a token ends, with those that the settings say for a start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            label=gettext_lazy("Ends after"),
            initial=services.default_life,
            **kwargs,
        )

    def get_bound_field(self, form: Any, field_name: str) -> Any:
        """The field on a page, which says what is allowed as the settings have it now."""
        self.help_text = _("Days, at most %(most)d.") % {"most": services.longest_life()}
        if services.may_be_endless():
            self.help_text += " " + _("0: it never ends.")
        return super().get_bound_field(form, field_name)


class TokenForm(forms.Form):
    """A new token, always of the person who is signed in.

    The services refuse values that make no sense.
    """

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("To tell tokens apart: what will use it?"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    service_account = forms.ModelChoiceField(
        ServiceAccount.objects.none(),
        required=False,
        label=gettext_lazy("Whose"),
        empty_label=gettext_lazy("Yours"),
        help_text=gettext_lazy("Yours ends with your access, one of a service account does not."),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(one), str(one)) for one in services.Scope],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy(
            "What it may be used for, within what you may do yourself. admin is all of them."
        ),
    )
    profiles = AliasesField(required=False, label=gettext_lazy("Profiles"))
    networks = NetworksField()
    team = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Team"),
        help_text=gettext_lazy(
            "It is only for what belongs to this team, to none, or is shared with it."
        ),
    )
    tags = TagsField()
    requests_per_minute = forms.IntegerField(
        required=False,
        label=gettext_lazy("Requests per minute"),
        help_text=gettext_lazy("Requests through the gateway (gateway:use). Empty: no limit."),
    )
    tokens_per_day = forms.IntegerField(
        required=False,
        label=gettext_lazy("Tokens per day"),
        help_text=gettext_lazy(
            "Tokens of models, in and out, through the gateway, by days of UTC. Empty: no limit."
        ),
    )
    expires_in_days = LifeField()

    def __init__(self, profiles: list[Profile], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        many = len(profiles) >= MOST_TICKED
        choices = [(one.alias, one.name) for one in profiles]
        self.fields["profiles"].widget = (
            forms.TextInput() if many else forms.CheckboxSelectMultiple(choices=choices)
        )
        self.fields["profiles"].help_text = (
            _(
                "Which it is limited to in the gateway. Ids or aliases with commas between them. "
                "Empty: all."
            )
            if many
            else _(
                "Which it is limited to in the gateway. None ticked: all of them, also those made "
                "later."
            )
        )


class TokenListView(Page):
    """Tokens, and the form for a new one."""

    template_name = "connections/token_list.html"
    title = gettext_lazy("Tokens")
    section = "tokens"
    permission_required = "connections.view_apitoken"

    def tokens(self) -> QuerySet[ApiToken]:
        """Every token, the newest first."""
        return ApiToken.objects.select_related("user", "team").prefetch_related("profiles")

    def show(self, form: TokenForm, **context: Any) -> HttpResponse:
        """The page."""
        context |= {"form": form, "tokens": self.tokens(), "once": new_mark()}
        return self.render_to_response(self.get_context_data(**context))

    def form(self, **kwargs: Any) -> TokenForm:
        """The form, bound when given `data`."""
        form = TokenForm(list(Profile.objects.order_by(*by_name())[:MOST_TICKED]), **kwargs)
        if self.request.user.has_perm("connections.change_serviceaccount"):
            accounts: Any = form.fields["service_account"]
            rows = ServiceAccount.objects.filter(user__is_active=True)
            accounts.queryset = rows.select_related("user")
        else:
            del form.fields["service_account"]
        teams = self._teams()
        if teams:
            field: Any = form.fields["team"]
            field.choices = teams
        else:
            del form.fields["team"]
        form.fields["tags"].help_text = _("Only for what has one of these. Empty: for all.")
        return form

    def _teams(self) -> list[tuple[str, str]]:
        """The teams for which the person may make tokens; none where there are no teams."""
        user: Any = self.request.user
        if not standing_of(user).has_teams:
            return []
        right = "connections.add_apitoken"
        teams = [one for one in services.teams_of(user) if services.may(user, right, one)]
        may_all = services.may(user, right, ApiToken())
        whole = [("", _("All that you may do"))] if may_all else []
        return [*whole, *((str(one.pk), one.name) for one in teams)]

    def get(self, request: HttpRequest) -> HttpResponse:
        account = request.GET.get("service_account", "")
        initial = {"service_account": account} if account.isdecimal() else {}
        return self.show(self.form(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(data=request.POST)
        if not form.is_valid():
            return self.show(form)
        if is_sent_again(request):
            messages.warning(request, SENT_AGAIN)
            return self.redirect("token-list")
        values = form.cleaned_data
        account = values.pop("service_account", None)
        user = account.user if account else request.user
        named = values.pop("team", "")
        try:
            team = services.team_named(named, actor=request.user) if named else None
            row, text = services.create_token(
                values.pop("name"), user=user, actor=request.user, team=team, **values
            )
        except services.Invalid as refused:
            for error in refused.errors:
                form.add_error(error.field, forms.ValidationError(error.message, error.code))
            return self.show(form)
        remember_sent(request)
        return self.show(self.form(), created=row, text=text)


class OneToken(Page):
    """A page about one token."""

    section = "tokens"
    permission_required = "connections.view_apitoken"

    @property
    def token(self) -> ApiToken:
        """The token in the address; 404 if there is none."""
        if not hasattr(self, "_token"):
            rows = ApiToken.objects.select_related("user", "renews", "team")
            self._token = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._token

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("Tokens"), reverse("token-list"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        profiles = self.token.profiles.order_by(*by_name())
        may_renew = services.may_make_tokens(self.request.user, self.token.user, self.token.team)
        known = {"token": self.token, "profiles": profiles, "may_renew": may_renew}
        return super().get_context_data(**known, **kwargs)


class TokenDetailView(OneToken):
    """What a token may do, who made it, and what it was used for."""

    template_name = "connections/token_detail.html"

    def get_title(self) -> str:
        return self.token.name

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())


class TokenRevokeView(OneToken):
    """Says what ending a token hits, asks, and ends it."""

    template_name = "connections/token_revoke.html"

    def get_title(self) -> str:
        return _("Revoke %(name)s") % {"name": self.token.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [*super().get_breadcrumbs(), (self.token.name, self.token.get_absolute_url())]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = self.get_context_data(requests=requests_with(self.token.pk))
        return self.render_to_response(context)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        step = services.revoke_token(self.token, actor=request.user)
        tell_done(request, _("%(name)s is revoked.") % {"name": self.token}, step)
        return self.redirect("token-list")


class TokenBulkRevokeView(Page):
    """Says what ending several tokens hits, asks, and ends them once that is `agreed`."""

    template_name = "connections/tokens_revoke.html"
    section = "tokens"
    permission_required = "connections.view_apitoken"

    def get_title(self) -> str:
        number = len(self._tokens())
        text = ngettext("Revoke %(number)s token", "Revoke %(number)s tokens", number)
        return text % {"number": number}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("Tokens"), reverse("token-list"))]

    def _tokens(self) -> list[ApiToken]:
        if not hasattr(self, "_found"):
            keys = filter(None, map(parse_id, self.request.POST.getlist("ids")))
            rows = ApiToken.objects.select_related("user").filter(pk__in=keys, revoked_at=None)
            self._found = list(rows)
        return self._found

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self._tokens():
            messages.error(request, _("Tick tokens first that are not revoked yet."))
            return self.redirect("token-list")
        if "agreed" not in request.POST:
            used = sum(requests_with(one.pk) for one in self._tokens())
            context = self.get_context_data(tokens=self._tokens(), requests=used)
            return self.render_to_response(context)
        number, step = services.revoke_tokens(self._tokens(), actor=request.user)
        text = ngettext("%(number)s token revoked.", "%(number)s tokens revoked.", number)
        tell_done(request, text % {"number": number}, step)
        return self.redirect("token-list")
