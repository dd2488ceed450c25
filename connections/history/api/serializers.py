"""Versions, what tells them apart, and what was deleted, as the API shows them."""

from typing import Any

from rest_framework import serializers

from connections.api.camelcase import StrictBooleanField, StrictCharField, camel
from connections.api.fields import AliasField, CamelCaseSerializer
from connections.services import Difference

from .. import services


class DifferenceSerializer(CamelCaseSerializer):
    """One field that differs. Of a secret only that it differs is told."""

    field = serializers.CharField()
    before = serializers.CharField(allow_blank=True, help_text="Empty where it was not there.")
    after = serializers.CharField(allow_blank=True, help_text="Empty where it is not there.")
    is_secret = serializers.BooleanField()


class VersionFieldSerializer(CamelCaseSerializer):
    """One field of a version, a secret as its mask."""

    field = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    is_secret = serializers.BooleanField()


class VersionItemSerializer(CamelCaseSerializer):
    """One version."""

    number = serializers.IntegerField()
    date = serializers.DateTimeField()
    user = serializers.CharField(allow_null=True, help_text="Null: the command line.")
    changes = serializers.ListField(child=serializers.CharField(), help_text="In words.")
    name = serializers.CharField(allow_blank=True, help_text="What people call it.")
    is_pinned = serializers.BooleanField(help_text="It is not deleted for its age.")
    is_current = serializers.BooleanField()


class VersionSerializer(VersionItemSerializer):
    """One version with what it has."""

    content = VersionFieldSerializer(many=True)
    differences = DifferenceSerializer(many=True, help_text="To the version before.")


class ComparisonSerializer(CamelCaseSerializer):
    """Two versions beside each other."""

    before = serializers.IntegerField()
    after = serializers.IntegerField()
    differences = DifferenceSerializer(many=True)


class VersionPatchSerializer(CamelCaseSerializer):
    """What people call a version, and whether it is kept whatever its age."""

    name = StrictCharField(required=False, allow_blank=True, max_length=100)
    is_pinned = StrictBooleanField(required=False)


class RestoreRequestSerializer(CamelCaseSerializer):
    """How a version comes back."""

    with_secrets = StrictBooleanField(
        default=False,
        help_text="The secrets of then too. It takes the right to export secrets.",
    )


class RestoredSerializer(CamelCaseSerializer):
    """What was restored."""

    version = serializers.IntegerField(help_text="The number that it has now.")
    changed = serializers.BooleanField(help_text="False: it was like this already.")
    notices = serializers.ListField(
        child=serializers.CharField(), help_text="What did not come back as it was."
    )


class DeletedProfileSerializer(CamelCaseSerializer):
    """A profile that was deleted shortly before its connection."""

    id = serializers.UUIDField()
    alias = serializers.CharField()
    name = serializers.CharField()


class DeletedItemSerializer(DeletedProfileSerializer):
    """Something that was deleted and can be restored."""

    type = serializers.CharField(help_text="`connection` or `profile`.")
    version = serializers.IntegerField()
    date_deleted = serializers.DateTimeField()
    deleted_by = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_null=True)
    profiles = DeletedProfileSerializer(
        many=True, help_text="Those that would come back with a connection."
    )


class DeletedRestoreRequestSerializer(CamelCaseSerializer):
    """How something deleted comes back."""

    with_profiles = StrictBooleanField(
        default=False,
        help_text="With the profiles that were deleted within the day before their connection.",
    )
    with_secrets = StrictBooleanField(
        default=False,
        help_text="Its secrets too. It takes the right to export secrets.",
    )
    alias = AliasField(required=False)


class RevivedSerializer(CamelCaseSerializer):
    """What came back."""

    id = serializers.UUIDField()
    type = serializers.CharField(help_text="`connection` or `profile`.")
    alias = serializers.CharField()
    version = serializers.IntegerField()
    profiles = serializers.ListField(child=serializers.UUIDField())
    notices = serializers.ListField(child=serializers.CharField())


def item(entry: services.Entry) -> dict[str, Any]:
    """A version as VersionItemSerializer takes it."""
    names = ("number", "date", "changes", "name", "is_pinned", "is_current")
    values = {name: getattr(entry, name) for name in names}
    return values | {"user": entry.user and str(entry.user)}


def difference(one: Difference) -> dict[str, Any]:
    """A difference as DifferenceSerializer takes it."""
    values = {"before": one.before, "after": one.after, "is_secret": one.is_secret}
    return {"field": _camel(one.field), **values}


def value(one: Difference) -> dict[str, Any]:
    """A field of a version as VersionFieldSerializer takes it."""
    return {"field": _camel(one.field), "value": one.after, "is_secret": one.is_secret}


def deleted_item(one: services.Deleted) -> dict[str, Any]:
    """Something deleted as DeletedItemSerializer takes it."""
    return {
        **{name: getattr(one, name) for name in ("id", "alias", "name", "version")},
        "type": one.kind,
        "date_deleted": one.date,
        "deleted_by": one.user and str(one.user),
        "team": one.team and one.team.name,
        "profiles": [
            {"id": each.id, "alias": each.alias, "name": each.name} for each in one.profiles
        ],
    }


def _camel(name: str) -> str:
    """`api_key` -> `apiKey`; what is inside of a map keeps its name."""
    head, dot, key = name.partition(".")
    return f"{camel(head)}{dot}{key}"
