"""The playground: a section of a profile's page, and a page of its own for browsers without
JavaScript.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from connections import selectors, services
from connections.models import Profile
from connections.profile_settings import profile_settings_class
from connections.views.base import Crumb
from connections.views.once import SENT_AGAIN, is_sent_again, new_mark, remember_sent
from connections.views.profiles import LIST, OneProfile
from providers.core.base import Capability

from ..core import sse
from ..core.prompts import places
from ..doors.django_responses import Ask, gather, respond, to_django
from ..doors.endpoint import SSE, DoorResponse
from ..routing.gateway import Gateway
from . import calls
from .calling import make_token, snippets_for
from .calls import Trial, TrialResult
from .forms import ChatForm, EmbeddingForm
from .snippets import TOKEN

EVENTS = "text/event-stream"


def new_form(profile: Profile, chain: Sequence[Profile], **kwargs: Any) -> ChatForm | EmbeddingForm:
    """The form for a profile.

    `chain`: its fallbacks, whose system prompts may have places of their own.
    """
    schema = profile_settings_class(profile.capability)
    try:
        settings = schema.model_validate(profile.settings)
    except ValueError:
        # Settings from before a change of their schema: the gateway says what is wrong with them.
        settings = schema()
    if profile.capability == Capability.EMBEDDING:
        return EmbeddingForm(settings, **kwargs)
    found: list[str] = []
    for one in [profile, *chain]:
        template = one.settings.get("system_prompt_template")
        with suppress(ValueError):  # a brace that is not closed
            found += places(template) if isinstance(template, str) else []
    return ChatForm(settings, list(dict.fromkeys(found)), **kwargs)


def section(
    request: HttpRequest,
    profile: Profile,
    form: ChatForm | EmbeddingForm,
    result: TrialResult | None = None,
) -> dict[str, Any]:
    """The context of the section's template. `result`: None before the first request."""
    code = result.code if result else _code(request, profile, form.example())
    return {"profile": profile, "form": form, "result": result, "code": code}


def _code(request: HttpRequest, profile: Profile, body: dict[str, Any]) -> dict[str, str]:
    """The texts of a request's code, by their languages in lower case."""
    return {one.language.lower(): one.text for one in snippets_for(request, profile, body)}


class UsedProfile(OneProfile):
    """A page for those who may use the profile."""

    permission_required = services.USE_PROFILE

    def has_permission(self) -> bool:
        return services.may(self.request.user, services.USE_PROFILE, self.profile)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class PlaygroundView(UsedProfile):
    """Asks the profile as the person who is signed in.

    A request with `Accept: text/event-stream` is answered in events, as they come.
    """

    template_name, fragment_name = (
        "gateway/playground/playground.html",
        "gateway/playground/_playground.html",
    )
    refusal = gettext_lazy("You may not use profiles.")

    def get_title(self) -> str:
        return _("Playground of %(name)s") % {"name": self.profile.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.profile.name, self.profile.get_absolute_url())]

    def form(self, **kwargs: Any) -> ChatForm | EmbeddingForm:
        """The form, bound when given `data`."""
        return new_form(self.profile, selectors.fallback_chain(self.profile), **kwargs)

    def show(
        self, form: ChatForm | EmbeddingForm, result: TrialResult | None = None
    ) -> HttpResponseBase:
        """The section, as page or fragment."""
        return self.render_to_response(
            self.get_context_data() | section(self.request, self.profile, form, result)
        )

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        return self.show(self.form())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        form = self.form(data=request.POST)
        if request.POST.get("action") == "clear" and isinstance(form, ChatForm):
            return self.show(self.form(initial=form.cleared()))
        if request.headers.get("Accept") == EVENTS:
            if form.is_valid():
                return respond(request, self._ask(form))
            error = {"message": form.problems(), "code": "invalid_request"}
            return to_django(DoorResponse(200, SSE, sse.event({"error": error})))
        if not form.is_valid():
            return self.show(form)
        result = calls.read_events(gather(self._ask(form)).body)
        if isinstance(form, ChatForm) and result.error is None:
            form = self.form(initial=form.after(result.text))
        return self.show(form, result)

    def _ask(self, form: ChatForm | EmbeddingForm) -> Ask:
        ask = calls.chat if isinstance(form, ChatForm) else calls.embed
        body = form.body()
        trial = Trial(
            services.caller_of(self.request.user),
            str(self.profile.pk),
            body,
            _code(self.request, self.profile, body),
            get_language() or "en",
        )

        async def asked(gateway: Gateway) -> DoorResponse:
            with override("en"):  # what the gateway writes down is for everybody
                return await ask(gateway, trial)

        return asked


class CallView(UsedProfile):
    """How to call the profile from a program, and the token for that, which is shown once."""

    template_name = "gateway/playground/call.html"

    def get_title(self) -> str:
        return _("Call %(name)s") % {"name": self.profile.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.profile.name, self.profile.get_absolute_url())]

    def show(self, **made: Any) -> HttpResponseBase:
        """The page. `made`: a token and its `text`."""
        example = new_form(self.profile, selectors.fallback_chain(self.profile)).example()
        code = snippets_for(self.request, self.profile, example, made.get("text") or TOKEN)
        context = {"code": code, "once": new_mark(), **made}
        return self.render_to_response(self.get_context_data(**context))

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        return self.show()

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        if is_sent_again(request):
            messages.warning(request, SENT_AGAIN)
            return self.redirect("profile-call", self.profile.pk)
        token, text = make_token(self.profile, request.user)
        remember_sent(request)
        return self.show(token=token, text=text)
