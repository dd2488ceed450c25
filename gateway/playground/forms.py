"""The playground's forms. They check types only; the gateway says what a profile allows."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic_core import from_json, to_json

from connections.profile_settings import ProfileSettings

VARIABLE = "variable-"
ROLES = ("user", "assistant")


class PlaygroundForm(forms.Form):
    """Base of both forms.

    `overrides`: fields by which a request may differ from its profile. Those that the profile does
    not let it set are left out.
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
                    gettext("not set") if set_to is None else f"{set_to:g}"
                )

    @property
    def override_fields(self) -> list[Any]:
        """The fields of `overrides` that the form has."""
        return [self[name] for name in self.overrides if name in self.fields]

    @property
    def is_overriding(self) -> bool:
        """True when one of them is filled, or wrong."""
        return any(one.value() not in (None, "") or one.errors for one in self.override_fields)

    def overriding(self) -> dict[str, Any]:
        """The values of those that are filled."""
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
    """A message, the conversation before it, and a value for each place of the system prompt."""

    overrides = ("temperature", "max_tokens")
    message = forms.CharField(
        label=_("Message"), widget=forms.Textarea(attrs={"rows": 3}), strip=False
    )
    history = forms.CharField(required=False, widget=forms.HiddenInput)
    temperature = forms.FloatField(
        label=_("Temperature"),
        required=False,
        widget=forms.NumberInput(attrs={"step": "any", "min": 0, "max": 2}),
    )
    max_tokens = forms.IntegerField(
        label=_("Max tokens"), required=False, widget=forms.NumberInput(attrs={"min": 1})
    )

    def __init__(self, settings: ProfileSettings, places: Sequence[str], **kwargs: Any) -> None:
        super().__init__(settings, **kwargs)
        self.places = places
        for name in places:
            self.fields[VARIABLE + name] = forms.CharField(label=name, strip=False)
            # The gateway says which are missing, as it does to every caller.
            self.fields[VARIABLE + name].required = not self.is_bound

    @property
    def variable_fields(self) -> list[Any]:
        """A field for each place."""
        return [self[VARIABLE + name] for name in self.places]

    @property
    def turns(self) -> list[dict[str, str]]:
        """The conversation so far; empty when it cannot be read."""
        return read_turns(self["history"].value()) or []

    def clean_history(self) -> list[dict[str, str]]:
        """The messages before this one."""
        found = read_turns(self.cleaned_data["history"])
        if found is None:
            raise ValidationError(
                gettext("The conversation so far cannot be read. Clear it and begin again.")
            )
        return found

    def body(self) -> dict[str, Any]:
        """The request in OpenAI's format, without the model."""
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
        """A request as an example."""
        variables = dict.fromkeys(self.places, "...")
        return {
            "messages": [{"role": "user", "content": "Hello"}],
            **({"variables": variables} if variables else {}),
        }

    def after(self, answer: str) -> dict[str, Any]:
        """The initial values of the next form.

        Its conversation goes on with `answer`, unless that is empty.
        """
        history = self.cleaned_data["history"]
        if answer:
            history = [*self.body()["messages"], {"role": "assistant", "content": answer}]
        return {**self.cleared(), "history": to_json(history).decode()}

    def cleared(self) -> dict[str, Any]:
        """The initial values of the next form when the conversation begins again."""
        return {
            name: value
            for name, value in self.data.items()
            if name in self.fields and name not in ("message", "history")
        }


def read_turns(text: str | None) -> list[dict[str, str]] | None:
    """The messages of a conversation from JSON, None for anything else."""
    try:
        found = from_json(text or "[]")
    except ValueError:
        return None
    if not isinstance(found, list):
        return None
    for one in found:
        if not isinstance(one, dict) or one.keys() != {"role", "content"}:
            return None
        if one["role"] not in ROLES or not isinstance(one["content"], str):
            return None
    return found


class EmbeddingForm(PlaygroundForm):
    """A text to make a vector of."""

    overrides = ("dimensions",)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 3}), strip=False)
    dimensions = forms.IntegerField(
        label=_("Dimensions"), required=False, widget=forms.NumberInput(attrs={"min": 1})
    )

    def body(self) -> dict[str, Any]:
        """The request in OpenAI's format, without the model."""
        return {"input": self.cleaned_data["text"], **self.overriding()}

    def example(self) -> dict[str, Any]:
        """A request as an example."""
        return {"input": "Hello"}
