"""The form of a new token. The services refuse values that make no sense."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..models import Profile, ServiceAccount
from .fields import AliasesField, NetworksField, TagsField

MOST_TICKED = 60  # with more profiles than these, aliases are typed


class LifeField(forms.IntegerField):
    """Days until a token ends, with those that the settings say for a start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            label=gettext_lazy("Ends after"),
            initial=services.default_life,
            **kwargs,
        )

    def get_bound_field(self, form: Any, field_name: str) -> Any:
        """The field on a page, which says what is allowed as the settings have it now."""
        self.help_text = _("Days, at most %(most)d.") % {"most": services.longest_life()}
        if services.may_be_endless():
            self.help_text += " " + _("0: it never ends.")
        return super().get_bound_field(form, field_name)


class TokenForm(forms.Form):
    """A new token, always of the person who is signed in.

    The services refuse values that make no sense.
    """

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("To tell tokens apart: what will use it?"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    service_account = forms.ModelChoiceField(
        ServiceAccount.objects.none(),
        required=False,
        label=gettext_lazy("Whose"),
        empty_label=gettext_lazy("Yours"),
        help_text=gettext_lazy("Yours ends with your access, one of a service account does not."),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(one), str(one)) for one in services.Scope],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy(
            "What it may be used for, within what you may do yourself. admin is all of them."
        ),
    )
    profiles = AliasesField(required=False, label=gettext_lazy("Profiles"))
    networks = NetworksField()
    team = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Team"),
        help_text=gettext_lazy(
            "It is only for what belongs to this team, to none, or is shared with it."
        ),
    )
    tags = TagsField()
    requests_per_minute = forms.IntegerField(
        required=False,
        label=gettext_lazy("Requests per minute"),
        help_text=gettext_lazy("Requests through the gateway (gateway:use). Empty: no limit."),
    )
    tokens_per_day = forms.IntegerField(
        required=False,
        label=gettext_lazy("Tokens per day"),
        help_text=gettext_lazy(
            "Tokens of models, in and out, through the gateway, by days of UTC. Empty: no limit."
        ),
    )
    expires_in_days = LifeField()

    def __init__(self, profiles: list[Profile], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        many = len(profiles) >= MOST_TICKED
        choices = [(one.alias, one.name) for one in profiles]
        self.fields["profiles"].widget = (
            forms.TextInput() if many else forms.CheckboxSelectMultiple(choices=choices)
        )
        self.fields["profiles"].help_text = (
            _(
                "Which it is limited to in the gateway. Ids or aliases with commas between them. "
                "Empty: all."
            )
            if many
            else _(
                "Which it is limited to in the gateway. None ticked: all of them, also those made "
                "later."
            )
        )
