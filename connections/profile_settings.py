"""The settings of a profile, one pydantic class per capability.

Field names are those of the OpenAI protocol.
"""

import string
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from providers.core.base import Capability

from .fallback_codes import DEFAULT_FALLBACK_CODES, FALLBACK_CODES, MISSING_KEY, FallbackCode
from .profile_fields import FALLBACKS, LIMITS, ProfileField, fields_of

MOST_TOKENS = 10_000_000
ADVANCED: dict[str, Any] = {"advanced": True}  # folded in forms
NO_NULL = r"^[^\x00]*$"
OTHER = "other"  # any field of a request that is not named here
SAME = {"max_completion_tokens": "max_tokens"}  # two names of one thing
ChatOverride = Literal[
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "tools",
    "tool_choice",
    "response_format",
    "other",
]
EmbeddingOverride = Literal["dimensions", "other"]


def _storable(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("null_character", "A null character cannot be stored. Remove it.")
    return text


Stop = Annotated[
    str,
    AfterValidator(_storable),
    Field(min_length=1, max_length=500, json_schema_extra={"pattern": NO_NULL}),
]


def _limit(
    title: str,
    description: str,
    unset: str,
    labels: dict[str, str] | None = None,
    group: str = LIMITS,
    usual: Collection[str] = (),
) -> Any:
    """A field whose list is chosen from.

    `unset`: what None means, `usual` in its place; `labels`: texts for choices that do not speak
    for themselves.
    """
    extra: dict[str, Any] = {"group": group, "unset": unset, "labels": labels or {}}
    extra["usual"] = sorted(usual)
    return Field(None, title=title, description=description, json_schema_extra=extra)


def _overrides() -> Any:
    text = gettext_noop("Which fields of a request may differ from the profile.")
    return _limit(
        gettext_noop("Requests may set"),
        text,
        gettext_noop("everything"),
        {OTHER: gettext_noop("any other field")},
    )


class ProfileSettings(BaseModel):
    """Base of every capability's settings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    allowed_overrides: Sequence[str] | None = _overrides()
    leave_out_unsupported: bool = Field(
        False,
        title=gettext_noop("Leave out what the model does not take"),
        description=gettext_noop(
            "Fields of a request that this provider or model cannot serve are left out and named "
            "in the answer's header X-Switchboard-Left-Out, instead of refused."
        ),
        strict=True,
        json_schema_extra={"group": LIMITS},
    )
    fallback_on: list[FallbackCode] | None = _limit(
        gettext_noop("Move on when"),
        gettext_noop("Which failures let the next fallback answer."),
        gettext_noop("by default: %(usual)s"),
        FALLBACK_CODES,
        FALLBACKS,
        DEFAULT_FALLBACK_CODES,
    )

    @field_validator("allowed_overrides", "fallback_on", check_fields=False)
    @classmethod
    def _in_order(cls, chosen: Sequence[str] | None, info: ValidationInfo) -> list[str] | None:
        """The chosen ones without doubles, in the order of the choices, so that the same choice is
        the same list.
        """
        choices = [name for name, _ in fields_of(cls)[str(info.field_name)].choices]
        return None if chosen is None else [one for one in choices if one in chosen]

    def moves_on(self, code: str) -> bool:
        """True if the next fallback may answer after a failure with this code of ProviderError, or
        instead of a connection that cannot be used for the reason of this code of Unusable.
        """
        code = "missing_key" if code in MISSING_KEY else code
        return code in (DEFAULT_FALLBACK_CODES if self.fallback_on is None else self.fallback_on)

    def refused_overrides(self, names: Iterable[str]) -> list[str]:
        """The fields among these that a request may not set.

        `names`: what it sets beside its content (model, messages, stream, input).
        """
        if self.allowed_overrides is None:
            return []
        known = {one for one, _ in fields_of(type(self))["allowed_overrides"].choices}
        kinds = {
            name: SAME.get(name, name) if SAME.get(name, name) in known else OTHER for name in names
        }
        return [name for name, kind in kinds.items() if kind not in self.allowed_overrides]

    def request_defaults(self) -> dict[str, Any]:
        """The values of a request that says nothing itself, by the protocol's names."""
        return {}


class ChatSettings(ProfileSettings):
    """Settings of a chat profile."""

    temperature: float | None = Field(
        None,
        title=gettext_noop("Temperature"),
        description=gettext_noop("0 is most predictable, 2 most varied."),
        ge=0,
        le=2,
    )
    top_p: float | None = Field(
        None,
        title=gettext_noop("Top p"),
        description=gettext_noop(
            "Only the likeliest words, up to this sum of their chances. Set this or temperature."
        ),
        ge=0,
        le=1,
        json_schema_extra=ADVANCED,
    )
    max_tokens: int | None = Field(
        None,
        title=gettext_noop("Max tokens"),
        description=gettext_noop("Longest answer, in tokens."),
        ge=1,
        le=MOST_TOKENS,
    )
    seed: int | None = Field(
        None,
        title=gettext_noop("Seed"),
        description=gettext_noop(
            "The same number asks for the same answer, as far as a model can."
        ),
        ge=-(2**63),
        le=2**63 - 1,
        json_schema_extra=ADVANCED,
    )
    presence_penalty: float | None = Field(
        None,
        title=gettext_noop("Presence penalty"),
        description=gettext_noop("Above 0, words that were used are used less."),
        ge=-2,
        le=2,
        json_schema_extra=ADVANCED,
    )
    frequency_penalty: float | None = Field(
        None,
        title=gettext_noop("Frequency penalty"),
        description=gettext_noop("Above 0, the more often a word was used, the less it is used."),
        ge=-2,
        le=2,
        json_schema_extra=ADVANCED,
    )
    stop: Annotated[list[Stop], Field(min_length=1, max_length=4)] | None = Field(
        None,
        title=gettext_noop("Stop"),
        description=gettext_noop("Up to 4 texts; an answer ends before the first of them."),
        json_schema_extra=ADVANCED,
    )
    system_prompt_template: str | None = Field(
        None,
        title=gettext_noop("System prompt"),
        description=gettext_noop(
            "Put before every conversation. {variable} marks a place the request fills; {{ and }} "
            "write braces."
        ),
        max_length=100_000,
    )
    max_tokens_limit: int | None = Field(
        None,
        title=gettext_noop("Max tokens limit"),
        description=gettext_noop(
            "No request may ask for a longer answer. It holds also where neither request nor "
            "profile sets a length."
        ),
        ge=1,
        le=MOST_TOKENS,
        json_schema_extra={"group": LIMITS},
    )
    allowed_overrides: list[ChatOverride] | None = _overrides()

    @field_validator("system_prompt_template")
    @classmethod
    def _places(cls, template: str | None) -> str | None:
        _storable(template or "")
        try:
            names = [
                name
                for _, name, _, _ in string.Formatter().parse(template or "")
                if name is not None
            ]
        except ValueError:
            raise PydanticCustomError(
                "template", "A brace is not closed. Write {{ or }} for a brace in the text."
            ) from None
        for name in names:
            if not name.isidentifier():
                raise PydanticCustomError(
                    "template", "A place is named by letters, digits and underscores: {variable}."
                )
        return template

    @field_validator("max_tokens_limit")
    @classmethod
    def _not_below(cls, limit: int | None, info: ValidationInfo) -> int | None:
        longest = info.data.get("max_tokens")
        if limit is not None and longest is not None and longest > limit:
            raise PydanticCustomError(
                "below_max_tokens", "Max tokens is above this limit. Lower it, or raise the limit."
            )
        return limit

    def request_defaults(self) -> dict[str, Any]:
        names = (
            "temperature",
            "top_p",
            "max_tokens",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "stop",
        )
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class EmbeddingSettings(ProfileSettings):
    """Settings of an embedding profile."""

    dimensions: int | None = Field(
        None,
        title=gettext_noop("Dimensions"),
        description=gettext_noop("Length of a vector, where the model lets one choose."),
        ge=1,
        le=100_000,
    )
    allowed_overrides: list[EmbeddingOverride] | None = _overrides()

    def request_defaults(self) -> dict[str, Any]:
        return {} if self.dimensions is None else {"dimensions": self.dimensions}


@cache
def profile_settings_class(capability: str) -> type[ProfileSettings]:
    """The settings class of a capability. Raises KeyError."""
    classes: dict[Capability, type[ProfileSettings]] = {
        Capability.CHAT: ChatSettings,
        Capability.EMBEDDING: EmbeddingSettings,
    }
    return classes[Capability(capability)]


def profile_fields(capability: str) -> dict[str, ProfileField]:
    """A capability's settings by name, in the order they are shown. Raises KeyError, ValueError."""
    return fields_of(profile_settings_class(capability))
