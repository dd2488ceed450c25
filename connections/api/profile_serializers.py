"""Profiles as JSON and back."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..models import Profile
from ..profile_settings import profile_settings_class
from .camelcase import StrictBooleanField, camel
from .fields import (
    AliasField,
    CamelCaseSerializer,
    CapabilityField,
    IdField,
    ModelReferenceSerializer,
    NameField,
    TagsField,
)


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
