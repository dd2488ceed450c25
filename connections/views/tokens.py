"""The page of tokens: make one, see it once, end it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from .. import services
from ..models import ApiToken
from .base import Page


class TokenForm(forms.Form):
    """A new token, always of the person who is signed in."""

    name = forms.CharField(
        max_length=100, help_text="To tell tokens apart: what will use it?", widget=forms.TextInput({"autocomplete": "off"})
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(one), str(one)) for one in services.Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text="What it may be used for, within what you may do yourself. admin is all of them.",
    )
    profiles = forms.CharField(required=False, help_text="Aliases with commas between them, to limit it to these profiles. Empty: all.")
    expires_in_days = forms.IntegerField(required=False, min_value=1, label="Ends after", help_text="Days. Empty: no end.")


class TokenListView(Page):
    """Tokens, and the form for a new one."""

    template_name = "connections/token_list.html"
    title = "Tokens"
    section = "tokens"
    permission_required = "connections.view_apitoken"

    def tokens(self) -> QuerySet[ApiToken]:
        """Every token, the newest first."""
        return ApiToken.objects.select_related("user").prefetch_related("profiles")

    def show(self, form: TokenForm, **context: Any) -> HttpResponse:
        """The page."""
        return self.render_to_response(self.get_context_data(form=form, tokens=self.tokens(), **context))

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(TokenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        values = form.cleaned_data
        profiles = [alias.strip() for alias in values.pop("profiles").split(",") if alias.strip()]
        try:
            row, text = services.create_token(values.pop("name"), user=request.user, actor=request.user, profiles=profiles, **values)
        except services.Invalid as refused:
            for error in refused.errors:
                form.add_error(error.field, forms.ValidationError(error.message, error.code))
            return self.show(form)
        return self.show(TokenForm(), created=row, text=text)


class TokenRevokeView(Page):
    """Ends a token."""

    permission_required = "connections.view_apitoken"

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        row = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)
        services.revoke_token(row, actor=request.user)
        messages.success(request, f"{row} is revoked.")
        return self.redirect("token-list")
