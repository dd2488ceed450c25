"""The form of a target. The services refuse what makes no sense."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from connections.forms.fields import TagsField
from connections.models import Team
from connections.services import Invalid
from connections.widgets import SecretInput

from ..attention.kinds import KINDS
from ..models import NoticeTarget

ADDRESS_HELP = _(
    "Of a webhook https://...; else of Apprise, such as slack://..., workflows://... (Teams) or "
    "mailto://.... It is a secret: only its beginning is shown after it is saved."
)


class TargetForm(forms.Form):
    """A target. `purpose`: binds an address that was typed to one person and form."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        help_text=_("For people: a channel, a team."),
        widget=forms.TextInput({"autocomplete": "off", "required": True}),
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=NoticeTarget.Kind.choices,
        initial=NoticeTarget.Kind.WEBHOOK,
        widget=forms.RadioSelect,
        help_text=_("A webhook gets signed JSON. Apprise writes to chats, pagers and mail."),
    )
    address = forms.CharField(
        label=_("Address"), required=False, strip=True, help_text=ADDRESS_HELP
    )
    is_active = forms.BooleanField(
        required=False,
        initial=True,
        label=_("Active"),
        help_text=_("Switched off, nothing is sent."),
    )
    minimum_severity = forms.ChoiceField(
        choices=NoticeTarget.Severity.choices,
        initial=NoticeTarget.Severity.WARNING,
        label=_("From severity"),
        help_text=_("Lighter ones are not sent."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"),
        required=False,
        choices=list(KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all."),
    )
    providers = TagsField(label=_("Providers"))
    tags = TagsField(label=_("Tags"))
    tells_recovery = forms.BooleanField(
        required=False, initial=True, label=_("Tell also when it is over")
    )
    quiet_from = forms.TimeField(
        required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M"), label=_("Quiet from")
    )
    quiet_to = forms.TimeField(
        required=False,
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
        label=_("Quiet until"),
        help_text=_("What comes in quiet hours is sent at their end, as one message."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        initial="UTC",
        help_text=_("Of the quiet hours, such as Europe/Berlin."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    is_woken_by_critical = forms.BooleanField(
        required=False, initial=True, label=_("Send what is critical in quiet hours too")
    )

    def __init__(
        self,
        purpose: str,
        row: NoticeTarget | None = None,
        teams: Sequence[Team | None] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(teams) > 1:
            self.fields["team"] = forms.ChoiceField(
                label=_("Team"),
                required=False,
                choices=[(str(one.pk) if one else "", one or _("Everything")) for one in teams],
                help_text=_("It is told of what this team has alone."),
            )
        stored = row.shown if row else ""
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        self.fields["address"].widget = SecretInput(purpose, stored, attrs)
        self.fields["providers"].help_text = _("Their ids, with commas between them. Empty: all.")
        self.fields["tags"].help_text = _("Of connections, with commas between them. Empty: all.")
        if row is not None:
            del self.fields["kind"]  # fixed, since the address belongs to it

    def posted(self) -> dict[str, Any]:
        """The entries, as the services take them."""
        return self.cleaned_data | {"time_zone": self.cleaned_data["time_zone"] or "UTC"}

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error of a service at its field."""
        for error in refused.errors:
            self.add_error(
                error.field if error.field in self.fields else None,
                forms.ValidationError(error.message, error.code),
            )
