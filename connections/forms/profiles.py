"""The form of a profile, read off the settings of its capability."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from providers.core.base import Capability

from ..lookup import all_by_id_or_alias, get_by_id_or_alias
from ..models import Connection, Profile
from ..profile_fields import FALLBACKS, ProfileField
from ..profile_settings import profile_fields
from ..services import MOST_FALLBACKS
from ..widgets import InOrder, SomeOrAll
from .base import SETTINGS, RowForm
from .fields import AliasesField, LinesField, TickField

MOST_CHOICES = 200  # more than these are typed, with suggestions


class ProfileForm(RowForm):
    """A profile.

    The capability is fixed after creation, so it is part of the address, not of the form.
    """

    row_class = Profile

    connection = forms.CharField(
        max_length=100, help_text="Id or alias of the connection that answers."
    )
    model = forms.CharField(
        required=False, help_text="Fetch the provider's models, or type any name."
    )
    fallbacks = AliasesField(
        required=False,
        label="Profiles",
        help_text=(
            "Who answers, in this order, when this one cannot. Their own fallbacks are not asked."
        ),
    )
    field_order = ("name", "alias", "connection", "model")

    def __init__(
        self,
        capability: Capability,
        choices: list[Connection],
        others: list[Profile],
        profile: Profile | None = None,
        **kwargs: Any,
    ) -> None:
        self.capability, self.row = capability, profile
        kwargs["initial"] = {**_profile_initial(profile), **kwargs.get("initial", {})}
        super().__init__(**kwargs)
        self.fix_alias()
        self.fields["connection"].widget = _connection_input(
            choices, self.initial.get("connection")
        )
        self.fields["model"].widget = forms.TextInput(
            {"list": "models", "autocomplete": "off", "spellcheck": "false", "required": True}
        )
        self.fields["fallbacks"].widget = _fallbacks_input(
            others, self.initial.get("fallbacks") or []
        )
        if not others:
            self.fields[
                "fallbacks"
            ].help_text = (
                f"There is no other {capability.value.lower()} profile yet that could answer."
            )
        for name, field in profile_fields(capability).items():
            self.fields[SETTINGS + name] = _profile_input(field)

    def groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The bound inputs of the settings by group; the fallbacks themselves are the first of
        theirs.
        """
        found: dict[str, list[BoundField]] = {}
        for name, field in profile_fields(self.capability).items():
            found.setdefault(field.group, []).append(self[SETTINGS + name])
        found[FALLBACKS].insert(0, self["fallbacks"])
        yield from found.items()

    def clean_connection(self) -> Connection:
        """The connection with this alias or id."""
        row: Connection | None = get_by_id_or_alias(
            Connection.objects.listed(), self.cleaned_data["connection"].strip()
        )
        if row is None:
            raise forms.ValidationError(
                "There is no connection with this id or alias.", "not_found"
            )
        return row

    def clean_fallbacks(self) -> list[Profile]:
        """The profiles with these ids or aliases, in order."""
        given = self.cleaned_data["fallbacks"]
        found = all_by_id_or_alias(Profile.objects.all(), given)
        if unknown := ", ".join(one for one in given if one not in found):
            raise forms.ValidationError(f"There is no profile {unknown}.", "not_found")
        return [found[one] for one in given]


def _profile_input(field: ProfileField) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "required": False, "help_text": field.help}
    if field.kind == "choices":
        return forms.Field(widget=SomeOrAll(field.unset, field.choices), **common)
    if field.kind == "texts":
        return LinesField(**common)
    if field.kind == "boolean":
        return TickField(**common)
    if field.name.endswith("_template"):
        return forms.CharField(widget=forms.Textarea({"rows": 5}), **common)
    keypad = "text" if field.signed else "decimal"  # a decimal keypad may have no minus
    widget = forms.TextInput({"autocomplete": "off", "inputmode": keypad})
    return forms.CharField(widget=widget, **common)


def _profile_initial(profile: Profile | None) -> dict[str, Any]:
    if profile is None:
        return {}
    names = (*profile.editable_columns, "version")
    columns = {name: getattr(profile, name) for name in names} | {
        "connection": profile.connection.alias
    }
    chain = list(profile.fallback_steps.values_list("fallback__alias", flat=True))
    return (
        columns
        | {"fallbacks": chain}
        | {SETTINGS + name: value for name, value in profile.settings.items()}
    )


def _fallbacks_input(others: list[Profile], chosen: list[str]) -> forms.Widget:
    """Lists to choose from; with too many profiles, texts with suggestions."""
    labels = {
        one.alias: (
            f"{one.name} ({one.connection.name}, "
            f"{one.model}{'' if one.is_active else ', inactive'})"
        )
        for one in others
    }
    gone = [(alias, alias) for alias in chosen if alias not in labels]
    return InOrder(
        "Fallback", [*labels.items(), *gone], MOST_FALLBACKS, typed=len(labels) >= MOST_CHOICES
    )


def _connection_input(choices: list[Connection], chosen: str | None) -> forms.Widget:
    """A list to choose from; with too many connections, a text with suggestions."""
    labels = [
        (one.alias, f"{one.name} ({one.provider_name}{'' if one.is_active else ', inactive'})")
        for one in choices
    ]
    if len(choices) >= MOST_CHOICES:
        return forms.TextInput({"list": "connections", "autocomplete": "off"})
    if chosen and chosen not in dict(labels):
        labels.append((chosen, chosen))
    return forms.Select(choices=[("", "Choose a connection"), *labels])
