"""Notices and their targets as the API reads and writes them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connections.api.camelcase import StrictBooleanField, StrictCharField
from connections.api.fields import WORD_SCHEMA, CamelCaseSerializer, TeamField
from connections.api.sentences import OneOfField

from ..models import NoticeTarget

LAST_ID = 2**63 - 1
EVENTS = ("began", "recovered", "flapped")


class BehindNoticeSerializer(CamelCaseSerializer):
    """A connection behind a fault that was told."""

    id = serializers.CharField()
    alias = serializers.CharField()
    name = serializers.CharField()


class NoticeItemSerializer(CamelCaseSerializer):
    """A fault in the words in which it was told."""

    fault = serializers.CharField(help_text="Names it, as in `/attention`.")
    title = serializers.CharField()
    cause = serializers.CharField(help_text="A sentence: cause and cure. Never a secret.")
    severity = serializers.CharField(help_text="info, warning or critical.")
    is_ahead = serializers.BooleanField(help_text="It will break, and has not yet.")
    address = serializers.CharField(help_text="Of the page about it.")
    since = serializers.DateTimeField(allow_null=True)
    connection_count = serializers.IntegerField()
    connections = BehindNoticeSerializer(many=True, help_text="The first of them.")
    providers = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    changes = serializers.IntegerField(help_text="That were seen since it was told last.")


class NoticeSerializer(CamelCaseSerializer):
    """What changed: one fault, or all of a kind that came at once."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    event = serializers.ChoiceField(EVENTS)
    kind = serializers.CharField(help_text="As in `/attention`.")
    severity = serializers.CharField(help_text="info, warning or critical.")
    headline = serializers.CharField()
    count = serializers.IntegerField(help_text="Of the faults.")
    items = NoticeItemSerializer(many=True, help_text="The first 100 of them.")
    is_new = serializers.BooleanField(help_text="To whoever asks.")


class NoticesSeenRequestSerializer(CamelCaseSerializer):
    """The last notice that was seen."""

    to = serializers.IntegerField(min_value=0, max_value=LAST_ID, help_text="The id of a notice.")


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class WordField(StrictCharField):
    """A name, a tag or the id of a provider."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


class WordsField(serializers.ListField):
    """Some words; empty for all."""

    child = WordField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)


# without a zone, so not the `time` of JSON Schema
@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
class ClockField(serializers.TimeField):
    """A time of day, such as 22:00."""


class NoticeTargetColumnsSerializer(CamelCaseSerializer):
    """The rules of a target."""

    name = WordField()
    is_active = StrictBooleanField(required=False)
    kinds = WordsField(required=False, help_text="As in `/attention`. Empty: all.")
    minimum_severity = OneOfField(NoticeTarget.Severity.choices, required=False)
    providers = WordsField(required=False, help_text="Empty: all.")
    tags = WordsField(required=False, help_text="Empty: all.")
    tells_recovery = StrictBooleanField(required=False)
    quiet_from = ClockField(required=False, allow_null=True, format="%H:%M")
    quiet_to = ClockField(required=False, allow_null=True, format="%H:%M")
    time_zone = WordField(required=False, help_text="Of the quiet hours: Europe/Berlin.")
    is_woken_by_critical = StrictBooleanField(required=False)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 2000, "writeOnly": True})
class AddressField(StrictCharField):
    """The address of a target, which is a secret."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2000, **kwargs)


class NoticeTargetCreateSerializer(NoticeTargetColumnsSerializer):
    """A new target."""

    kind = OneOfField(NoticeTarget.Kind.choices)
    address = AddressField(help_text="https://... of a webhook, slack://... and so on of Apprise.")
    team = TeamField()


class NoticeTargetPatchSerializer(NoticeTargetColumnsSerializer):
    """What is to change of a target."""

    name = WordField(required=False)
    address = AddressField(
        required=False, help_text="Left out, or as it was shown: the stored one stays."
    )


class NoticeTargetSerializer(NoticeTargetColumnsSerializer):
    """A target."""

    id = serializers.UUIDField()
    team = TeamField()
    kind = serializers.CharField(help_text="webhook or apprise.")
    address = serializers.CharField(source="shown", help_text="Its beginning.")
    sent_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()


class MadeNoticeTargetSerializer(NoticeTargetSerializer):
    """A target that was made."""

    secret = serializers.CharField(
        allow_null=True, help_text="The key that signs its webhooks, shown this once."
    )


class NoticeTargetSecretSerializer(CamelCaseSerializer):
    """A new key."""

    secret = serializers.CharField(help_text="Signs the webhooks from now on; shown this once.")


class NoticeTargetTestSerializer(CamelCaseSerializer):
    """How a test ended."""

    success = serializers.BooleanField()
    message = serializers.CharField()
