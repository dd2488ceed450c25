"""The fields that serializers share: names, aliases, tags, ids.

They check shapes and types. Services check the rest.
"""

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from providers.core.base import Capability

from .. import services
from ..models import ALIAS_PATTERN, Connection, Team
from ..outlooks import key_end
from ..texts import UNSEEN
from .camelcase import CamelCaseMixin, StrictCharField, camel, unknown_names
from .sentences import OneOfField
from .settings_schema import BLANK, is_of_kind


class CamelCaseSerializer(CamelCaseMixin, serializers.Serializer[Any]):
    """Base of every serializer here."""


DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TAG = rf'[^\s,"\\{UNSEEN}]+'
SEEN, AROUND = f"[^\\s{UNSEEN}]", rf"[{BLANK}]*"
# Joiners and the like are fine in some places: no pattern says in which.
NAME_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": f"^{AROUND}{SEEN}([^{UNSEEN}]*{SEEN})?{AROUND}$",
}
WORD_SCHEMA = NAME_SCHEMA | {"pattern": r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"}


@extend_schema_field(
    {"type": "string", "minLength": 1, "maxLength": 50, "pattern": f"^{TAG}( {TAG})*$"}
)
class TagField(StrictCharField):
    """A word, or several with single blanks between them."""


@extend_schema_field(NAME_SCHEMA)
class NameField(StrictCharField):
    """The name that people read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=255, **kwargs)


@extend_schema_field(WORD_SCHEMA)
class ModelIdField(NameField):
    """A provider's name for a model."""


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class ProviderIdField(StrictCharField):
    """The id of a provider."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


@extend_schema_field({"type": "string", "enum": [one.value for one in Capability]})
class CapabilityField(OneOfField):
    """A capability of a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__([one.value for one in Capability], **kwargs)


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class TeamField(StrictCharField):
    """The team of a row: its name; a body may say its id instead. Null: shared by all."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            allow_null=True,
            min_length=1,
            max_length=100,
            help_text="The name of the team it belongs to. null: all share it.",
            **kwargs,
        )

    def get_attribute(self, instance: Any) -> Any:
        return instance

    def to_representation(self, value: Any) -> Any:
        return value.team.name if value.team_id else None


def team_of_new(kind: str, values: dict[str, Any], actor: Any) -> Team | None:
    """The team of a new row, taken out of its body: the one that is named, else `team_for_new`.
    Raises Invalid.
    """
    text = (values.pop("team") or "") if "team" in values else None
    return services.team_for_new(kind, text, actor=actor)


def refuse_other_team(row: Any, values: dict[str, Any], actor: Any) -> None:
    """Takes the team out of a body that changes a row. Raises Invalid where it is another one."""
    if "team" not in values:
        return
    text = values.pop("team")
    named = services.team_named(text, actor=actor) if text else None
    if (named and named.pk) != row.team_id:
        message = "This cannot be changed here. PUT the team to the address of the row and /team."
        raise services.Invalid([services.FieldError("team", "immutable", message)])


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class IdOrAliasField(StrictCharField):
    """The id or the alias of a row that a body names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=1, max_length=100, help_text="Id or alias.", **kwargs)


class DayField(serializers.DateField):
    """A day, `2026-12-31`. Null takes the stored one away: services know that as an empty text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        found = super().run_validation(data)
        return "" if found is None and data is not empty else found

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class TagsField(serializers.ListField):
    """A list of words."""

    child = TagField(max_length=50)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)


@extend_schema_field(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "pattern": ALIAS_PATTERN.replace(r"\Z", "$"),
    }
)
class AliasField(StrictCharField):
    """The name by which code asks for a row."""

    def __init__(self, **kwargs: Any) -> None:
        text = (
            "Lower case letters, digits, single hyphens. No id and no word that is part of an "
            "address here."
        )
        super().__init__(max_length=100, trim_whitespace=False, help_text=text, **kwargs)


class ModelReferenceSerializer(CamelCaseSerializer):
    """A model of a provider."""

    provider_id = ProviderIdField()
    model_id = ModelIdField()


class DuplicateRequestSerializer(CamelCaseSerializer):
    """The name and the alias of a copy. One that is left out is made from the original's name."""

    name = NameField(required=False)
    alias = AliasField(required=False)


def inner_names(kinds: Mapping[str, str], posted: Mapping[str, Any]) -> dict[str, Any]:
    """Posted settings, by their names in Python.

    `kinds`: the type of each setting. Raises ValidationError for unknown names and wrong types.
    """
    names = {camel(name): name for name in kinds}
    wrong = unknown_names(posted, names, "setting")
    for name, value in posted.items():
        if name in names and not is_of_kind(kinds[names[name]], value):
            kind = kinds[names[name]].replace("secret_map", "map")
            wrong[name] = [
                ErrorDetail(f"This is not of the type {kind}. Send one that is.", "type")
            ]
    if wrong:
        raise serializers.ValidationError({"settings": wrong})
    return {names[name]: value for name, value in posted.items()}


@extend_schema_field(
    {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "When its key ends: as its service says, else the day that was entered.",
    }
)
class KeyEndField(serializers.Field[Any, Any, Any, Any]):
    """The end of a connection's key, as the radar knows it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row: Connection) -> str | None:
        end = key_end(row)
        return end.at.isoformat().replace("+00:00", "Z") if end and end.at else None
