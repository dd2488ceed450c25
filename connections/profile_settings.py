"""What a profile may set, one pydantic class per capability. Field names are those of the OpenAI protocol."""

import string
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from providers.base import Capability


class ProfileSettings(BaseModel):
    """Base of every capability's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class ChatSettings(ProfileSettings):
    """Settings of a chat profile."""

    temperature: float | None = Field(None, title="Temperature", description="0 is most predictable, 2 most varied.", ge=0, le=2)
    max_tokens: int | None = Field(None, title="Max tokens", description="Longest answer, in tokens.", ge=1, le=10_000_000)
    system_prompt_template: str | None = Field(
        None,
        title="System prompt",
        description="Put before every conversation. {variable} marks a place the request fills; {{ and }} write braces.",
        max_length=100_000,
    )

    @field_validator("system_prompt_template")
    @classmethod
    def _places(cls, template: str | None) -> str | None:
        if template and "\x00" in template:
            raise PydanticCustomError("null_character", "A null character cannot be stored. Remove it.")
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(template or "") if name is not None]
        except ValueError:
            raise PydanticCustomError("template", "A brace is not closed. Write {{{{ or }}}} for a brace in the text.") from None
        for name in names:
            if not name.isidentifier():
                raise PydanticCustomError("template", "A place is named by letters, digits and underscores: {{variable}}.")
        return template


class EmbeddingSettings(ProfileSettings):
    """Settings of an embedding profile."""

    dimensions: int | None = Field(
        None, title="Dimensions", description="Length of a vector, where the model lets one choose.", ge=1, le=100_000
    )


@cache
def profile_settings_class(capability: str) -> type[ProfileSettings]:
    """The settings class of a capability. Raises KeyError."""
    classes: dict[Capability, type[ProfileSettings]] = {Capability.CHAT: ChatSettings, Capability.EMBEDDING: EmbeddingSettings}
    return classes[Capability(capability)]
