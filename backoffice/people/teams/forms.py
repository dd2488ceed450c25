"""The forms about teams. The services decide; these only ask."""

from django import forms
from django.utils.translation import gettext_lazy as _

from connections.models import Role, Team

from ..forms import RefusableForm
from .services import heirs_of

FOR_ALL = "all"


class TeamForm(RefusableForm):
    """The name of a team."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off", "dir": "auto"}),
    )


class LimitsForm(RefusableForm):
    """The limits of a team."""

    requests_per_minute = forms.IntegerField(
        required=False, label=_("Requests per minute"), help_text=_("Empty: no limit.")
    )
    tokens_per_day = forms.IntegerField(
        required=False,
        label=_("Tokens per day"),
        help_text=_("Tokens of models, in and out, by days of UTC. Empty: no limit."),
    )


class MemberForm(RefusableForm):
    """A new member of a team."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("Of a person or a service account that exists already."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "dir": "auto"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.OPERATOR)


class TeamOfPersonForm(RefusableForm):
    """A team for a person, with their role there."""

    team = forms.ModelChoiceField(Team.objects.none(), label=_("Team"), empty_label=None)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.OPERATOR)

    def __init__(self, *args: object, teams: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class EndForm(RefusableForm):
    """To whom goes what a team has."""

    heir = forms.ChoiceField(label=_("What it has goes to"), choices=())

    def __init__(self, *args: object, team: Team, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        others = [(str(one.pk), one.name) for one in heirs_of(team)]
        choices = [("", _("Choose")), *others, (FOR_ALL, _("Shared by all"))]
        self.fields["heir"].choices = choices  # type: ignore[attr-defined]
