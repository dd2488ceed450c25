"""The forms of packages: the contents of an export, and the decisions about an import."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..credentials import seal
from ..forms.base import ChoosesTeam
from ..models import Connection
from ..references import is_reference
from ..widgets import SecretInput
from .format.plan import ACTIONS as DECISIONS
from .services import Decisions, Placeholder, Plan, PlanItem

ITEM, SECRET, FROM = "item-", "secret-", "from-"
ACTIONS = {
    "create": pgettext_lazy("verb", "Import"),
    "keep": _("Keep mine"),
    "replace": _("Replace mine"),
    "copy": _("Import as a copy"),
    "merge": _("Merge: fill what is empty here"),
    "skip": _("Skip"),
    "nothing": _("Nothing to do"),
    "refuse": _("Stands in the way"),
}
DONE = {
    "create": _("imported"),
    "keep": _("kept as it was here"),
    "replace": _("replaced"),
    "copy": _("imported as a copy"),
    "merge": _("merged"),
    "skip": _("skipped"),
    "nothing": _("was here already"),
}
STATES = {
    "new": (_("new"), "good"),
    "identical": (_("identical"), ""),
    "conflict": (_("differs"), "warn"),
    "missing_type": (_("type is missing"), "bad"),
    "unusable": (_("not usable"), "bad"),
}
KINDS = {
    "connection": _("connection"),
    "profile": _("profile"),
    "type": _("type"),
}
NO_REFERENCE = _(
    "A reference begins with a dollar sign: $Section:Key. Keys are not entered here; leave it "
    "empty and enter the key later."
)


class PackageExportForm(forms.Form):
    """The contents of an export. Who may not export secrets is not asked for a passphrase, and what
    fits into one package not for a part.
    """

    part = forms.ChoiceField(
        label=_("Part"),
        help_text=_("More than one package holds. Each part is a package with its profiles."),
    )
    profiles = forms.BooleanField(required=False, label=_("With their profiles"))
    passphrase = forms.CharField(
        required=False,
        strip=False,
        label=_("Passphrase"),
        help_text=_("Empty: no secrets. At least 12 characters. It is stored nowhere, so keep it."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        required=False,
        strip=False,
        label=_("Passphrase again"),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(
        self, parts: Sequence[Sequence[Connection]], may_seal: bool, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self.fields["part"].choices = [  # type: ignore[attr-defined]
            (
                str(number),
                _("%(number)d of %(total)d: %(first)s to %(last)s")
                % {
                    "number": number,
                    "total": len(parts),
                    "first": part[0].alias,
                    "last": part[-1].alias,
                },
            )
            for number, part in enumerate(parts, 1)
            if part
        ]
        if len(parts) == 1:
            del self.fields["part"]
        if not may_seal:
            del self.fields["passphrase"], self.fields["again"]

    def chosen_part(self) -> list[Connection]:
        """The connections of the part that was chosen, empty where there is only one."""
        number = self.cleaned_data.get("part")
        return list(self._parts[int(number) - 1]) if number else []

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("passphrase", "") != values.get("again", ""):
            raise forms.ValidationError(
                {"again": _("The two are not the same. Enter both again.")}, "mismatch"
            )
        return values


class PackageUploadForm(forms.Form):
    """An uploaded package. The services check that it is one."""

    file = forms.FileField(
        label=_("Package"),
        allow_empty_file=True,
        help_text=_(
            "A file that an export made, at most 10 MB. You see what it would do before anything "
            "is written."
        ),
        widget=forms.FileInput({"accept": ".zip,application/zip"}),
    )

    @property
    def file_name(self) -> str:
        """The name of the file, empty without one."""
        return str(getattr(self.files["file"], "name", None) or "")

    def clean_file(self) -> bytes:
        """The bytes of the file."""
        file = self.cleaned_data["file"]
        if file.size > settings.UPLOAD_MAX_BYTES:
            size = settings.UPLOAD_MAX_BYTES // 1024 // 1024
            raise forms.ValidationError(
                _("A package has at most %(size)d MB.") % {"size": size}, "too_large"
            )
        return bytes(file.read())


class PassphraseInput(SecretInput):
    """Never rendered, also when it looks like a reference; goes back into the page sealed."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        context["widget"] |= {"sealed": seal(str(value), self.purpose) if value else ""}
        return context


