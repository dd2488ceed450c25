"""The forms of trusted issuers and their rules. The services refuse what makes no sense."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.forms import AliasesField
from connections.models import ServiceAccount
from connections.services import Invalid, Scope

from . import services


class RefusableForm(forms.Form):
    """A form that shows what a service refuses."""

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error at its field, or at the top."""
        for error in refused.errors:
            name = error.field if error.field in self.fields else None
            self.add_error(name, forms.ValidationError(error.message, error.code))


class WordsOfLinesField(forms.CharField):
    """Texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": 2, "spellcheck": "false"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [one.strip() for one in (super().to_python(value) or "").splitlines() if one.strip()]


class ConditionsField(forms.CharField):
    """Claims and their texts, one a line: `repository = acme/app`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": 4, "spellcheck": "false"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{claim} = {text}" for claim, text in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        found: dict[str, str] = {}
        for line in (super().to_python(value) or "").splitlines():
            claim, sign, text = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not sign or not claim or not text:
                raise forms.ValidationError(_("Write each line like this: claim = text"), "invalid")
            if claim in found:
                said = _("The claim %(claim)s is there twice.") % {"claim": claim[:100]}
                raise forms.ValidationError(said, "invalid")
            found[claim] = text
        return found


class IssuerForm(RefusableForm):
    """A trusted issuer."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Small letters and digits, such as github-actions."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )
    issuer = forms.CharField(
        max_length=500,
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy("The iss of its tokens, letter by letter: https://..."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    audiences = WordsOfLinesField(
        label=gettext_lazy("Audiences"),
        help_text=gettext_lazy(
            "One a line. A token must be for one of them (aud): choose one that is used for this "
            "server only."
        ),
    )
    algorithms = forms.MultipleChoiceField(
        choices=[(one, one) for one in services.ALGORITHMS],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Algorithms"),
        help_text=gettext_lazy("By which it signs. All others are refused."),
    )
    jwks_url = forms.CharField(
        max_length=500,
        required=False,
        label=gettext_lazy("Address of its keys"),
        help_text=gettext_lazy("Empty: its discovery document says where they are."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    longest_age = forms.IntegerField(
        label=gettext_lazy("Longest age"),
        help_text=gettext_lazy("Minutes after a token was issued (iat), whatever its own end is."),
    )


class RuleForm(RefusableForm):
    """A rule of an issuer."""

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Usage is booked on it. Small letters and digits, such as deploy."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )
    conditions = ConditionsField(
        label=gettext_lazy("Conditions"),
        help_text=gettext_lazy(
            "One a line, such as repository = acme/app. All must be met, letter by letter; * "
            "stands for any characters. A claim inside another is named with a slash: a/b."
        ),
    )
    account = forms.ModelChoiceField(
        ServiceAccount.objects.none(),
        label=gettext_lazy("Service account"),
        help_text=gettext_lazy("Whose rights its tokens have, within the scopes below."),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(one), str(one)) for one in Scope],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes"),
    )
    profiles = AliasesField(
        required=False,
        label=gettext_lazy("Profiles"),
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=gettext_lazy(
            "Which it is limited to in the gateway. Ids or aliases with commas between them. "
            "Empty: all."
        ),
    )
    requests_per_minute = forms.IntegerField(
        required=False,
        label=gettext_lazy("Requests per minute"),
        help_text=gettext_lazy("Over all tokens that come by this rule. Empty: no limit."),
    )
    tokens_per_day = forms.IntegerField(
        required=False,
        label=gettext_lazy("Tokens per day"),
        help_text=gettext_lazy("Of models, over all tokens of this rule. Empty: no limit."),
    )
    position = forms.IntegerField(
        label=gettext_lazy("Place"),
        help_text=gettext_lazy("Of several rules that fit, the one with the lowest number counts."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts: Any = self.fields["account"]
        rows = ServiceAccount.objects.select_related("user")
        accounts.queryset = rows.order_by("user__username")


class TrialForm(forms.Form):
    """A token to be tried. What was typed is not shown again."""

    token = forms.CharField(
        max_length=20_000,
        label=gettext_lazy("Token"),
        help_text=gettext_lazy("It is judged as a call with it would be, and not stored."),
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
    )
