"""A request in OpenAI's format, validated, and the body that each target of its route is sent: the
settings of the profiles under the request's own fields.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from pydantic import ValidationError

from connections.profile_settings import ChatSettings
from connections.runtime import StoredProfile
from connections.services import Caller
from connections.telemetry.about import ABOUT
from connections.texts import counted
from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.messages import Unsupported
from providers.core.open_chat import OpenChatRequest
from providers.core.request_id import REQUEST_ID

from .errors import from_validation, invalid
from .keys import new_key
from .nulls import without_nulls
from .prompts import fill, pop_variables

MAX_TOKENS = ("max_tokens", "max_completion_tokens")
CONTENT = ("model", "messages", "input", "stream")  # without these nothing is asked


@dataclass(slots=True)
class GatewayRequest:
    """One request to a profile.

    `endpoint`: v1, api or playground. `profile_ref`: an alias, an id, or empty for the default.
    `body`: OpenAI's format as it was sent, without the profile and the variables. `parsed`: the
    same as an object. `key`: of its usage record; `request_id`: for people, and the caller may have
    chosen it. `about`: the facts for its log lines. `hear` gets the comments of a service that has
    not begun to answer.
    """

    endpoint: str
    capability: Capability
    caller: Caller
    profile_ref: str
    body: dict[str, Any]
    parsed: ChatRequest | EmbeddingRequest
    variables: dict[str, Any] = field(default_factory=dict)
    is_stream: bool = False
    hear: Callable[[bytes], None] | None = None
    started: float = field(default_factory=time.perf_counter)
    started_at: datetime = field(default_factory=partial(datetime.now, UTC))
    key: UUID = field(default_factory=new_key)
    request_id: str = field(default_factory=REQUEST_ID.get)
    about: dict[str, Any] | None = field(default_factory=ABOUT.get)

    @property
    def wants_usage(self) -> bool:
        """True for a stream that is to tell its usage to the caller."""
        options = self.parsed.stream_options if isinstance(self.parsed, ChatRequest) else None
        return bool(options and options.include_usage)


def parse_request(
    endpoint: str, capability: Capability, caller: Caller, profile_ref: str, body: dict[str, Any]
) -> GatewayRequest:
    """The request for a body in OpenAI's format, which is not changed. A field that is null counts
    as left out.

    Raises GatewayError 400 that names the first field that is wrong.
    """
    body = without_nulls(body)
    body.pop("model", None)
    variables = pop_variables(body)
    schema: type[ChatRequest | EmbeddingRequest] = (
        OpenChatRequest if capability == Capability.CHAT else EmbeddingRequest
    )
    try:
        parsed = schema.model_validate(body)
    except ValidationError as error:
        raise from_validation(error, body) from None
    is_stream = isinstance(parsed, ChatRequest) and bool(parsed.stream)
    return GatewayRequest(
        endpoint, capability, caller, profile_ref, body, parsed, variables, is_stream
    )


def translatable(body: dict[str, Any], provider: Provider[Any]) -> ChatRequest:
    """The request for a provider that speaks a protocol of its own.

    Raises Unsupported for what only services that speak OpenAI's protocol can be asked.
    """
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        refused = from_validation(error, body)
        message = (
            f"{provider.name} cannot be asked this: {refused.message} Leave it out, or ask a "
            "profile of a service that speaks OpenAI's protocol."
        )
        raise Unsupported(refused.param or "messages", message) from None


def refuse_forbidden(request: GatewayRequest, profile: StoredProfile) -> None:
    """Raises GatewayError 400 when the request sets a field that its profile does not let it set,
    or asks for a longer answer than the profile allows.

    A field that repeats the profile's own value is allowed.
    """
    settings, parsed = profile.settings, request.parsed
    if settings.allowed_overrides is not None:
        # The protocol's default counts too where the profile sets something else.
        set_by_profile = settings.request_defaults()
        given = [name for name in set_by_profile if request.body.get(name) is not None]
        differing = [
            name
            for name in dict.fromkeys([*parsed.asked(), *given])
            if request.body.get(name)
            != getattr(settings, "max_tokens" if name in MAX_TOKENS else name, None)
        ]
        if refused := settings.refused_overrides(differing):
            message = (
                f"The profile {profile.alias} does not let a request set {refused[0]}. Leave it "
                "out."
            )
            raise invalid("override_not_allowed", message, refused[0])
    limit = settings.max_tokens_limit if isinstance(settings, ChatSettings) else None
    longest = parsed.longest if isinstance(parsed, ChatRequest) else None
    if limit is not None and longest is not None and longest > limit:
        message = (
            f"The profile {profile.alias} allows answers of at most "
            f"{counted(limit, 'token')}. Ask for fewer."
        )
        raise invalid("max_tokens_limit", message, "max_tokens")


def body_for(
    request: GatewayRequest, asked: StoredProfile, used: StoredProfile, provider: Provider[Any]
) -> tuple[dict[str, Any], list[str]]:
    """The body in OpenAI's format for one target, and the names of profile settings that are left
    out because its model does not take them.

    The request's own fields win over those of `used`, the target's profile, and these over those of
    `asked`, the profile that the request named. Raises GatewayError 400 for a variable of the
    system prompt that is missing.
    """
    body = {**request.body, "model": used.model}
    left_out = []
    refused = provider.refused_parameters(used.model, body.get("reasoning_effort"))
    defaults = used.settings.request_defaults()
    if asked is not used:
        defaults = asked.settings.request_defaults() | defaults
    for name, value in defaults.items():
        names = MAX_TOKENS if name == "max_tokens" else (name,)
        if name in refused:
            left_out.append(name)
        elif all(body.get(one) is None for one in names):
            body[name] = value
    if request.capability == Capability.CHAT:
        chat, chat_asked = cast(ChatSettings, used.settings), cast(ChatSettings, asked.settings)
        _apply_token_limit(body, chat, chat_asked)
        if template := chat.system_prompt_template or chat_asked.system_prompt_template:
            prompt = {"role": "system", "content": fill(template, request.variables)}
            body["messages"] = [prompt, *body["messages"]]
    return body, left_out


def leave_out(body: dict[str, Any], error: Unsupported, *profiles: StoredProfile) -> str:
    """Takes the field that cannot be served out of the body, where one of the profiles says so.

    Returns its name. Raises the error itself where none says so, or it is about something that
    cannot be left out, such as a message.
    """
    name = error.feature
    is_chosen = any(profile.settings.leave_out_unsupported for profile in profiles)
    if not is_chosen or name not in body or name in CONTENT:
        raise error
    del body[name]
    return name


def _apply_token_limit(body: dict[str, Any], *settings: ChatSettings) -> None:
    """Lowers the longest answer in `body` to the lowest limit of the settings. A limit holds also
    where nobody asked for a length.
    """
    limits = [one.max_tokens_limit for one in settings if one.max_tokens_limit is not None]
    if not limits:
        return
    for name in [name for name in MAX_TOKENS if body.get(name) is not None] or ["max_tokens"]:
        body[name] = min(limits + ([body[name]] if body.get(name) is not None else []))
