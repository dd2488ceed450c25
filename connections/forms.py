"""Forms carry and translate; they judge nothing. What is wrong comes back from the services, field by field."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from providers.base import Capability, Provider
from providers.schema import SettingsField, settings_fields

from .models import Connection, Profile
from .profile_fields import FALLBACKS, ProfileField, from_one_line, on_one_line
from .profile_settings import profile_fields
from .references import is_reference
from .services import MOST_FALLBACKS, Invalid, Stale, public_settings
from .widgets import ChoiceOrReference, InOrder, MapInput, MapRow, SecretInput, SomeOrAll

SETTINGS = "settings-"
MOST_CHOICES = 200  # more than these are typed, with suggestions
YES_NO = (("true", "Yes"), ("false", "No"))


class TagsField(forms.CharField):
    """A list of words, typed with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, help_text="Words with commas between them, to find and group by.", **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [tag.strip() for tag in (value or "").split(",") if tag.strip()]


class AliasesField(forms.Field):
    """Aliases of profiles, in order: from several inputs, or from one text with commas between them."""

    def to_python(self, value: Any) -> list[str]:
        given = value.split(",") if isinstance(value, str) else value or ()
        aliases = [alias.strip() for alias in given if alias.strip()]
        if any("\x00" in alias for alias in aliases):
            raise forms.ValidationError("Null characters are not allowed.", "null_characters_not_allowed")
        return aliases


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea({"rows": 2, "spellcheck": "false"}), **kwargs)
        self.help_text = f"{self.help_text} One a line; write \\n for a line break in a text."

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(on_one_line(text) for text in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str] | None:  # type: ignore[override]
        lines = str(value or "").replace("\r\n", "\n").split("\n")
        return [from_one_line(line) for line in lines if line] or None


class MapField(forms.Field):
    """Keys and their values. A row whose Remove box is ticked becomes None, an empty one nothing."""

    def clean(self, value: list[MapRow] | None) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for row in value or ():
            if row.is_empty or (row.removed and not row.key):
                continue
            if not row.key:
                raise forms.ValidationError("Enter a key for each value.", "required")
            if found.get(row.key) is not None and not row.removed:
                raise forms.ValidationError(f"Two rows have the key {row.key}. Change or remove one of them.", "duplicate")
            if not row.removed or row.key not in found:
                found[row.key] = None if row.removed else row.value
        return found


