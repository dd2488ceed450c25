"""The base of the forms of connections and profiles."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import VersionedModel
from ..services import Invalid, Stale, may_add_for_all, teams_to_add
from ..widgets import MapInput, MapRow
from .fields import TagsField

SETTINGS = "settings-"
FOR_ALL = "all"


def team_choices(kind: str, user: Any) -> list[tuple[str, str]]:
    """The teams in which this person may make a row, and FOR_ALL for what all share; none without
    a team. `kind`: `connection` or `profile`.
    """
    teams = teams_to_add(user, kind)
    found = [(str(one.pk), one.name) for one in teams]
    if teams and may_add_for_all(user, kind):
        found.insert(0, (FOR_ALL, _("Shared by all")))
    return found


class ChoosesTeam(forms.Form):
    """A form in which a team may be chosen for what is new."""

    def add_team(self, choices: list[tuple[str, str]]) -> None:
        """Adds the choice of a team. A choice of one is there to be seen."""
        if not choices:
            return
        self.fields["team"] = forms.ChoiceField(
            required=False,
            choices=choices,
            initial=choices[0][0],
            label=_("Team"),
            help_text=_("Who sees it. It can be moved and shared later."),
        )

    def team(self) -> str | None:
        """The id of the chosen team, before anything is chosen the first, and empty for what all
        share; None where none was.
        """
        chosen = self["team"].value() if "team" in self.fields else None
        return str(chosen).replace(FOR_ALL, "") if chosen else None


@dataclass(frozen=True)
class FieldGroup:
    """Inputs that stand together. Those of a folded group are seldom wanted: its summary says how
    many of them are set.
    """

    name: str
    fields: list[BoundField]
    is_folded: bool = False

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return _(self.name)

    @property
    def number_set(self) -> int:
        """How many of the inputs say something else than their default."""
        return sum(_is_set(one) for one in self.fields)

    @property
    def has_errors(self) -> bool:
        """True if one of the inputs was refused."""
        return any(one.errors for one in self.fields)


def _is_set(bound: BoundField) -> bool:
    if getattr(bound.field.widget, "stored", ""):
        return True
    shown, default = _shown(bound.field, bound.value()), _shown(bound.field, bound.field.initial)
    return bool(shown) and shown not in (default, getattr(bound, "unset", ""))


def _shown(field: forms.Field, value: Any) -> str:
    """A value as its input shows it, to compare two of them; a box that is not ticked is empty."""
    if isinstance(field, forms.BooleanField):
        return as_text(bool(value) or None)
    return as_text(field.prepare_value(value))


def as_text(value: Any) -> str:
    """A value as a form has it: `true` and `false` in lower case, whole numbers without `.0`,
    nothing for None and for what is empty.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(
            f"{one.key}={one.value}" if isinstance(one, MapRow) else str(one)
            for one in value
            if not (isinstance(one, MapRow) and one.is_empty)
        )
    return "" if value is None else str(value)


class RowForm(ChoosesTeam):
    """A form of a row's columns and settings. `version`: the one that the form was filled from."""

    # The services refuse what is empty or too long, together with all other errors.
    name = forms.CharField(
        required=False,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("For people."),
        widget=forms.TextInput({"autocomplete": "off", "required": True}),
    )
    alias = forms.CharField(
        required=False,
        label=gettext_lazy("Alias"),
        help_text=gettext_lazy(
            "What code asks for. Left empty, it is made from the name. Only an administrator can "
            "change it later."
        ),
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    tags = TagsField()
    is_active = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Active"),
        help_text=gettext_lazy("Switched off, nothing can use it."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    row_class: type[VersionedModel]
    row: Any = None

    def fix_alias(self) -> None:
        """Removes the alias if the row is saved: it is changed on a page of its own."""
        if self.row is not None:
            del self.fields["alias"]

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error of a service at its field, that of a map's entry at the map, and those
        without a field at the top.
        """
        for error in refused.errors:
            name, _, key = error.field.replace("settings.", SETTINGS, 1).partition(".")
            message = f"{key}: {error.message}" if key else error.message
            if key and name in self.fields and isinstance(self.fields[name].widget, MapInput):
                self.fields[name].widget.wrong.add(key)
            self.add_error(
                name if name in self.fields else None, forms.ValidationError(message, error.code)
            )

    @cached_property
    def changed_data(self) -> list[str]:
        """The names of the inputs that do not say what the row says: of a form that comes back."""
        return [
            name
            for name, field in self.fields.items()
            if _shown(field, self[name].initial) != _shown(field, self[name].data)
        ]

    def typed(self) -> dict[str, Any]:
        """The entries as they are, to be the initial values of another form."""
        return {name: self[name].data for name in self.fields}

    def add_stale(self, stale: Stale) -> None:
        """Says who saved meanwhile, and takes over their version: a second save then replaces the
        other change on purpose.
        """
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data["version"] = str(stale.current.version)  # type: ignore[index]
        kept = _(
            "What you entered is kept below. Save again to replace the other change with yours."
        )
        self.add_error(None, forms.ValidationError(f"{stale} {kept}", "stale"))

    def columns(self) -> dict[str, Any]:
        """The row's own columns, as the services take them."""
        names = ("alias", *self.row_class.editable_columns)
        return {name: self.cleaned_data[name] for name in names if name in self.fields}

    def settings(self) -> dict[str, Any]:
        """The settings, as the services take them."""
        return {
            name.removeprefix(SETTINGS): value
            for name, value in self.cleaned_data.items()
            if name.startswith(SETTINGS)
        }
