"""The list of tokens, and the form for a new one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..forms import tokens as token_forms
from ..models import ApiToken, Profile, ServiceAccount, by_name
from ..standing import standing_of
from ..token_list import COLUMNS, STATES, TokenLine, listed_tokens, token_lines
from .lists import ListPage, filter_words
from .once import SENT_AGAIN, is_sent_again, new_mark, remember_sent
from .typed import with_typed


class TokenListView(ListPage):
    """Tokens, and the form for a new one."""

    template_name = "connections/tokens/list.html"
    fragment_name = "connections/tokens/_rows.html"
    title = gettext_lazy("Tokens")
    section = "tokens"
    permission_required = "connections.view_apitoken"
    list_name = "token"
    filters = {
        "q": gettext_lazy("Search"),
        "state": gettext_lazy("State"),
        "scope": gettext_lazy("Scope"),
        "team": gettext_lazy("Team"),
    }
    columns = COLUMNS
    shows_typed = True
    first_sort = "-created"

    def rows(self, filters: dict[str, str], sort: str) -> list[ApiToken]:
        return listed_tokens(filters, sort)

    @staticmethod
    def lines(rows: Sequence[ApiToken], actor: Any) -> list[TokenLine]:
        return token_lines(rows, actor)

    @staticmethod
    def words(name: str, value: str) -> str:
        return str(STATES.get(value, value)) if name == "state" else filter_words(name, value)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the filters' choices, and the form as `show` got it, else an empty one."""
        context = {
            "once": new_mark(),
            "states": STATES.items(),
            "scopes": [str(one) for one in services.Scope],
            **getattr(self, "_shown", {}),
        }
        if "form" not in context:
            context["form"] = with_typed(self.form(), self.request)
        return super().get_context_data(**context, **kwargs)

    def show(self, form: token_forms.TokenForm, **context: Any) -> HttpResponse:
        """The list with the form as it was sent, or with the token that was made."""
        self._shown = {"form": form, **context}
        return self.get(self.request)

    def form(self, **kwargs: Any) -> token_forms.TokenForm:
        """The form, bound when given `data`; an empty one is for the service account that the
        address names.
        """
        account = self.request.GET.get("service_account", "")
        initial = {"service_account": account} if account.isdecimal() else {}
        profiles = list(Profile.objects.order_by(*by_name())[: token_forms.MOST_TICKED])
        form = token_forms.TokenForm(profiles, initial=initial, **kwargs)
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
