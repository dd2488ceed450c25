"""Rows as JSON and back. Serializers judge shapes and types; what is allowed is for the services to say."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from providers.base import Capability, Model, Provider
from providers.schema import SettingsField, settings_fields

from .. import services
from ..models import ALIAS_PATTERN, Connection, ConnectionCheck, Profile
from ..profile_settings import profile_settings_class
from .camelcase import CamelCaseMixin, StrictBooleanField, StrictCharField, camel
from .settings_schema import settings_schema


class CamelCaseSerializer(CamelCaseMixin, serializers.Serializer[Any]):
    """Base of every serializer here."""


class TagsField(serializers.ListField):
    """A list of words."""

    child = StrictCharField(max_length=50)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)


class AliasField(StrictCharField):
    """What code asks for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, help_text=f"Lower case letters, digits, single hyphens: {ALIAS_PATTERN}", **kwargs)


# Connections


def public_settings(connection: Connection) -> dict[str, Any]:
    """A connection's settings as the API shows them: every setting of the provider, null where none is stored, secrets masked."""
    stored = services.public_settings(connection)
    names = [*(settings_fields(connection.provider) if connection.provider else {}), *stored]
    return {camel(name): stored.get(name) for name in names}


def inner_settings(provider: type[Provider[Any]] | None, posted: Mapping[str, Any]) -> dict[str, Any]:
    """Posted settings by their names inside; an unknown name stays, for the services to refuse."""
    names = {camel(name): name for name in settings_fields(provider)} if provider else {}
    return {names.get(name, name): value for name, value in posted.items()}


class ConnectionItemSerializer(CamelCaseSerializer):
    """A connection in a list."""

    id = serializers.UUIDField(read_only=True)
    alias = AliasField()
    name = StrictCharField(max_length=255)
    provider_id = StrictCharField(max_length=100)
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    version = serializers.IntegerField(read_only=True)
    date_created = serializers.DateTimeField(read_only=True)
    date_modified = serializers.DateTimeField(read_only=True)


class ConnectionSerializer(ConnectionItemSerializer):
    """A connection, with its settings; secrets are masked."""

    settings = serializers.DictField(help_text="By the provider's schema; a stored secret reads as its mask.")

    def to_representation(self, instance: Connection) -> dict[str, Any]:
        shown = {name: field for name, field in self.fields.items() if name != "settings"}
        values = {name: field.to_representation(field.get_attribute(instance)) for name, field in shown.items()}
        return values | {"settings": public_settings(instance)}


class ConnectionCreateSerializer(CamelCaseSerializer):
    """What creates a connection."""

    ignored = frozenset({"id", "version", "dateCreated", "dateModified"})
    alias = AliasField()
    name = StrictCharField(max_length=255)
    provider_id = StrictCharField(max_length=100)
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    settings = serializers.DictField(allow_null=True, default=dict)


class ConnectionUpdateSerializer(CamelCaseSerializer):
    """What replaces a connection (PUT). `alias` and `providerId` may be sent back, unchanged."""

    ignored = frozenset({"id", "version", "dateCreated", "dateModified"})
    alias = AliasField(required=False)
    name = StrictCharField(max_length=255)
    provider_id = StrictCharField(max_length=100, required=False)
    is_active = StrictBooleanField(required=False)
    tags = TagsField(required=False)
    settings = serializers.DictField(required=False)


class ConnectionPatchSerializer(ConnectionUpdateSerializer):
    """What changes parts of a connection (PATCH, a JSON merge patch)."""

    name = StrictCharField(max_length=255, required=False)


class ConnectionTestRequestSerializer(CamelCaseSerializer):
    """Settings to test without saving them. With `id` (or alias) the stored secrets are filled in by the write rule."""

    id = StrictCharField(max_length=100, required=False, help_text="Id or alias of a saved connection.")
    provider_id = StrictCharField(max_length=100, required=False, help_text="Needed without `id`.")
    settings = serializers.DictField(default=dict)


class TestResultSerializer(CamelCaseSerializer):
    """How a test went; 200 also when it failed."""

    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    code = serializers.CharField(help_text="`ok`, or why not.")
    latency_ms = serializers.IntegerField(allow_null=True)
    model_count = serializers.IntegerField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    connection_version = serializers.IntegerField(allow_null=True, help_text="null: unsaved settings were tested.")


def test_result(outcome: ConnectionCheck | services.Outcome, checked_at: Any, version: int | None) -> dict[str, Any]:
    """A check or an outcome as the API shows it."""
    return {
        "success": outcome.success,
        "errorMessage": None if outcome.success else outcome.message,
        "code": outcome.code,
        "latencyMs": outcome.latency_ms,
        "modelCount": outcome.model_count,
        "checkedAt": serializers.DateTimeField().to_representation(checked_at),
        "connectionVersion": version,
    }


# Models, references, usages


class ModelReferenceSerializer(CamelCaseSerializer):
    """A model of a provider."""

    provider_id = StrictCharField(max_length=100)
    model_id = StrictCharField(max_length=255)


