"""The pages on which a key is replaced, and on which a leaked one is dealt with."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.debug import sensitive_post_parameters

from connections.consequences import switching_off
from connections.errors import Invalid, Throttled, Unusable
from connections.models import KeyReplacement
from connections.views.base import Crumb, Page
from connections.views.connections import LIST, OneConnection
from connections.wording import outcome_in_words
from providers.core.schema import settings_fields

from . import services
from .forms import LeakedKeyForm, NextKeyForm

SWITCHED = gettext_noop(
    "The key of %(name)s is replaced. The new one is watched until %(time)s UTC."
)
NOT_WATCHED = gettext_noop(
    "The key of %(name)s is replaced. The one before cannot be decrypted, so it is not kept."
)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ReplaceKeyView(OneConnection):
    """Enters the next key, shows what the tests said, switches, goes back."""

    template_name = "connections/replacement/replace_key.html"
    permission_required = "connections.change_connection"

    def get_title(self) -> str:
        return _("Replace the key of %(name)s") % {"name": self.connection.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(self.form())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        action = request.POST.get("action", "enter")
        if action == "enter":
            return self._enter()
        replacement = services.replacement_of(self.connection)
        act = self.actions().get(action)
        if replacement is None or act is None:
            raise Http404
        try:
            act(replacement)
        except (Unusable, Invalid, Throttled) as refused:
            messages.error(request, getattr(refused, "message", str(refused)))
        return self.redirect("connection-replace-key", self.connection.pk)

    def actions(self) -> dict[str, Callable[[KeyReplacement], None]]:
        """What the buttons do, by their value."""
        return {
            "test": self._test,
            "switch": self._switch,
            "switch-anyway": lambda one: self._switch(one, anyway=True),
            "go-back": self._go_back,
            "forget": self._forget,
        }

    def form(self, **kwargs: Any) -> NextKeyForm:
        """The form of the next key."""
        if self.connection.provider is None:
            raise Http404(_("The provider is not installed, so the key cannot be replaced."))
        return NextKeyForm(self.connection, self.request.user, **kwargs)

    def show(self, form: NextKeyForm) -> HttpResponse:
        """The page with this form, which it shows while no replacement is under way."""
        found = services.replacement_of(self.connection)
        is_under_way = found is not None and (found.is_open or found.is_watching)
        provider = self.connection.provider
        names = settings_fields(provider) if provider else {}
        context = {
            "form": form,
            "replacement": found,
            "tests": _tests(found) if found else {},
            "is_under_way": is_under_way,
            "labels": [_(names[one].label) if one in names else one for one in found.fields]
            if found
            else [],
            "is_untouched": found and services.is_untouched(found, self.connection),
            "may_switch_anyway": found and services.may_switch_anyway(found),
        }
        return self.render_to_response(self.get_context_data(**context))

    def _enter(self) -> HttpResponse:
        form = self.form(data=self.request.POST)
        if not form.is_valid():
            return self.show(form)
        try:
            services.begin_replacement(self.connection, form.settings(), actor=self.request.user)
        except Invalid as refused:
            form.add_refusal(refused)
            return self.show(form)
        except Throttled as refused:
            form.add_error(None, str(refused))
            return self.show(form)
        except Unusable as refused:  # somebody else was first: the page shows theirs
            messages.error(self.request, refused.message)
        return self.redirect("connection-replace-key", self.connection.pk)

    def _test(self, replacement: KeyReplacement) -> None:
        services.test_again(replacement, actor=self.request.user)

    def _switch(self, replacement: KeyReplacement, anyway: bool = False) -> None:
        made = services.switch_key(replacement, actor=self.request.user, anyway=anyway)
        text = _(SWITCHED if made.is_watching else NOT_WATCHED)
        values = {"name": self.connection.name, "time": f"{made.until:%H:%M}"}
        messages.success(self.request, text % values)

    def _go_back(self, replacement: KeyReplacement) -> None:
        services.go_back(replacement, actor=self.request.user)
        text = _("%(name)s has its key from before again.") % {"name": self.connection.name}
        messages.success(self.request, text)

    def _forget(self, replacement: KeyReplacement) -> None:
        services.forget_other(replacement, actor=self.request.user)
        text = (
            _("The next key is given up.")
            if replacement.is_open
            else _("The key that is not used is forgotten, in the history too.")
        )
        messages.success(self.request, text)


def _tests(replacement: KeyReplacement) -> dict[str, Any]:
    """What the tests of both keys said, in the language of the page."""
    return {
        name: test | {"message": outcome_in_words(test["code"], _(test["message"]))}
        for name, test in replacement.tests.items()
    }


class LeakedView(OneConnection):
    """Says what a leaked key means, asks, and switches its connection off."""

    template_name = "connections/replacement/leaked.html"
    permission_required = ("connections.change_connection", "connections.toggle_connection")

    def get_title(self) -> str:
        return _("The key of %(name)s is known to others") % {"name": self.connection.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = {
            "hit": switching_off([self.connection]),
            "can_revoke": services.can_revoke(self.connection),
            "keys_page": services.keys_page(self.connection),
            "others": services.same_key(self.connection),
        }
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        leak = services.report_leak(
            self.connection, actor=request.user, revoke="revoke" in request.POST
        )
        text = _("%(name)s is switched off.") % {"name": self.connection.name}
        messages.success(request, f"{text} {_(leak.revoked)}".strip())
        if leak.failed:
            text = _("The key was not revoked: %(reason)s") % {"reason": leak.failed}
            if leak.by_hand:
                text = f"{text} {_('End it at %(address)s') % {'address': leak.by_hand}}"
            messages.error(request, text)
        if leak.others:
            names = ", ".join(one.name for one in leak.others)
            text = _("The same key is in %(names)s. Replace it there too.") % {"names": names}
            messages.warning(request, text)
        return self.redirect("connection-replace-key", self.connection.pk)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class FindKeyView(Page):
    """Says whether a leaked key is one of ours, and where."""

    template_name = "connections/replacement/find_key.html"
    title = gettext_lazy("Is this leaked key ours?")
    permission_required = "connections.change_connection"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=LeakedKeyForm()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form, found = LeakedKeyForm(request.POST), None
        if form.is_valid():
            try:
                found = services.find_key(form.cleaned_data["key"], actor=request.user)
            except Invalid as refused:
                form = LeakedKeyForm({})  # without what was typed, even sealed
                form.add_error("key", str(refused.errors[0].message))
        shown = form if found is None else LeakedKeyForm()
        context = {"form": shown, "found": found, "is_asked": found is not None}
        return self.render_to_response(self.get_context_data(**context))
