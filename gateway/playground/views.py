"""The playground: a section of a profile's page, and a page of its own, to which its form leads
where there is no JavaScript.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from connections import selectors, services
from connections.models import Profile
from connections.profile_settings import ProfileSettings, profile_settings_class
from connections.views.base import Crumb
from connections.views.profiles import LIST, OneProfile
from providers.core.base import Capability

from ..core import sse
from ..core.prompts import places
from ..doors.django_responses import gathered, respond, response_of
from ..doors.endpoint import SSE, Outgoing
from ..routing.gateway import Worker
from . import calls, snippets
from .calls import Told, Trial
from .forms import ChatForm, EmbeddingForm

EVENTS = "text/event-stream"
Form = ChatForm | EmbeddingForm


def new_form(profile: Profile, chain: Sequence[Profile], **kwargs: Any) -> Form:
    """The form for a profile.

    `chain`: its fallbacks, whose system prompts may have places of their own.
    """
    settings = _settings(profile)
    if profile.capability == Capability.EMBEDDING:
        return EmbeddingForm(settings, **kwargs)
    return ChatForm(settings, _places([profile, *chain]), **kwargs)


def _settings(profile: Profile) -> ProfileSettings:
    """Those of a row that was made before its schema changed count as none; the gateway says what
    is wrong with them.
    """
    kind = profile_settings_class(profile.capability)
    try:
        return kind.model_validate(profile.settings)
    except ValueError:
        return kind()


def _places(profiles: Sequence[Profile]) -> list[str]:
    found: list[str] = []
    for one in profiles:
        template = one.settings.get("system_prompt_template")
        try:
            found += places(template) if isinstance(template, str) else []
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def section(
    request: HttpRequest, profile: Profile, form: Form, told: Told | None = None
) -> dict[str, Any]:
    """What the section's template needs. `told`: what became of the call, None before the first."""
    made = told.code if told else code(request, profile, form.example())
    return {"profile": profile, "form": form, "told": told, **made}


def code(request: HttpRequest, profile: Profile, body: dict[str, Any]) -> dict[str, str]:
    """A call of a profile at this server's address, for people to copy."""
    base_url, body = request.build_absolute_uri("/v1"), {"model": profile.alias, **body}
    if profile.capability == Capability.EMBEDDING:
        call, result, path = "embeddings.create", "answer.data[0].embedding", "embeddings"
    else:
        call, result, path = (
            "chat.completions.create",
            "answer.choices[0].message.content",
            "chat/completions",
        )
    return {
        "curl": snippets.curl(base_url, path, body),
        "python": snippets.python(base_url, call, body, result),
    }


@method_decorator(sensitive_post_parameters(), name="dispatch")
class PlaygroundView(OneProfile):
    """Asks the profile as the person who is signed in.

    To `Accept: text/event-stream` it answers in events, as they come.
    """

    template_name, fragment_name = (
        "gateway/playground/playground.html",
        "gateway/playground/_playground.html",
    )
    permission_required = "connections.use_profile"

    def handle_no_permission(self) -> Any:
        raise PermissionDenied(
            "You may not use profiles. Ask an administrator to add you to the group Operators."
        )

    def get_title(self) -> str:
        return f"Playground of {self.profile.name}"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.profile.name, self.profile.get_absolute_url())]

    def form(self, **kwargs: Any) -> Form:
        """The form, bound when given `data`."""
        return new_form(self.profile, selectors.fallback_chain(self.profile), **kwargs)

    def show(self, form: Form, told: Told | None = None) -> HttpResponseBase:
        """The section, as page or fragment."""
        return self.render_to_response(
            self.get_context_data() | section(self.request, self.profile, form, told)
        )

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return self.show(self.form())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = self.form(data=request.POST)
        if request.POST.get("action") == "clear" and isinstance(form, ChatForm):
            return self.show(self.form(initial=form.cleared()))
        if request.headers.get("Accept") == EVENTS:
            return self._stream(form)
        if not form.is_valid():
            return self.show(form)
        told = calls.read(gathered(self._ask(form)).body)
        if isinstance(form, ChatForm) and told.error is None:
            form = self.form(initial=form.after(told.text))
        return self.show(form, told)

    def _ask(self, form: Form) -> Any:
        ask = calls.chat if isinstance(form, ChatForm) else calls.embed
        body = form.body()
        trial = Trial(
            services.caller_of(self.request.user),
            str(self.profile.pk),
            body,
            code(self.request, self.profile, body),
        )

        async def asked(worker: Worker) -> Outgoing:
            return await ask(worker, trial)

        return asked

    def _stream(self, form: Form) -> HttpResponseBase | StreamingHttpResponse:
        if not form.is_valid():
            error = {"message": form.problems(), "code": "invalid_request"}
            return response_of(Outgoing(200, SSE, sse.event({"error": error})))
        return respond(self.request, self._ask(form))
