"""Rows as JSON and back. Serializers judge shapes and types; what is allowed is for the services to say."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from providers.base import Capability, Model, Provider
from providers.schema import SettingsField, settings_fields

from .. import services
from ..models import ALIAS_PATTERN, Connection, ConnectionCheck, Profile
from ..profile_settings import profile_settings_class
from .camelcase import CamelCaseMixin, StrictBooleanField, StrictCharField, camel, unknown_names
from .settings_schema import is_of_kind, is_too_long, settings_schema


class CamelCaseSerializer(CamelCaseMixin, serializers.Serializer[Any]):
    """Base of every serializer here."""


TAG = r'[^\s,"\\\x00-\x1f\x7f\x85]+'
NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"}


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 50, "pattern": f"^{TAG}( {TAG})*$"})
class TagField(StrictCharField):
    """A word, or several with single blanks between them."""


@extend_schema_field(NAME_SCHEMA)
class NameField(StrictCharField):
    """What people read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=255, **kwargs)


@extend_schema_field(NAME_SCHEMA | {"maxLength": 100})
class ProviderIdField(StrictCharField):
    """Which provider."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


@extend_schema_field({"type": "string", "enum": [one.value for one in Capability]})
class CapabilityField(serializers.ChoiceField):
    """What a model can do."""

    def __init__(self, **kwargs: Any) -> None:
        names = [one.value for one in Capability]
        super().__init__(names, error_messages={"invalid_choice": f"One of {', '.join(names)}."}, **kwargs)


class IdField(serializers.UUIDField):
    """The id of a row. DRF's own text repeats what was sent."""

    default_error_messages = {"invalid": "This is no id."}


class TagsField(serializers.ListField):
    """A list of words."""

    child = TagField(max_length=50)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 100, "pattern": ALIAS_PATTERN.replace(r"\Z", "$")})
class AliasField(StrictCharField):
    """What code asks for."""

    def __init__(self, **kwargs: Any) -> None:
        text = "Lower case letters, digits, single hyphens. No id and no word that is part of an address here."
        super().__init__(max_length=100, trim_whitespace=False, help_text=text, **kwargs)


# Connections


def public_settings(connection: Connection) -> dict[str, Any]:
    """A connection's settings as the API shows them: every setting of the provider, null where none is stored, secrets masked."""
    stored = services.public_settings(connection)
    names = [*(settings_fields(connection.provider) if connection.provider else {}), *stored]
    return {camel(name): stored.get(name) for name in names}


def inner_settings(provider: type[Provider[Any]] | None, posted: Mapping[str, Any]) -> dict[str, Any]:
    """Posted settings by their names inside, which the services refuse for an unknown provider. Raises ValidationError, Invalid."""
    if provider is None:
        return dict(posted)
    fields = settings_fields(provider)
    settings = inner_names({name: field.kind for name, field in fields.items()}, posted)
    if long := [name for name, value in settings.items() if is_too_long(fields[name], value)]:
        raise services.Invalid([services.FieldError(f"settings.{name}", "string_too_long", "This is too long.") for name in long])
    return settings


def inner_names(kinds: Mapping[str, str], posted: Mapping[str, Any]) -> dict[str, Any]:
    """Posted settings by their names inside. `kinds`: what there is. Raises ValidationError for unknown names and wrong types."""
    names = {camel(name): name for name in kinds}
    wrong = unknown_names(posted, names, f"There is no such setting. There are: {', '.join(names)}.", "unknown_setting")
    for name, value in posted.items():
        if name in names and not is_of_kind(kinds[names[name]], value):
            wrong[name] = [ErrorDetail(f"This is no {kinds[names[name]]}.", "type")]
    if wrong:
        raise serializers.ValidationError({"settings": wrong})
    return {names[name]: value for name, value in posted.items()}


class ConnectionItemSerializer(CamelCaseSerializer):
    """A connection in a list."""

    id = serializers.UUIDField(read_only=True)
    alias = AliasField()
    name = NameField()
    provider_id = ProviderIdField()
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
    name = NameField()
    provider_id = ProviderIdField()
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    settings = serializers.DictField(allow_null=True, default=dict)


class ConnectionUpdateSerializer(CamelCaseSerializer):
    """What replaces a connection (PUT). `alias` and `providerId` may be sent back, unchanged."""

    ignored = frozenset({"id", "version", "dateCreated", "dateModified"})
    alias = AliasField(required=False)
    name = NameField()
    provider_id = ProviderIdField(required=False)
    is_active = StrictBooleanField(required=False)
    tags = TagsField(required=False)
    settings = serializers.DictField(required=False)


class ConnectionPatchSerializer(ConnectionUpdateSerializer):
    """What changes parts of a connection (PATCH, a JSON merge patch)."""

    name = NameField(required=False)


class ConnectionTestRequestSerializer(CamelCaseSerializer):
    """Settings to test without saving them. With `id` (or alias) the stored secrets are filled in by the write rule."""

    id = StrictCharField(max_length=100, required=False, help_text="Id or alias of a saved connection.")
    provider_id = ProviderIdField(required=False, help_text="Needed without `id`.")
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

    provider_id = ProviderIdField()
    model_id = NameField()


