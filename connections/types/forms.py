"""The form in which a connection type is given, as a file or as text."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from providers.core.base import Provider

from ..catalog import LARGEST, decoded
from ..forms.connections import ConnectionForm
from ..models import Team
from ..widgets import ChoiceOrReference


class TypeForm(forms.Form):
    """A document; a chosen file comes before what is typed.

    The services check its content.
    """

    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        label=_("File"),
        help_text=format_lazy(
            _(
                "YAML or JSON, at most {size} KB. Cognigy's schemas are taken too, as JSON or as "
                "TypeScript."
            ),
            size=LARGEST // 1024,
        ),
        widget=forms.FileInput({"accept": ".yaml,.yml,.json,.ts,text/plain,application/json"}),
    )
    document = forms.CharField(
        required=False,
        strip=False,
        label=_("Or its text"),
        widget=forms.Textarea(
            {"rows": 14, "spellcheck": "false", "autocomplete": "off", "class": "code"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """`text` is what was given."""
        found = super().clean() or self.cleaned_data
        file, typed = found.get("file"), found.get("document") or ""
        try:
            found["text"] = decoded(file.read(LARGEST + 1) if file else typed.encode())
        except (ValueError, UnicodeEncodeError) as error:
            self.add_error("file" if file else "document", str(error))
            return found
        if not found["text"].strip():
            self.add_error(
                "file" if file else "document",
                _("Choose a file, or enter the text of a connection type."),
            )
        return found


class TypeTeamForm(forms.Form):
    """To which team new types are offered."""

    team = forms.ChoiceField(
        label=_("Team"),
        required=False,
        help_text=_("New types are offered to it alone. One that is installed stays as it is."),
    )

    def __init__(self, teams: Sequence[Team], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        choices: Any = [("", _("Shared by all")), *((str(one.pk), one.name) for one in teams)]
        self.fields["team"].choices = choices  # type: ignore[attr-defined]


class PreviewForm(ConnectionForm):
    """The form of a type as its connections will have it, to look at: choices can be tried, nothing
    can be entered or sent.

    `number` tells several on one page apart.
    """

    def __init__(self, provider: type[Provider[Any]], user: Any, number: int = 0) -> None:
        super().__init__(provider, user, auto_id=f"id_{number}_%s")
        for field in self.fields.values():
            field.disabled = not isinstance(field.widget, ChoiceOrReference)