class RowForm(forms.Form):
    """What the forms of connections and profiles share. `version` is the one the editor saw."""

    # What is empty or too long is for the services to say, together with everything else that is wrong.
    name = forms.CharField(required=False, help_text="For people.", widget=forms.TextInput({"autocomplete": "off", "required": True}))
    alias = forms.CharField(
        required=False,
        help_text="What code asks for. Left empty, it is made from the name. Cannot be changed later.",
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    tags = TagsField()
    is_active = forms.BooleanField(required=False, initial=True, label="Active", help_text="Switched off, nothing can use it.")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    row: Any = None

    def fix_alias(self) -> None:
        """A saved row's alias is shown, not asked for."""
        if self.row is not None:
            del self.fields["alias"]

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error of a service at its field, at the map for one of its entries; those without a field at the top."""
        for error in refused.errors:
            name, _, key = error.field.replace("settings.", SETTINGS, 1).partition(".")
            message = f"{key}: {error.message}" if key else error.message
            if key and name in self.fields and isinstance(self.fields[name].widget, MapInput):
                self.fields[name].widget.wrong.add(key)
            self.add_error(name if name in self.fields else None, forms.ValidationError(message, error.code))

    def typed(self) -> dict[str, Any]:
        """What was entered, as it is, for another form to begin with."""
        return {name: self[name].data for name in self.fields}

    def add_stale(self, stale: Stale) -> None:
        """Says who was faster, and takes over their version, so that a second save is a decision."""
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data["version"] = str(stale.current.version)  # type: ignore[index]
        text = f"{stale} What you entered is kept below. Save again to replace the other change with yours."
        self.add_error(None, forms.ValidationError(text, "stale"))

    def columns(self) -> dict[str, Any]:
        """The row's own columns, as the services take them."""
        names = ("name", "alias", "tags", "is_active")
        return {name: self.cleaned_data[name] for name in names if name in self.fields}

    def settings(self) -> dict[str, Any]:
        """The settings, as the services take them."""
        return {name.removeprefix(SETTINGS): value for name, value in self.cleaned_data.items() if name.startswith(SETTINGS)}


class ConnectionForm(RowForm):
    """A connection of one provider; its settings fields are read off the provider's schema."""

    def __init__(self, provider: type[Provider[Any]], user: Any, connection: Connection | None = None, **kwargs: Any) -> None:
        self.provider, self.row = provider, connection
        shown = public_settings(connection) if connection else {}
        kwargs["initial"] = {**_initial(provider, connection, shown), **kwargs.get("initial", {})}
        super().__init__(**kwargs)
        self.fix_alias()
        purpose = f"{user.pk}:{provider.id}:{connection.pk if connection else ''}"
        for field in settings_fields(provider).values():
            self.fields[SETTINGS + field.name] = _settings_input(provider, field, shown.get(field.name), purpose)
            if field.secret and not field.is_map and shown.get(field.name) is not None and not field.required:
                self.fields[f"{SETTINGS}{field.name}-clear"] = forms.BooleanField(required=False, label=f"Clear the stored {field.label}")

    def settings(self) -> dict[str, Any]:
        """None for a secret whose Clear box is ticked; an empty text keeps it."""
        posted = {name: value for name, value in super().settings().items() if not name.endswith("-clear")}
        cleared = [name for name in posted if self.cleaned_data.get(f"{SETTINGS}{name}-clear") and not posted[name]]
        return posted | dict.fromkeys(cleared)

    def add_row(self, name: str) -> None:
        """One more empty row in the map of this input, if there is such a map."""
        if name in self.fields and isinstance(self.fields[name], MapField):
            self.initial[name] = [*(self.initial.get(name) or ()), MapRow()]
            self.fields[name].widget.begins_in_last = True

    @property
    def has_rows(self) -> bool:
        """Whether it has buttons that only add a row: then Enter must still save."""
        return any(isinstance(field, MapField) for field in self.fields.values())

    def groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The settings fields by group, General first."""
        found: dict[str, list[BoundField]] = {}
        for name, field in settings_fields(self.provider).items():
            found.setdefault(field.group, []).append(self._decorated(self[SETTINGS + name], field))
        yield from found.items()

    def _decorated(self, bound: BoundField, field: SettingsField) -> BoundField:
        """Hands the template what it needs beside the input: the Clear box, and on which choice the field depends."""
        clear = f"{bound.name}-clear"
        bound.clear = self[clear] if clear in self.fields else None  # type: ignore[attr-defined]
        bound.schema = field  # type: ignore[attr-defined]
        bound.depends = _dependence(self.provider, field)  # type: ignore[attr-defined]
        return bound


def _initial(provider: type[Provider[Any]], connection: Connection | None, shown: dict[str, Any]) -> dict[str, Any]:
    if connection is None:
        return {}
    columns = {name: getattr(connection, name) for name in ("name", "tags", "is_active", "version")}
    maps = {name: [MapRow(key, value) for key, value in shown[name].items()] for name in shown if _is_map(provider, name)}
    return columns | {SETTINGS + name: maps.get(name, value) for name, value in shown.items()}


def _is_map(provider: type[Provider[Any]], name: str) -> bool:
    field = settings_fields(provider).get(name)
    return field is not None and field.is_map


def _dependence(provider: type[Provider[Any]], field: SettingsField) -> str:
    """`1-2`: the field is shown while the second choice of the first choice field is ticked. The stylesheet knows these."""
    if field.shown_when is None:
        return ""
    name, wanted = field.shown_when
    option = [value for value, _ in settings_fields(provider)[name].choices].index(wanted) + 1
    return f"{_choice_number(provider, name)}-{option}"


def _choice_number(provider: type[Provider[Any]], name: str) -> int:
    choices = [one.name for one in settings_fields(provider).values() if one.kind in ("choice", "boolean")]
    return choices.index(name) + 1


def _settings_input(provider: type[Provider[Any]], field: SettingsField, shown: Any, purpose: str) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "required": False, "help_text": field.help}
    if field.is_map:
        return MapField(widget=MapInput(field.label, shown or {}, purpose if field.secret else ""), **common)
    attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": field.placeholder}
    if field.secret:
        stored = shown if shown is not None and not is_reference(shown) else ""
        reference = shown if is_reference(shown) else None
        input_type = SecretArea if field.kind == "headers" else SecretInput
        return forms.CharField(initial=reference, strip=False, widget=input_type(purpose, stored, attrs), **common)
    if field.kind in ("choice", "boolean"):
        choices = YES_NO if field.kind == "boolean" else field.choices
        return forms.CharField(
            initial=_text(field.default), widget=ChoiceOrReference(_choice_number(provider, field.name), choices), **common
        )
    widget = forms.TextInput({**attrs, "placeholder": field.placeholder or _text(field.default)})
    return forms.CharField(widget=widget, **common)


def _text(value: Any) -> str:
    """A value as a form has it: `true` and `false` in lower case, nothing for None."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class SecretArea(SecretInput):
    """A secret of several lines."""

    template_name = "widgets/secret_area.html"


class ProfileForm(RowForm):
    """A profile. The capability is fixed after creation, so it is part of the address, not of the form."""

    connection = forms.CharField(max_length=100, help_text="Alias of the connection that answers.")
    model = forms.CharField(required=False, help_text="Fetch the provider's models, or type any name.")
    fallbacks = AliasesField(
        required=False, label="Profiles", help_text="Who answers, in this order, when this one cannot. Their own fallbacks are not asked."
    )
    field_order = ("name", "alias", "connection", "model")

    def __init__(
        self, capability: Capability, choices: list[Connection], others: list[Profile], profile: Profile | None = None, **kwargs: Any
    ) -> None:
        self.capability, self.row = capability, profile
        kwargs["initial"] = {**_profile_initial(profile), **kwargs.get("initial", {})}
        super().__init__(**kwargs)
        self.fix_alias()
        self.fields["connection"].widget = _connection_input(choices, self.initial.get("connection"))
        self.fields["model"].widget = forms.TextInput({"list": "models", "autocomplete": "off", "spellcheck": "false", "required": True})
        self.fields["fallbacks"].widget = _fallbacks_input(others, self.initial.get("fallbacks") or [])
        if not others:
            self.fields["fallbacks"].help_text = f"There is no other {capability.value.lower()} profile yet that could answer."
        for name, field in profile_fields(capability).items():
            self.fields[SETTINGS + name] = _profile_input(field)

    def groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The bound inputs of the settings by group; the fallbacks themselves are the first of theirs."""
        found: dict[str, list[BoundField]] = {}
        for name, field in profile_fields(self.capability).items():
            found.setdefault(field.group, []).append(self[SETTINGS + name])
        found[FALLBACKS].insert(0, self["fallbacks"])
        yield from found.items()

    def clean_connection(self) -> Connection:
        """The connection with this alias or id."""
        try:
            return Connection.objects.listed().get(alias=self.cleaned_data["connection"].strip())
        except Connection.DoesNotExist:
            raise forms.ValidationError("There is no connection with this alias.", "not_found") from None

    def clean_fallbacks(self) -> list[Profile]:
        """The profiles with these aliases, in order."""
        aliases = self.cleaned_data["fallbacks"]
        found = {one.alias: one for one in Profile.objects.filter(alias__in=aliases)}
        if unknown := ", ".join(alias for alias in aliases if alias not in found):
            raise forms.ValidationError(f"There is no profile {unknown}.", "not_found")
        return [found[alias] for alias in aliases]


def _profile_input(field: ProfileField) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "required": False, "help_text": field.help}
    if field.kind == "choices":
        return forms.Field(widget=SomeOrAll(field.unset, field.choices), **common)
    if field.kind == "texts":
        return LinesField(**common)
    if field.name.endswith("_template"):
        return forms.CharField(widget=forms.Textarea({"rows": 5}), **common)
    number = {"inputmode": "text" if field.signed else "decimal"}  # a decimal keypad may have no minus
    return forms.CharField(widget=forms.TextInput({"autocomplete": "off", **number}), **common)


def _profile_initial(profile: Profile | None) -> dict[str, Any]:
    if profile is None:
        return {}
    names = ("name", "tags", "is_active", "version", "model")
    columns = {name: getattr(profile, name) for name in names} | {"connection": profile.connection.alias}
    chain = list(profile.fallback_steps.values_list("fallback__alias", flat=True))
    return columns | {"fallbacks": chain} | {SETTINGS + name: value for name, value in profile.settings.items()}


def _fallbacks_input(others: list[Profile], chosen: list[str]) -> forms.Widget:
    """Lists to choose from while there are few profiles, texts with suggestions when there are too many."""
    labels = {one.alias: f"{one.name} ({one.connection.name}, {one.model}{'' if one.is_active else ', inactive'})" for one in others}
    gone = [(alias, alias) for alias in chosen if alias not in labels]
    return InOrder("Fallback", [*labels.items(), *gone], MOST_FALLBACKS, typed=len(labels) >= MOST_CHOICES)


def _connection_input(choices: list[Connection], chosen: str | None) -> forms.Widget:
    """A list to choose from while there are few; a text with suggestions when there are too many for a list."""
    labels = [(one.alias, f"{one.name} ({one.provider_name}{'' if one.is_active else ', inactive'})") for one in choices]
    if len(choices) >= MOST_CHOICES:
        return forms.TextInput({"list": "connections", "autocomplete": "off"})
    if chosen and chosen not in dict(labels):
        labels.append((chosen, chosen))
    return forms.Select(choices=[("", "Choose a connection"), *labels])
