"""The form in which a row gets another alias."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from ..models import ALIAS_RULE
from .base import RowForm


class AliasForm(RowForm):
    """The new alias, and the version that the form was filled from."""

    # Django's way to leave fields of a base out
    name = tags = is_active = None  # type: ignore[assignment]
    alias = forms.CharField(
        required=False,
        label=gettext_lazy("New alias"),
        help_text=ALIAS_RULE,
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "required": True,
            }
        ),
    )

    def __init__(self, row: Any, data: Any = None) -> None:
        super().__init__(data, initial={"version": row.version})
        self.row = row
