"""Providers as JSON, and default profiles."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from .camelcase import camel
from .fields import CamelCaseSerializer, CapabilityField
from .settings_schema import settings_schema


class ProviderItemSerializer(CamelCaseSerializer):
    """A provider in a list."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    docs_url = serializers.CharField()
    capabilities = serializers.ListField(child=CapabilityField())


def provider_item(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A provider as the API shows it."""
    texts = {
        "id": provider.id,
        "name": provider.name,
        "description": provider.description,
        "category": provider.category,
    }
    return texts | {
        "docsUrl": provider.docs_url,
        "capabilities": [str(one) for one in provider.capabilities],
    }


def provider_detail(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A provider with its settings, field by field and as a JSON schema."""
    fields = [
        _field_item(position, field)
        for position, field in enumerate(settings_fields(provider).values())
    ]
    return provider_item(provider) | {
        "settingsSchema": {"type": provider.id, "fields": fields},
        "jsonSchema": settings_schema(provider),
    }


class OptionSerializer(CamelCaseSerializer):
    """One value of a choice."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ShownWhenSerializer(CamelCaseSerializer):
    """The setting that must have one of these values for the field to matter."""

    field = serializers.CharField()
    values = serializers.ListField(
        child=extend_schema_field({"type": ["string", "boolean"]})(serializers.JSONField)()
    )


class SettingsFieldSerializer(CamelCaseSerializer):
    """One setting, as a form needs it."""

    key = serializers.CharField(help_text="Its name in `settings`.")
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    type = serializers.ChoiceField(
        ["text", "integer", "number", "boolean", "choice", "headers", "map", "secret_map"]
    )
    group = serializers.CharField()
    sort_order = serializers.IntegerField()
    is_required = serializers.BooleanField()
    is_sensitive = serializers.BooleanField(help_text="A secret: it reads as its mask.")
    is_address = serializers.BooleanField(
        help_text="It says where credentials are sent: changing it needs them again."
    )
    default_value = extend_schema_field({"type": ["string", "number", "boolean", "null"]})(
        serializers.JSONField
    )()
    options = OptionSerializer(many=True)
    shown_when = ShownWhenSerializer(allow_null=True)
    reference = serializers.CharField(help_text="An example of a reference for it.")
    environment = serializers.CharField(
        allow_null=True, help_text="The variable that the vendor's own tools read."
    )


class SettingsSchemaSerializer(CamelCaseSerializer):
    """The settings of a provider."""

    type = serializers.CharField()
    fields = SettingsFieldSerializer(many=True)  # type: ignore[assignment]


class ProviderSerializer(ProviderItemSerializer):
    """A provider with its settings."""

    settings_schema = SettingsSchemaSerializer()
    json_schema = serializers.DictField(
        help_text="The same as JSON Schema: what a new connection takes as `settings`."
    )


def _field_item(position: int, field: SettingsField) -> dict[str, Any]:
    choices = [{"value": value, "label": label} for value, label in field.choices]
    shown_when = (
        {"field": camel(field.shown_when[0]), "values": list(field.shown_when[1])}
        if field.shown_when
        else None
    )
    return {
        "key": camel(field.name),
        "label": field.label,
        "description": field.help,
        "type": field.kind,
        "group": field.group,
        "sortOrder": position,
        "isRequired": field.required,
        "isSensitive": field.secret,
        "isAddress": field.address,
        "defaultValue": field.default,
        "options": choices,
        "shownWhen": shown_when,
        "reference": field.example,
        "environment": field.environment or None,
    }


class DefaultsSerializer(CamelCaseSerializer):
    """The profiles that answer when none is named."""

    default_chat_profile_id = serializers.UUIDField(allow_null=True, default=None)
    default_embedding_profile_id = serializers.UUIDField(allow_null=True, default=None)


class DefaultsUpdateSerializer(DefaultsSerializer):
    """The body that chooses the defaults. A capability that is left out gets none."""
