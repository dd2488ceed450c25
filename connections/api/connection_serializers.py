"""Connections as JSON and back, with their tests, models, references and usages."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from providers.core.base import Model, Provider
from providers.core.schema import settings_fields

from .. import display, services
from ..models import Connection
from ..references import State
from .camelcase import StrictBooleanField, StrictCharField, camel
from .fields import (
    AliasField,
    CamelCaseSerializer,
    CapabilityField,
    DayField,
    KeyEndField,
    ModelReferenceSerializer,
    NameField,
    ProviderIdField,
    TagsField,
    TeamField,
    inner_names,
)
from .health import HealthField
from .outcomes import WarningSerializer, warnings_json
from .settings_schema import is_too_long

# names that a client may send back from an answer, which mean nothing in a request
OF_SETTINGS = ("settings", "warnings")
SENT_BACK = frozenset(
    {"id", "version", "dateCreated", "dateModified", "health", "keyEndsAt", "warnings"}
)


def public_settings(connection: Connection) -> dict[str, Any]:
    """A connection's settings as the API shows them: every setting of the provider, null where none
    is stored, secrets masked.
    """
    stored = display.public_settings(connection)
    names = settings_fields(connection.provider) if connection.provider else stored
    return {camel(name): stored.get(name) for name in names}


def inner_settings(
    provider: type[Provider[Any]] | None, posted: Mapping[str, Any]
) -> dict[str, Any]:
    """Posted settings, by their names in Python. Without a provider they stay as they are: the
    services refuse them.

    Raises ValidationError, Invalid.
    """
    if provider is None:
        return dict(posted)
    fields = settings_fields(provider)
    settings = inner_names({name: field.kind for name, field in fields.items()}, posted)
    if long := [name for name, value in settings.items() if is_too_long(fields[name], value)]:
        raise services.Invalid(
            [
                services.FieldError(f"settings.{name}", "string_too_long", "This is too long.")
                for name in long
            ]
        )
    return settings


class ConnectionColumnsSerializer(CamelCaseSerializer):
    """The columns of a connection, as they are read and written."""

    alias = AliasField()
    name = NameField()
    provider_id = ProviderIdField()
    is_active = StrictBooleanField(default=True)
    is_checked = StrictBooleanField(
        default=True, help_text="Whether it is tested by itself, if a test is free."
    )
    expires_at = DayField(
        default=None, help_text="The last day of its key, as somebody entered it; null for none."
    )
    tags = TagsField(default=list)
    team = TeamField()


class ConnectionItemSerializer(ConnectionColumnsSerializer):
    """A connection in a list."""

    id = serializers.UUIDField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    date_created = serializers.DateTimeField(read_only=True)
    date_modified = serializers.DateTimeField(read_only=True)
    health = HealthField()
    key_ends_at = KeyEndField()

    def get_fields(self) -> dict[str, Any]:
        """The id first, where people look for it."""
        fields = super().get_fields()
        return {"id": fields.pop("id"), **fields}


class ConnectionSerializer(ConnectionItemSerializer):
    """A connection, with its settings; secrets are masked."""

    settings = serializers.DictField(
        help_text="By the provider's schema; a stored secret reads as its mask."
    )

    def to_representation(self, instance: Connection) -> dict[str, Any]:
        shown = {name: field for name, field in self.fields.items() if name not in OF_SETTINGS}
        values = {
            name: field.to_representation(field.get_attribute(instance))
            for name, field in shown.items()
        }
        return values | {"settings": public_settings(instance)}


class SavedConnectionSerializer(ConnectionSerializer):
    """A connection that was just saved, with what to know about it."""

    warnings = WarningSerializer(
        many=True,
        required=False,
        help_text=(
            "A reference that is missing, a doubtful key. Left out where there is none, or where "
            "nothing changed."
        ),
    )


def saved_json(saved: services.Saved) -> dict[str, Any]:
    """A connection that was just saved, as SavedConnectionSerializer says."""
    found = warnings_json(saved.notices if saved.changed else ())
    shown: dict[str, Any] = ConnectionSerializer(saved.row).data
    return shown | ({"warnings": found} if found else {})


class ConnectionCreateSerializer(ConnectionColumnsSerializer):
    """The body that creates a connection."""

    ignored = SENT_BACK
    settings = serializers.DictField(allow_null=True, default=dict)


class ConnectionUpdateSerializer(ConnectionColumnsSerializer):
    """The body that replaces a connection (PUT).

    `alias` and `providerId` may be sent back, unchanged.
    """

    ignored = SENT_BACK
    required_names = frozenset({"name"})
    settings = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """All but the required ones without a default: what is absent stays as it is."""
        fields = super().get_fields()
        for name in fields.keys() - self.required_names:
            fields[name].required, fields[name].default = False, empty
        return fields


class ConnectionPatchSerializer(ConnectionUpdateSerializer):
    """The body that changes parts of a connection (PATCH, a JSON merge patch)."""

    required_names = frozenset()


class ConnectionTestRequestSerializer(CamelCaseSerializer):
    """Settings to test without saving them.

    With the `id` or alias of a connection, secrets that are left out or masked are its stored ones.
    """

    id = StrictCharField(
        max_length=100, required=False, help_text="Id or alias of a saved connection."
    )
    provider_id = ProviderIdField(required=False, help_text="Needed without `id`.")
    settings = serializers.DictField(default=dict)
    team = TeamField()


class AccountModelSerializer(CamelCaseSerializer):
    """A model of an account, in both shapes that clients of Umbraco.AI know."""

    id = serializers.CharField()
    name = serializers.CharField()
    capabilities = serializers.ListField(child=CapabilityField())
    model = ModelReferenceSerializer()
    context_tokens = serializers.IntegerField(
        allow_null=True, help_text="The tokens that it reads. Null: not known."
    )
    input_price = serializers.FloatField(
        allow_null=True, help_text="US dollars for a million tokens in. Null: not known."
    )
    output_price = serializers.FloatField(
        allow_null=True, help_text="US dollars for a million tokens out. Null: not known."
    )


def model_item(provider_id: str, model: Model) -> dict[str, Any]:
    """A model as the API shows it."""
    capabilities = sorted(str(one) for one in model.capabilities)
    return {
        "id": model.id,
        "name": model.name,
        "capabilities": capabilities,
        "model": {"providerId": provider_id, "modelId": model.id},
        "contextTokens": model.context,
        "inputPrice": model.input_price,
        "outputPrice": model.output_price,
    }


class ReferenceSerializer(CamelCaseSerializer):
    """One reference: the setting that holds it, its state, and where it was looked for.

    Never the value.
    """

    field = serializers.CharField(
        help_text="The setting's name in camelCase; for an entry of a map a dot and its key follow."
    )
    reference = serializers.CharField()
    state = serializers.ChoiceField([str(one) for one in State])
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    tried = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField(allow_null=True)
    away_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when the store does not answer whose last value is used."
    )


def reference_item(one: display.FieldReference) -> dict[str, Any]:
    """A reference as the API shows it."""
    found = one.resolution
    name, dot, key = one.field.partition(".")
    shown = {
        "field": f"{camel(name)}{dot}{key}",
        "reference": found.reference,
        "state": str(found.state),
    }
    return shown | {
        "source": found.source or None,
        "tried": list(found.tried),
        "message": found.message or None,
        "awaySince": found.outage.since if found.outage else None,
    }


class UsageSerializer(CamelCaseSerializer):
    """A profile that needs the connection."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    alias = serializers.CharField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()
