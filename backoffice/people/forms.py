"""The forms about people. The services decide; these only ask."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from connections.models import Role as TeamRole
from connections.models import Team
from connections.services import Invalid

from . import services
from .signin.providers import configured


class RoleField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of one role, least rights first."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Role"))
        super().__init__(services.roles(), widget=forms.RadioSelect, empty_label=None, **kwargs)

    def label_from_instance(self, role: Group) -> str:
        return str(_(role.name))


def password_field(text: Any) -> forms.CharField:
    """A new password, which is typed as it is: the services judge it."""
    widget = forms.PasswordInput({"autocomplete": "new-password"})
    label = _("Password")
    return forms.CharField(label=label, strip=False, widget=widget, help_text=text)


class RefusableForm(forms.Form):
    """A form that shows what a service refuses."""

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error at its field, or at the top."""
        for error in refused.errors:
            name = error.field if error.field in self.fields else None
            self.add_error(name, forms.ValidationError(error.message, error.code))


class PersonForm(RefusableForm):
    """A new person."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("They sign in with it."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "dir": "auto"}),
    )
    password = password_field(_("They can change it when they have signed in."))
    role = RoleField(help_text=_("What they may do. Roles says what each holds."))
    team = forms.ModelChoiceField(
        Team.objects.none(), label=_("Team"), required=False, empty_label=_("None")
    )
    team_role = forms.ChoiceField(
        label=_("Role in the team"),
        required=False,
        choices=TeamRole.choices,
        initial=TeamRole.OPERATOR,
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        """`teams`: those that whoever adds the person may take them into."""
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        if teams.exists():
            fields["team"].queryset = teams
            fields["role"].required = False
            fields["role"].help_text = _("On what all share. Left out, only their team counts.")
        else:
            del fields["team"], fields["team_role"]


class RoleForm(RefusableForm):
    """The role of a person."""

    role = RoleField(help_text=_("It takes the place of what they have now, at their next click."))


class PasswordForm(RefusableForm):
    """A new password of another person."""

    password = password_field(_("It ends their sessions and their tokens, for good."))


def _providers() -> list[tuple[str, str]]:
    return [(key, one.label) for key, one in configured().items()]


class ExpectForm(RefusableForm):
    """The provider and the address by which a person is expected."""

    provider_key = forms.ChoiceField(label=_("Provider"), choices=_providers)
    email = forms.CharField(
        label=_("E-mail address"),
        max_length=150,
        help_text=_(
            "Whoever signs in by the provider next with this verified address is this person. It "
            "counts once."
        ),
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
