"""The form of a profile, read off the settings of its capability."""

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from providers.core.base import Capability

from ..lookup import all_by_id_or_alias, get_by_name
from ..models import Connection, Profile
from ..profile_fields import FALLBACKS, LIMITS, ProfileField
from ..profile_settings import profile_fields
from ..services import MOST_FALLBACKS
from ..widgets import InOrder, SomeOrAll
from .base import SETTINGS, FieldGroup, RowForm
from .fields import AliasesField, LinesField, TickField

MORE = gettext_noop("More settings")
NO_OTHER = {
    Capability.CHAT: gettext_lazy("There is no other chat profile yet that could answer."),
    Capability.EMBEDDING: gettext_lazy(
        "There is no other embedding profile yet that could answer."
    ),
}
MOST_CHOICES = 200  # more than these are typed, with suggestions


class ProfileForm(RowForm):
    """A profile.

    The capability is fixed after creation, so it is part of the address, not of the form.
    """

    row_class = Profile

    # not required: a browser tells an untouched list of choices as invalid
    connection = forms.CharField(
        required=False,
        max_length=255,
        label=gettext_lazy("Connection"),
        help_text=gettext_lazy("The connection that answers."),
    )
    model = forms.CharField(
        required=False,
        label=gettext_lazy("Model"),
        help_text=gettext_lazy("Fetch the provider's models, or type any name."),
    )
    fallbacks = AliasesField(
        required=False,
        label=gettext_lazy("Profiles"),
        help_text=gettext_lazy(
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
        teams: list[tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.capability, self.row = capability, profile
        kwargs["initial"] = {**_profile_initial(profile), **kwargs.get("initial", {})}
        super().__init__(**kwargs)
        self.fix_alias()
        self.add_team(teams or [])
        self.fields["connection"].widget = _connection_input(
            capability, choices, self.initial.get("connection")
        )
        self.fields["connection"].must_be_chosen = True  # type: ignore[attr-defined]
        self.fields["model"].widget = _model_input(capability)
        self.fields["fallbacks"].widget = _fallbacks_input(
            others, self.initial.get("fallbacks") or []
        )
        if not others:
            self.fields["fallbacks"].help_text = NO_OTHER[capability]
        for name, field in profile_fields(capability).items():
            self.fields[SETTINGS + name] = _profile_input(field)

    def groups(self) -> Iterator[FieldGroup]:
        """The bound inputs of the settings by group, those that are seldom wanted in a group of
        their own; the fallbacks themselves are the first of theirs.
        """
        found: dict[str, list[BoundField]] = {}
        for name, field in profile_fields(self.capability).items():
            group = MORE if field.is_advanced else field.group
            bound = self[SETTINGS + name]
            bound.has_note = True  # type: ignore[attr-defined]
            if name in self.refused:
                bound.note = _("%(model)s does not take this. It is left out.") % {  # type: ignore[attr-defined]
                    "model": self["model"].value()
                }
            found.setdefault(group, []).append(bound)
        found[FALLBACKS].insert(0, self["fallbacks"])
        for name, fields in found.items():
            yield FieldGroup(name, fields, name in (MORE, LIMITS))

    @property
    def types_connection(self) -> bool:
        """True where there are too many connections for a list to choose from."""
        return isinstance(self.fields["connection"].widget, forms.TextInput)

    @property
    def refused(self) -> frozenset[str]:
        """The settings that the chosen model does not take, as its vendor documents."""
        text = str(self["connection"].value() or "").strip()
        row = get_by_name(Connection.objects.listed(), text) if text else None
        provider = row.provider if row else None
        model = str(self["model"].value() or "").strip()
        return provider.refused_parameters(model) if provider and model else frozenset()

    def move(self, asked: str) -> None:
        """Moves a fallback one place up or down: `2-up`, counted from 0."""
        found = re.fullmatch(r"(\d{1,3})-(up|down)", asked)
        chain = list(self.initial.get("fallbacks") or ())
        if not found or int(found[1]) >= len(chain):
            return
        place = int(found[1])
        target = place + (1 if found[2] == "down" else -1)
        if 0 <= target < len(chain):
            chain[place], chain[target] = chain[target], chain[place]
            self.initial["fallbacks"] = chain
            self.fields["fallbacks"].widget.moved = (target, found[2])

    def clean_connection(self) -> Connection:
        """The connection with this alias or id."""
        text = self.cleaned_data["connection"].strip()
        row: Connection | None = get_by_name(Connection.objects.listed(), text)
        if row is not None:
            return row
        if not text:
            raise forms.ValidationError(_("Choose a connection."), "required")
        raise forms.ValidationError(
            _("There is no connection with this id, alias or name, or there are several."),
            "not_found",
        )

    def clean_fallbacks(self) -> list[Profile]:
        """The profiles with these ids or aliases, in order."""
        given = self.cleaned_data["fallbacks"]
        found = all_by_id_or_alias(Profile.objects.all(), given)
        if unknown := ", ".join(one for one in given if one not in found):
            raise forms.ValidationError(
                _("There is no profile %(names)s."), "not_found", {"names": unknown}
            )
        return [found[one] for one in given]


def _profile_input(field: ProfileField) -> forms.Field:
    common: dict[str, Any] = {
        "label": _(field.label),
        "required": False,
        "help_text": _(field.help),
    }
    if field.kind == "choices":
        choices = [(value, _(text)) for value, text in field.choices]
        return forms.Field(widget=SomeOrAll(field.unset, choices), **common)
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
            f"{one.name} ({one.connection.name}, {one.model})"
            if one.is_active
            else _("%(name)s (%(connection)s, %(model)s, inactive)")
            % {"name": one.name, "connection": one.connection.name, "model": one.model}
        )
        for one in others
    }
    gone = [(alias, alias) for alias in chosen if alias not in labels]
    return InOrder(
        _("Fallback"), [*labels.items(), *gone], MOST_FALLBACKS, typed=len(labels) >= MOST_CHOICES
    )


def _model_input(capability: Capability) -> forms.Widget:
    """A text with suggestions. Another model asks the server what it does not take; the answer
    changes the notes of the settings and nothing that is typed.
    """
    notes = ",".join(f"#id_{SETTINGS}{name}_note:innerHTML" for name in profile_fields(capability))
    return forms.TextInput(
        {
            "list": "models",
            "autocomplete": "off",
            "spellcheck": "false",
            "required": True,
            "hx-post": ".",
            "hx-trigger": "change",
            "hx-vals": '{"action": "look"}',
            "hx-sync": "closest form:abort",  # a button brings these notes too
            "hx-swap": "none",
            "hx-select-oob": notes,
        }
    )


def _connection_input(
    capability: Capability, choices: list[Connection], chosen: str | None
) -> forms.Widget:
    """A list to choose from; with too many connections, a text that asks the server."""
    labels = [
        (
            one.alias,
            f"{one.name} ({one.provider_name})"
            if one.is_active
            else _("%(name)s (%(provider)s, inactive)")
            % {"name": one.name, "provider": one.provider_name},
        )
        for one in choices
    ]
    if len(choices) >= MOST_CHOICES:
        return forms.TextInput(
            {
                "list": "connection-choices",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": _("Name or alias"),
                "required": True,
                "hx-get": f"{reverse('connection-choices')}?capability={capability.value}",
                "hx-trigger": "input delay:250ms, change",
                "hx-target": "#connection-found",
                "hx-swap": "innerHTML",
                "hx-sync": "this:replace",
            }
        )
    if chosen and chosen not in dict(labels):
        labels.append((chosen, chosen))
    return forms.Select(
        {"aria-required": "true"}, choices=[("", _("Choose a connection")), *labels]
    )
