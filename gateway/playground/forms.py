"""The playground's forms. They judge types; what is allowed is for the gateway to say."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic_core import from_json, to_json

from connections.profile_settings import ProfileSettings

VARIABLE = "variable-"
ROLES = ("user", "assistant")


class PlaygroundForm(forms.Form):
    """Base of both.

    `overrides`: the fields by which a call may differ from the profile, as far as the profile lets
    it.
    """

    overrides: Sequence[str] = ()

    def __init__(self, settings: ProfileSettings, **kwargs: Any) -> None:
        super().__init__(auto_id="playground-%s", **kwargs)
        refused = settings.refused_overrides(self.overrides)
        for name in self.overrides:
            if name in refused:
                del self.fields[name]
            else:
                set_to = getattr(settings, name)
                self.fields[name].widget.attrs["placeholder"] = (
                    "not set" if set_to is None else f"{set_to:g}"
                )

    @property
    def override_fields(self) -> list[Any]:
        """Those that are there."""
        return [self[name] for name in self.overrides if name in self.fields]

    @property
    def is_overriding(self) -> bool:
        """Whether one of them is filled, or wrong."""
        return any(one.value() not in (None, "") or one.errors for one in self.override_fields)

    def overriding(self) -> dict[str, Any]:
        """Those that are filled."""
        return {
            name: self.cleaned_data[name]
            for name in self.overrides
            if self.cleaned_data.get(name) is not None
        }

    def problems(self) -> str:
        """Everything that is wrong, in one line."""
        return " ".join(
            f"{self[name].label}: {' '.join(map(str, errors))}"
            if name in self.fields
            else " ".join(map(str, errors))
            for name, errors in self.errors.items()
        )


class ChatForm(PlaygroundForm):
    """A message, the conversation before it, a value for each place of the system prompt."""

    overrides = ("temperature", "max_tokens")
    message = forms.CharField(
        label="Message", widget=forms.Textarea(attrs={"rows": 3}), strip=False
    )
    history = forms.CharField(required=False, widget=forms.HiddenInput)
    temperature = forms.FloatField(
        required=False, widget=forms.NumberInput(attrs={"step": "any", "min": 0, "max": 2})
    )
    max_tokens = forms.IntegerField(
        label="Max tokens", required=False, widget=forms.NumberInput(attrs={"min": 1})
    )

    def __init__(self, settings: ProfileSettings, places: Sequence[str], **kwargs: Any) -> None:
        super().__init__(settings, **kwargs)
        self.places = places
        for name in places:
            self.fields[VARIABLE + name] = forms.CharField(label=name, strip=False)
            if self.is_bound:  # the gateway says which are missing, as it says it to every caller
                self.fields[VARIABLE + name].required = False

    @property
    def variable_fields(self) -> list[Any]:
        """One for each place."""
        return [self[VARIABLE + name] for name in self.places]

    @property
    def turns(self) -> list[dict[str, str]]:
        """The conversation so far; empty when it cannot be read."""
        return _turns(self["history"].value()) or []

    def clean_history(self) -> list[dict[str, str]]:
        """The messages before this one."""
        found = _turns(self.cleaned_data["history"])
        if found is None:
            raise ValidationError(
                "The conversation so far cannot be read. Clear it and begin again."
            )
        return found

    def body(self) -> dict[str, Any]:
        """The call in OpenAI's format, without the model."""
        messages = [
            *self.cleaned_data["history"],
            {"role": "user", "content": self.cleaned_data["message"]},
        ]
        variables = {
            name: value for name in self.places if (value := self.cleaned_data[VARIABLE + name])
        }
        return {
            "messages": messages,
            **({"variables": variables} if variables else {}),
            **self.overriding(),
        }

    def example(self) -> dict[str, Any]:
        """A call as it could be made."""
        variables = dict.fromkeys(self.places, "...")
        return {
            "messages": [{"role": "user", "content": "Hello"}],
            **({"variables": variables} if variables else {}),
        }

    def after(self, answer: str) -> dict[str, Any]:
        """The values of the next form, when the answer to this one has come.

        An empty answer is not carried on.
        """
        history = self.cleaned_data["history"]
        if answer:
            history = [*self.body()["messages"], {"role": "assistant", "content": answer}]
        return {**self.cleared(), "history": to_json(history).decode()}

    def cleared(self) -> dict[str, Any]:
        """The values of the next form when the conversation begins again."""
        return {
            name: value
            for name, value in self.data.items()
            if name in self.fields and name not in ("message", "history")
        }


def _turns(text: str | None) -> list[dict[str, str]] | None:
    try:
        found = from_json(text or "[]")
    except ValueError:
        return None
    return found if isinstance(found, list) and all(_is_turn(one) for one in found) else None


def _is_turn(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and one.keys() == {"role", "content"}
        and one["role"] in ROLES
        and isinstance(one["content"], str)
    )


class EmbeddingForm(PlaygroundForm):
    """A text."""

    overrides = ("dimensions",)
    text = forms.CharField(label="Text", widget=forms.Textarea(attrs={"rows": 3}), strip=False)
    dimensions = forms.IntegerField(required=False, widget=forms.NumberInput(attrs={"min": 1}))

    def body(self) -> dict[str, Any]:
        """The call in OpenAI's format, without the model."""
        return {"input": self.cleaned_data["text"], **self.overriding()}

    def example(self) -> dict[str, Any]:
        """A call as it could be made."""
        return {"input": "Hello"}
