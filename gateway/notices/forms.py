"""The form of a target. The services refuse what makes no sense."""

from typing import Any

from django import forms

from connections.forms.fields import TagsField
from connections.services import Invalid
from connections.widgets import SecretInput

from ..attention.kinds import KINDS
from ..models import NoticeTarget

ADDRESS_HELP = (
    "Of a webhook https://...; else of Apprise, such as slack://..., workflows://... (Teams) or "
    "mailto://.... It is a secret: only its beginning is shown after it is saved."
)


class TargetForm(forms.Form):
    """A target. `purpose`: binds an address that was typed to one person and form."""

    name = forms.CharField(
        required=False,
        help_text="For people: a channel, a team.",
        widget=forms.TextInput({"autocomplete": "off", "required": True}),
    )
    kind = forms.ChoiceField(
        choices=NoticeTarget.Kind.choices,
        initial=NoticeTarget.Kind.WEBHOOK,
        widget=forms.RadioSelect,
        help_text="A webhook gets signed JSON. Apprise writes to chats, pagers and mail.",
    )
    address = forms.CharField(required=False, strip=True, help_text=ADDRESS_HELP)
    is_active = forms.BooleanField(
        required=False, initial=True, label="Active", help_text="Switched off, nothing is sent."
    )
    minimum_severity = forms.ChoiceField(
        choices=NoticeTarget.Severity.choices,
        initial=NoticeTarget.Severity.WARNING,
        label="From severity",
        help_text="Lighter ones are not sent.",
    )
    kinds = forms.MultipleChoiceField(
        required=False,
        choices=list(KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all.",
    )
    providers = TagsField(label="Providers")
    tags = TagsField(label="Tags")
    tells_recovery = forms.BooleanField(
        required=False, initial=True, label="Tell also when it is over"
    )
    quiet_from = forms.TimeField(
        required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M"), label="Quiet from"
    )
    quiet_to = forms.TimeField(
        required=False,
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
        label="Quiet until",
        help_text="What comes in quiet hours is sent at their end, as one message.",
    )
    time_zone = forms.CharField(
        required=False,
        initial="UTC",
        help_text="Of the quiet hours, such as Europe/Berlin.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    is_woken_by_critical = forms.BooleanField(
        required=False, initial=True, label="Send what is critical in quiet hours too"
    )

    def __init__(self, purpose: str, row: NoticeTarget | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        stored = row.shown if row else ""
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        self.fields["address"].widget = SecretInput(purpose, stored, attrs)
        self.fields["providers"].help_text = "Their ids, with commas between them. Empty: all."
        self.fields["tags"].help_text = "Of connections, with commas between them. Empty: all."
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