class ModelSerializer(CamelCaseSerializer):
    """A model of an account, in both shapes that clients of Umbraco.AI know."""

    id = serializers.CharField()
    name = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())
    model = ModelReferenceSerializer()


def model_item(provider_id: str, model: Model) -> dict[str, Any]:
    """A model as the API shows it."""
    capabilities = sorted(str(one) for one in model.capabilities)
    named = {"id": model.id, "name": model.name, "capabilities": capabilities}
    return named | {"model": {"providerId": provider_id, "modelId": model.id}}


class ReferenceSerializer(CamelCaseSerializer):
    """One reference: which setting holds it, what became of it, where it was looked for. Never the value."""

    field = serializers.CharField(help_text="The setting's name in camelCase.")
    reference = serializers.CharField()
    state = serializers.ChoiceField(["resolved", "missing", "denied", "error"])
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    tried = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField(allow_null=True)


def reference_item(one: services.FieldReference) -> dict[str, Any]:
    """A reference as the API shows it."""
    found = one.resolution
    shown = {"field": camel(one.field), "reference": found.reference, "state": str(found.state)}
    return shown | {"source": found.source or None, "tried": list(found.tried), "message": found.message or None}


class UsageSerializer(CamelCaseSerializer):
    """A profile that needs the connection."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    alias = serializers.CharField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()


# Profiles


class ProfileItemSerializer(CamelCaseSerializer):
    """A profile in a list."""

    id = serializers.UUIDField(read_only=True)
    alias = AliasField()
    name = StrictCharField(max_length=255)
    capability = serializers.ChoiceField([one.value for one in Capability])
    model = serializers.SerializerMethodField()
    connection_id = serializers.UUIDField()
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    version = serializers.IntegerField(read_only=True)
    date_created = serializers.DateTimeField(read_only=True)
    date_modified = serializers.DateTimeField(read_only=True)

    def get_model(self, profile: Profile) -> dict[str, str]:
        """The model and whose it is."""
        return {"providerId": profile.connection.provider_id, "modelId": profile.model}


class ProfileSerializer(ProfileItemSerializer):
    """A profile, with its settings."""

    settings = serializers.SerializerMethodField()

    def get_settings(self, profile: Profile) -> dict[str, Any]:
        """Every setting of the capability, null where none is stored; `$type` names the capability, as Umbraco.AI has it."""
        names = profile_settings_class(profile.capability).model_fields
        return {"$type": camel_type(profile.capability)} | {camel(name): profile.settings.get(name) for name in names}


def camel_type(capability: str) -> str:
    """`Chat` -> `chat`."""
    return capability[:1].lower() + capability[1:]


class ProfileUpdateSerializer(CamelCaseSerializer):
    """What replaces a profile (PUT). `alias` and `capability` may be sent back, unchanged."""

    ignored = frozenset({"id", "version", "dateCreated", "dateModified"})
    alias = AliasField(required=False)
    name = StrictCharField(max_length=255)
    capability = serializers.ChoiceField([one.value for one in Capability], required=False)
    model = ModelReferenceSerializer()
    connection_id = serializers.UUIDField()
    is_active = StrictBooleanField(required=False)
    tags = TagsField(required=False)
    settings = serializers.DictField(required=False, allow_null=True)


class ProfileCreateSerializer(ProfileUpdateSerializer):
    """What creates a profile."""

    alias = AliasField()
    capability = serializers.ChoiceField([one.value for one in Capability])


class ProfilePatchSerializer(ProfileUpdateSerializer):
    """What changes parts of a profile (PATCH, a JSON merge patch)."""

    name = StrictCharField(max_length=255, required=False)
    model = ModelReferenceSerializer(required=False)
    connection_id = serializers.UUIDField(required=False)


# Providers, settings, tokens


class ProviderItemSerializer(CamelCaseSerializer):
    """A provider in a list."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    docs_url = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())


def provider_item(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A provider as the API shows it."""
    texts = {"id": provider.id, "name": provider.name, "description": provider.description, "category": provider.category}
    return texts | {"docsUrl": provider.docs_url, "capabilities": [str(one) for one in provider.capabilities]}


def provider_detail(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A provider with its settings, field by field and as a JSON schema."""
    fields = [_field_item(position, field) for position, field in enumerate(settings_fields(provider).values())]
    return provider_item(provider) | {"settingsSchema": {"type": provider.id, "fields": fields}, "jsonSchema": settings_schema(provider)}


def _field_item(position: int, field: SettingsField) -> dict[str, Any]:
    choices = [{"value": value, "label": label} for value, label in field.choices]
    shown_when = {"field": camel(field.shown_when[0]), "value": field.shown_when[1]} if field.shown_when else None
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
    """Which profile answers when none is named."""

    default_chat_profile_id = serializers.UUIDField(allow_null=True, default=None)
    default_embedding_profile_id = serializers.UUIDField(allow_null=True, default=None)