class PackagePlanForm(ChoosesTeam):
    """The decisions about a package: for each item by its id, for each missing secret by the name
    of its placeholder.
    """

    passphrase = forms.CharField(
        required=False,
        strip=False,
        label=_("Passphrase"),
        help_text=_("Opens the keys that are sealed in the package."),
    )
    without_secrets = forms.BooleanField(
        required=False,
        label=_("Import without the sealed keys"),
        help_text=_("What then lacks a key is inactive until somebody enters it."),
    )
    install_types = forms.BooleanField(
        required=False, label=_("Install the connection types it brings")
    )

    def __init__(self, purpose: str, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_team(teams)
        self.fields["passphrase"].widget = PassphraseInput(purpose, attrs={"autocomplete": "off"})
        self.wrong: set[str] = set()  # the placeholders whose entry is not a reference

    def clean(self) -> dict[str, Any]:
        self.wrong = {
            name for name, value in self._named(SECRET).items() if value and not is_reference(value)
        }
        if self.wrong:
            raise forms.ValidationError(
                _("What was entered for a secret is not a reference, and is not repeated here."),
                "no_reference",
            )
        return super().clean() or {}

    def _named(self, prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): str(value).strip()
            for name, value in self.data.items()
            if name.startswith(prefix)
        }

    def decisions(self) -> Decisions:
        """The decisions as the services take them. What is not decided yet is kept as it is here.

        A typed reference comes before a chosen connection.
        """
        chosen = {name: f"connection:{value}" for name, value in self._named(FROM).items() if value}
        typed = {name: value for name, value in self._named(SECRET).items() if is_reference(value)}
        items = {name: value for name, value in self._named(ITEM).items() if value}
        return Decisions(
            on_conflict="keep",
            items=items,
            secrets=chosen | typed,
            install_types="install_types" in self.data,
        )

    def may_apply(self, plan: Plan) -> bool:
        """True if the plan can be carried out as the form is filled in.

        An empty passphrase is an error unless the box for an import without the keys is ticked.
        """
        if plan.is_sealed and not self.passphrase_typed() and "without_secrets" not in self.data:
            self.add_error(
                "passphrase",
                _("Enter the passphrase, or tick that the package is imported without its keys."),
            )
        return self.is_valid()

    def passphrase_typed(self) -> str:
        """The passphrase, typed now or before; empty without one."""
        return str(self["passphrase"].data or "")

    def rows(self, plan: Plan) -> list["PlanRow"]:
        """The items as the page shows them, each with the secrets that it lacks."""
        lacking: dict[str, list[PlanSecret]] = {}
        provider = {item.id: item.provider_id for item in plan.items}
        for one in plan.placeholders:
            lacking.setdefault(one.item_id, []).append(self._secret(one, provider[one.item_id]))
        return [self._row(item, lacking.get(item.id, [])) for item in plan.items]

    def _row(self, item: PlanItem, secrets: list["PlanSecret"]) -> "PlanRow":
        state, tone = STATES[item.state]
        chosen = self._named(ITEM).get(item.id) or item.action
        offered = (
            dict.fromkeys([*([] if item.action in item.choices else [item.action]), *item.choices])
            if item.choices
            else {}
        )
        choices = [
            (one if one in DECISIONS else "", ACTIONS[one], one == chosen) for one in offered
        ]
        return PlanRow(item, KINDS[item.kind], state, tone, choices, ACTIONS[item.action], secrets)

    def _secret(self, one: Placeholder, provider_id: str) -> "PlanSecret":
        typed, chosen = self._named(SECRET).get(one.name, ""), self._named(FROM).get(one.name, "")
        error = NO_REFERENCE if one.name in self.wrong else ""
        return PlanSecret(one, typed if is_reference(typed) else "", chosen, error, provider_id)


@dataclass(frozen=True)
class PlanSecret:
    """A secret that the package does not bring.

    `reference`: the one that was typed; `chosen`: the alias of the connection that was chosen to
    take it from.
    """

    placeholder: Placeholder
    reference: str
    chosen: str
    error: str | Promise
    provider_id: str

    @property
    def picker(self) -> str:
        """The name of the input that takes a connection."""
        return FROM + self.placeholder.name

    @property
    def accepts(self) -> str:
        """The connections that fit, as the button that adds one passes it on."""
        return f"provider:{self.provider_id}"


@dataclass(frozen=True)
class PlanRow:
    """An item of a plan, with the words for its kind, state and action.

    `choices`: value, label, and whether it is chosen. The value is empty for an action that
    cannot be decided, such as that there is nothing to do.
    """

    item: PlanItem
    kind: str | Promise
    state: str | Promise
    tone: str
    choices: Sequence[tuple[str, str | Promise, bool]]
    action: str | Promise
    secrets: Sequence[PlanSecret]