class ModelSerializer(CamelCaseSerializer):
    """A model of an account, in both shapes that clients of Umbraco.AI know."""

    id = serializers.CharField()
    name = serializers.CharField()
    capabilities = serializers.ListField(child=CapabilityField())
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
    name = NameField()
    capability = CapabilityField()
    model = serializers.SerializerMethodField()
    connection_id = IdField()
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    version = serializers.IntegerField(read_only=True)
    date_created = serializers.DateTimeField(read_only=True)
    date_modified = serializers.DateTimeField(read_only=True)

    @extend_schema_field(ModelReferenceSerializer)
    def get_model(self, profile: Profile) -> dict[str, str]:
        """The model and whose it is."""
        return {"providerId": profile.connection.provider_id, "modelId": profile.model}


class ProfileSerializer(ProfileItemSerializer):
    """A profile, with its settings."""

    settings = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object"})
    def get_settings(self, profile: Profile) -> dict[str, Any]:
        """Every setting of the capability, null where none is stored; `$type` names the capability, as Umbraco.AI has it."""
        names = profile_settings_class(profile.capability).model_fields
        return {"$type": camel_type(profile.capability)} | {camel(name): profile.settings.get(name) for name in names}


def camel_type(capability: str) -> str:
    """`Chat` -> `chat`."""
    return capability[:1].lower() + capability[1:]


def profile_settings_kinds(capability: str) -> dict[str, str]:
    """Every setting of the capability with the kind of its value, named as for providers. Raises KeyError, ValueError."""
    properties = profile_settings_class(capability).model_json_schema()["properties"]
    return {name: next(one["type"] for one in read["anyOf"] if one["type"] != "null") for name, read in properties.items()}


class ProfileUpdateSerializer(CamelCaseSerializer):
    """What replaces a profile (PUT). `alias` and `capability` may be sent back, unchanged."""

    ignored = frozenset({"id", "version", "dateCreated", "dateModified"})
    alias = AliasField(required=False)
    name = NameField()
    capability = CapabilityField(required=False)
    model = ModelReferenceSerializer()
    connection_id = IdField()
    is_active = StrictBooleanField(required=False)
    tags = TagsField(required=False)
    settings = serializers.DictField(required=False, allow_null=True)


class ProfileCreateSerializer(ProfileUpdateSerializer):
    """What creates a profile."""

    alias = AliasField()
    capability = CapabilityField()


class ProfilePatchSerializer(ProfileUpdateSerializer):
    """What changes parts of a profile (PATCH, a JSON merge patch)."""

    name = NameField(required=False)
    model = ModelReferenceSerializer(required=False)
    connection_id = IdField(required=False)


# Providers, settings, tokens


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
    texts = {"id": provider.id, "name": provider.name, "description": provider.description, "category": provider.category}
    return texts | {"docsUrl": provider.docs_url, "capabilities": [str(one) for one in provider.capabilities]}


def provider_detail(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A provider with its settings, field by field and as a JSON schema."""
    fields = [_field_item(position, field) for position, field in enumerate(settings_fields(provider).values())]
    return provider_item(provider) | {"settingsSchema": {"type": provider.id, "fields": fields}, "jsonSchema": settings_schema(provider)}


class OptionSerializer(CamelCaseSerializer):
    """One value of a choice."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ShownWhenSerializer(CamelCaseSerializer):
    """The setting that must have this value for the field to matter."""

    field = serializers.CharField()
    value = serializers.CharField()


class SettingsFieldSerializer(CamelCaseSerializer):
    """One setting, as a form needs it."""

    key = serializers.CharField(help_text="Its name in `settings`.")
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    type = serializers.ChoiceField(["text", "integer", "number", "boolean", "choice", "headers"])
    group = serializers.CharField()
    sort_order = serializers.IntegerField()
    is_required = serializers.BooleanField()
    is_sensitive = serializers.BooleanField(help_text="A secret: it reads as its mask.")
    is_address = serializers.BooleanField(help_text="It says where credentials are sent: changing it needs them again.")
    default_value = extend_schema_field({"type": ["string", "number", "boolean", "null"]})(serializers.JSONField)()
    options = OptionSerializer(many=True)
    shown_when = ShownWhenSerializer(allow_null=True)
    reference = serializers.CharField(help_text="What a reference for it looks like.")
    environment = serializers.CharField(allow_null=True, help_text="The variable that the vendor's own tools read.")


class SettingsSchemaSerializer(CamelCaseSerializer):
    """The settings of a provider."""

    type = serializers.CharField()
    fields = SettingsFieldSerializer(many=True)  # type: ignore[assignment]


class ProviderSerializer(ProviderItemSerializer):
    """A provider with its settings."""

    settings_schema = SettingsSchemaSerializer()
    json_schema = serializers.DictField(help_text="The same as JSON Schema: what a new connection takes as `settings`.")


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

    default_chat_profile_id = IdField(allow_null=True, default=None)
    default_embedding_profile_id = IdField(allow_null=True, default=None)


class DefaultsUpdateSerializer(DefaultsSerializer):
    """What chooses the defaults; a capability that is left out gets none."""
