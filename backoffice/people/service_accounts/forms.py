"""The forms about service accounts. The services decide; these only ask."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..forms import RefusableForm, RoleField


class ServiceAccountChangeForm(RefusableForm):
    """What can be changed of a service account."""

    name = forms.CharField(
        max_length=100,
        label=_("Name"),
        help_text=_("Small letters and digits, with hyphens between them, such as ci-deploy."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )
    description = forms.CharField(
        max_length=500, required=False, label=_("Description"), help_text=_("What uses it?")
    )
    contact = forms.CharField(
        max_length=200,
        label=_("Contact"),
        help_text=_("Whom to ask about it: a person, a team, an address."),
    )
    role = RoleField(label=_("Role"), help_text=_("What its tokens may do, within their scopes."))


class ServiceAccountForm(ServiceAccountChangeForm):
    """A new service account."""
