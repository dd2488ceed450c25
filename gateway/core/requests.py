"""One request as it came in, judged; and what is sent for it to each step of a chain: the profile's
settings under the request's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.utils import timezone
from pydantic import ValidationError

from connections.profile_settings import ChatSettings, ProfileSettings
from connections.services import Caller, StoredProfile
from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest

from .errors import from_validation, invalid
from .prompts import fill, given

MAX_TOKENS = ("max_tokens", "max_completion_tokens")
Request = ChatRequest | EmbeddingRequest


@dataclass(slots=True)
class Call:
    """One request.

    `body`: OpenAI's format as it was sent, without the profile and the variables; `request`: the
    same, judged.
    """

    endpoint: str  # v1, api or playground
    capability: Capability
    caller: Caller
    profile_ref: str
    body: dict[str, Any]
    request: Request
    variables: dict[str, Any] = field(default_factory=dict)
    is_stream: bool = False
    started: float = field(default_factory=time.perf_counter)
    started_at: datetime = field(default_factory=timezone.now)

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to tell its usage to the caller."""
        options = self.request.stream_options if isinstance(self.request, ChatRequest) else None
        return bool(options and options.include_usage)


def new_call(
    endpoint: str, capability: Capability, caller: Caller, profile_ref: str, body: dict[str, Any]
) -> Call:
    """The call for a body in OpenAI's format. Raises GatewayError 400 that names what is wrong."""
    body = dict(body)
    body.pop("model", None)
    variables = given(body)
    kind: type[Request] = ChatRequest if capability == Capability.CHAT else EmbeddingRequest
    try:
        request = kind.model_validate(body)
    except ValidationError as error:
        raise from_validation(error) from None
    is_stream = isinstance(request, ChatRequest) and bool(request.stream)
    return Call(endpoint, capability, caller, profile_ref, body, request, variables, is_stream)


def refuse_forbidden(call: Call, profile: StoredProfile) -> None:
    """Raises GatewayError when the request sets what the profile does not let it set, or asks for a
    longer answer than it allows.
    """
    settings = profile.settings
    if settings.allowed_overrides is not None:
        differing = [
            name
            for name in call.request.asked()
            if not _is_default(name, call.body.get(name), settings)
        ]
        if refused := settings.refused_overrides(differing):
            message = (
                f"The profile {profile.alias} does not let a request set {refused[0]}. Leave it "
                "out."
            )
            raise invalid("override_not_allowed", message, refused[0])
    limit = settings.max_tokens_limit if isinstance(settings, ChatSettings) else None
    longest = call.request.longest if isinstance(call.request, ChatRequest) else None
    if limit is not None and longest is not None and longest > limit:
        message = (
            f"The profile {profile.alias} allows answers of at most {limit} tokens. Ask for fewer."
        )
        raise invalid("max_tokens_limit", message, "max_tokens")


def _is_default(name: str, value: Any, settings: ProfileSettings) -> bool:
    return bool(value == getattr(settings, "max_tokens" if name in MAX_TOKENS else name, None))


def body_for(
    call: Call, asked: StoredProfile, step: StoredProfile, provider: Provider[Any]
) -> tuple[dict[str, Any], list[str]]:
    """The request in OpenAI's format for one step, and the settings of profiles that its model does
    not take and that are left out.

    The request's own fields win over the step's profile, and that over the profile that was asked
    for.
    """
    body = {**call.body, "model": step.model}
    left_out = []
    refused = provider.refused_parameters(step.model, body.get("reasoning_effort"))
    defaults = asked.settings.request_defaults() | step.settings.request_defaults()
    for name, value in defaults.items():
        if name in refused:
            left_out.append(name)
        elif not any(
            body.get(one) is not None for one in (MAX_TOKENS if name == "max_tokens" else (name,))
        ):
            body[name] = value
    if call.capability == Capability.CHAT:
        _keep_to_limit(body, cast(ChatSettings, step.settings), cast(ChatSettings, asked.settings))
        _prepend_prompt(body, _template(step) or _template(asked), call.variables)
    return body, left_out


def _keep_to_limit(body: dict[str, Any], *settings: ChatSettings) -> None:
    """The lowest ceiling holds, also where nobody asked for a length."""
    limits = [one.max_tokens_limit for one in settings if one.max_tokens_limit is not None]
    if not limits:
        return
    names = [name for name in MAX_TOKENS if body.get(name) is not None] or ["max_tokens"]
    for name in names:
        body[name] = min(limits + ([body[name]] if body.get(name) is not None else []))


def _template(profile: StoredProfile) -> str:
    return cast(ChatSettings, profile.settings).system_prompt_template or ""


def _prepend_prompt(body: dict[str, Any], template: str, variables: Mapping[str, Any]) -> None:
    if template:
        body["messages"] = [
            {"role": "system", "content": fill(template, variables)},
            *body["messages"],
        ]
