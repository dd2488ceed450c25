"""Profiles as JSON and back."""

from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from .. import services
from ..models import Profile
from ..profile_settings import profile_fields
from ..section_teams import remembering
from ..services import MOST_FALLBACKS
from ..unseen import fallbacks_seen, hide_unseen
from .camelcase import StrictBooleanField, camel, decapitalized
from .fields import (
    AliasField,
    CamelCaseSerializer,
    CapabilityField,
    IdOrAliasField,
    ModelReferenceSerializer,
    NameField,
    TagsField,
    TeamField,
)
from .health import HealthField
from .outcomes import WarningSerializer, warnings_json

KINDS = {"texts": "array", "choices": "array"}  # by the names of JSON Schema


class ProfileItemSerializer(CamelCaseSerializer):
    """A profile in a list."""

    id = serializers.UUIDField(read_only=True)
    alias = AliasField()
    name = NameField()
    capability = CapabilityField()
    model = serializers.SerializerMethodField()
    connection_id = serializers.SerializerMethodField(
        "get_connection",
        help_text="null where it is of another team, which shares only the profile.",
    )
    is_active = StrictBooleanField(default=True)
    tags = TagsField(default=list)
    team = TeamField()
    version = serializers.IntegerField(read_only=True)
    date_created = serializers.DateTimeField(read_only=True)
    date_modified = serializers.DateTimeField(read_only=True)
    health = HealthField()

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_connection(self, profile: Profile) -> str | None:
        """The id, unless a stand-in is in the connection's place."""
        return str(profile.connection_id) if profile.connection.alias else None

    @extend_schema_field(ModelReferenceSerializer)
    def get_model(self, profile: Profile) -> dict[str, str]:
        """The model and its provider."""
        return {"providerId": profile.connection.provider_id, "modelId": profile.model}


class ProfileSerializer(ProfileItemSerializer):
    """A profile, with its settings."""

    settings = serializers.SerializerMethodField()
    fallback_profile_ids = serializers.SerializerMethodField(
        "get_fallbacks", help_text="The profiles that answer when it cannot, in this order."
    )

    @extend_schema_field({"type": "array", "items": {"type": "string", "format": "uuid"}})
    def get_fallbacks(self, profile: Profile) -> list[str]:
        """The ids in the order they are tried."""
        steps = profile.fallback_steps.select_related("fallback")
        prefetch_related_objects([profile], Prefetch("fallback_steps", steps))
        return [str(one.pk) for one in fallbacks_seen([profile])[profile.pk]]

    @extend_schema_field({"type": "object"})
    def get_settings(self, profile: Profile) -> dict[str, Any]:
        """Every setting of the capability, null where none is stored; `$type` names the capability,
        as Umbraco.AI has it.
        """
        names = profile_fields(profile.capability)
        return {"$type": decapitalized(profile.capability)} | {
            camel(name): profile.settings.get(name) for name in names
        }


class SavedProfileSerializer(ProfileSerializer):
    """A profile that was just saved, with what to know about it."""

    warnings = WarningSerializer(
        many=True,
        required=False,
        help_text=(
            "A connection that is switched off or cannot be used, a model that is not listed any "
            "more, a setting that the model does not take, a fallback that is switched off. Left "
            "out where there is none, or where nothing changed."
        ),
    )


def saved_profile_json(
    saved: services.Saved, serializer: type[ProfileSerializer] = ProfileSerializer
) -> dict[str, Any]:
    """A profile that was just saved, as SavedProfileSerializer says; without the connection that
    whoever asks may not see. `serializer`: of a contract of another system.
    """
    row = saved.row
    hide_unseen([row])
    found = warnings_json(services.profile_notices(row, remembering())) if saved.changed else []
    shown: dict[str, Any] = serializer(row).data
    return shown | ({"warnings": found} if found else {})


def profile_settings_kinds(capability: str) -> dict[str, str]:
    """Every setting of the capability with the kind of its value, named as for providers.

    Raises KeyError, ValueError.
    """
    return {name: KINDS.get(one.kind, one.kind) for name, one in profile_fields(capability).items()}


class ProfileUpdateSerializer(CamelCaseSerializer):
    """The body that replaces a profile (PUT).

    `alias` and `capability` may be sent back, unchanged.
    """

    ignored = frozenset({"id", "version", "dateCreated", "dateModified", "health", "warnings"})
    alias = AliasField(required=False)
    name = NameField()
    capability = CapabilityField(required=False)
    model = ModelReferenceSerializer()
    connection_id = IdOrAliasField()
    is_active = StrictBooleanField(required=False)
    tags = TagsField(required=False)
    team = TeamField()
    settings = serializers.DictField(required=False, allow_null=True)
    fallback_profile_ids = serializers.ListField(
        child=IdOrAliasField(),
        required=False,
        allow_null=True,
        max_length=MOST_FALLBACKS,
        help_text=(
            "Profiles of the same capability that answer, in this order, when this one cannot. "
            "null or empty: none."
        ),
    )


class ProfileCreateSerializer(ProfileUpdateSerializer):
    """The body that creates a profile."""

    alias = AliasField()
    capability = CapabilityField()


class ProfilePatchSerializer(ProfileUpdateSerializer):
    """The body that changes parts of a profile (PATCH, a JSON merge patch)."""

    name = NameField(required=False)
    model = ModelReferenceSerializer(required=False)
    connection_id = IdOrAliasField(required=False)
