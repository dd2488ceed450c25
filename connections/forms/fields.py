"""Fields that turn typed text into the values that services take, and back."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..profile_fields import from_one_line, on_one_line
from ..widgets import MapRow


class TagsField(forms.CharField):
    """A list of words, typed with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Tags"))
        super().__init__(
            required=False,
            help_text=gettext_lazy("Words with commas between them, to find and group by."),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [tag.strip() for tag in (value or "").split(",") if tag.strip()]


class AliasesField(forms.Field):
    """Ids and aliases of rows, in order: from several inputs, or from one text with commas between
    them.
    """

    def prepare_value(self, value: Any) -> Any:
        return (
            ", ".join(value)
            if isinstance(value, list) and isinstance(self.widget, forms.TextInput)
            else value
        )

    def to_python(self, value: Any) -> list[str]:
        given = value.split(",") if isinstance(value, str) else value or ()
        aliases = [alias.strip() for alias in given if alias.strip()]
        if any("\x00" in alias for alias in aliases):
            raise forms.ValidationError(
                _("Null characters are not allowed."), "null_characters_not_allowed"
            )
        return aliases


class NetworksField(forms.CharField):
    """Networks, one a line or with commas between them. The services judge them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Networks"))
        super().__init__(
            widget=forms.Textarea({"rows": 2, "spellcheck": "false"}),
            required=False,
            **kwargs,
        )
        self.help_text = gettext_lazy(
            "From where it may be used: networks such as 10.0.0.0/8 or addresses, one a line. "
            "Empty: from anywhere."
        )

    def to_python(self, value: Any) -> Any:
        given = (super().to_python(value) or "").replace(",", "\n").splitlines()
        return [one.strip() for one in given if one.strip()]


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            strip=False, widget=forms.Textarea({"rows": 2, "spellcheck": "false"}), **kwargs
        )
        how = _("One a line; write \\n for a line break in a text.")
        self.help_text = f"{self.help_text} {how}"

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(on_one_line(text) for text in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str] | None:  # type: ignore[override]
        lines = str(value or "").replace("\r\n", "\n").split("\n")
        return [from_one_line(line) for line in lines if line] or None


class TickField(forms.BooleanField):
    """A setting that is off until it is ticked; off, nothing is stored."""

    def clean(self, value: Any) -> bool | None:
        return super().clean(value) or None


class MapField(forms.Field):
    """Keys and their values.

    A row whose Remove box is ticked becomes None, an empty one nothing.
    """

    def clean(self, value: list[MapRow] | None) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for row in value or ():
            if row.is_empty or (row.removed and not row.key):
                continue
            if not row.key:
                raise forms.ValidationError(_("Enter a key for each value."), "required")
            if found.get(row.key) is not None and not row.removed:
                raise forms.ValidationError(
                    _("Two rows have the key %(key)s. Change or remove one of them."),
                    "duplicate",
                    {"key": row.key},
                )
            if not row.removed or row.key not in found:
                found[row.key] = None if row.removed else row.value
        return found
