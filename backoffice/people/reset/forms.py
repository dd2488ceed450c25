"""The forms of a forgotten password."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..forms import RefusableForm, password_field


class AskForm(forms.Form):
    """Who forgot it."""

    name = forms.CharField(
        label=_("Name or e-mail address"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )


class NewPasswordForm(RefusableForm):
    """The new password."""

    password = password_field(_("At least 12 characters."))


class EmailForm(RefusableForm):
    """Where the link goes."""

    email = forms.CharField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("A link to reset a forgotten password goes there. Empty: none can be sent."),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
