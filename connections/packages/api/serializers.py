"""The JSON of packages: the bodies of exports and imports, and the plan of an import."""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connections.api.camelcase import StrictBooleanField, StrictCharField
from connections.api.fields import CamelCaseSerializer, TagField
from connections.api.sentences import OneOfField

from .. import services
from ..format.plan import ACTIONS, ON_CONFLICT
from ..format.sealing import LONGEST, SHORTEST
from .multipart import too_large

DECISIONS_HELP = (
    'JSON text: `{"items": {"connection:<id>": "replace"}, "secrets": '
    '{"openai-production.api_key": "$OpenAI:ApiKey"}}`. An item is '
    f"one of {', '.join(ACTIONS)}. A secret is a reference, or `connection:<id or alias>` to take "
    "that connection's."
)
ID_OR_ALIAS = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": r"^[^\x00]*$"}
PASSPHRASE = {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST, "writeOnly": True}
PASSPHRASE |= {"pattern": r"^[^\x00]*$"}


@extend_schema_field(ID_OR_ALIAS)
class IdOrAliasField(StrictCharField):
    """The id or the alias of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, trim_whitespace=False, **kwargs)


@extend_schema_field(PASSPHRASE)
class PassphraseField(StrictCharField):
    """The passphrase that seals secrets. Blanks at its ends are part of it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            trim_whitespace=False, required=False, min_length=SHORTEST, max_length=LONGEST, **kwargs
        )


class PackageExportRequestSerializer(CamelCaseSerializer):
    """The content of a package."""

    connections = serializers.ListField(
        child=IdOrAliasField(),
        required=False,
        min_length=1,
        max_length=1000,
        help_text="Their ids or aliases. Absent: all of them.",
    )
    tag = TagField(required=False, max_length=50, help_text="Of these, those that have this tag.")
    part = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        help_text=(
            "Of these, one part that fits into a package with its profiles, counted from 1. The "
            "header X-Switchboard-Parts of the answer says how many there are."
        ),
    )
    profiles = StrictBooleanField(default=False, help_text="Whether their profiles come along.")
    passphrase = PassphraseField(
        help_text="Seals the secrets of the connections into the package. Absent: no secrets."
    )


@extend_schema_field({"type": "boolean"})
class FormBooleanField(serializers.BooleanField):
    """`true` or `false` in a form, where everything is text: also as Python writes them."""

    default_empty_html = serializers.empty

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false", "True", "False"):
            self.fail("invalid", input=data)
        return bool(data in ("true", "True"))


@extend_schema_field({"type": "string", "format": "binary"})
class PackageField(serializers.FileField):
    """The zip."""

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]
        if getattr(data, "size", None) is None:
            self.fail("invalid")
        if data.size > settings.UPLOAD_MAX_BYTES:
            raise too_large()
        return bytes(data.read())


@extend_schema_field({"type": "string"})
class DecisionsField(StrictCharField):
    """JSON text that decides about items and secrets.

    A value that is refused is not repeated: it may be a key.
    """

    default_error_messages = {
        "no_json": "This is not a JSON object of `items` and `secrets`, each an object of texts."
    }

    def to_internal_value(self, data: Any) -> dict[str, dict[str, str]]:  # type: ignore[override]
        try:
            found = json.loads(super().to_internal_value(data))
        except (ValueError, RecursionError):
            self.fail("no_json")
        if (
            not isinstance(found, dict)
            or set(found) - {"items", "secrets"}
            or not all(isinstance(one, dict) for one in found.values())
            or not all(isinstance(text, str) for one in found.values() for text in one.values())
        ):
            self.fail("no_json")
        return found


class PackageImportRequestSerializer(CamelCaseSerializer):
    """A package, and the decisions about its items."""

    file = PackageField(help_text="The package, at most 10 MB.")
    on_conflict = OneOfField(
        ON_CONFLICT, default="abort", help_text="For conflicts that `decisions` says nothing about."
    )
    decisions = DecisionsField(required=False, help_text=DECISIONS_HELP)
    passphrase = PassphraseField(
        help_text="Opens sealed secrets. Absent: they stay out, and what lacks one is inactive."
    )
    team = IdOrAliasField(
        required=False,
        help_text="The name or id of the team that new rows belong to. Absent: all share them, or "
        "they belong to the only team in which you may add any.",
    )
    install_types = FormBooleanField(
        required=False, help_text="Whether connection types that the package brings are installed."
    )


class PackageItemSerializer(CamelCaseSerializer):
    """One item of a package, and what is done with it."""

    id = serializers.CharField(help_text="Its name in `decisions`.")
    kind = serializers.ChoiceField(["connection", "profile", "type"])
    name = serializers.CharField()
    alias = serializers.CharField()
    provider_id = serializers.CharField()
    state = serializers.ChoiceField(["new", "identical", "conflict", "missing_type", "unusable"])
    action = serializers.ChoiceField(
        ["create", "nothing", "keep", "replace", "copy", "merge", "skip", "refuse"]
    )
    differences = serializers.ListField(
        child=serializers.CharField(),
        help_text="Labels of the settings that differ. Never a value.",
    )
    missing_secrets = serializers.ListField(
        child=serializers.CharField(), help_text="Placeholders for which there is no secret yet."
    )
    choices = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())
    row_id = serializers.CharField(
        allow_null=True, help_text="The row that it is compared with, or that was made of it."
    )


class PlaceholderSerializer(CamelCaseSerializer):
    """A secret that a package does not bring."""

    name = serializers.CharField()
    item_id = serializers.CharField(help_text="The item that lacks it.")
    connection = serializers.CharField()
    setting = serializers.CharField()


class PackagePlanSerializer(CamelCaseSerializer):
    """The changes that an import makes, or would make."""

    dry_run = serializers.BooleanField(help_text="true: nothing was written.")
    is_noop = serializers.BooleanField(help_text="Everything is here already.")
    is_sealed = serializers.BooleanField()
    made_at = serializers.CharField(allow_null=True)
    items = PackageItemSerializer(many=True)
    placeholders = PlaceholderSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


def decisions_of(values: Mapping[str, Any]) -> services.Decisions:
    """The decisions of a valid body, as the services take them."""
    told = values.get("decisions") or {}
    items, secrets = told.get("items", {}), told.get("secrets", {})
    return services.Decisions(
        on_conflict=values["on_conflict"],
        items=items,
        secrets=secrets,
        install_types=values.get("install_types", False),
    )


def package_items(plan: services.Plan) -> list[dict[str, Any]]:
    """The items of a plan as the API shows them."""
    return [
        {
            "id": one.id,
            "kind": one.kind,
            "name": one.name,
            "alias": one.alias,
            "providerId": one.provider_id,
            "state": one.state,
            "action": one.action,
            "differences": list(one.differences),
            "missingSecrets": list(one.missing_secrets),
            "choices": list(one.choices),
            "notes": list(one.notes),
            "rowId": one.row_id,
        }
        for one in plan.items
    ]


def package_plan(plan: services.Plan, *, dry_run: bool) -> dict[str, Any]:
    """A plan as the API shows it."""
    shown = {
        "dryRun": dry_run,
        "isNoop": plan.is_noop,
        "isSealed": plan.is_sealed,
        "madeAt": plan.made_at or None,
    }
    placeholders = [
        {
            "name": one.name,
            "itemId": one.item_id,
            "connection": one.connection,
            "setting": one.setting,
        }
        for one in plan.placeholders
    ]
    return shown | {
        "items": package_items(plan),
        "placeholders": placeholders,
        "notes": list(plan.notes),
    }
