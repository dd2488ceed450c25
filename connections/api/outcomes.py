"""What to know about a save or a test that succeeded, and the results of tests, as JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from .. import services
from ..models import ConnectionCheck
from ..wording import proves_credentials
from .fields import CamelCaseSerializer
from .problems import pointer


class WarningSerializer(CamelCaseSerializer):
    """What to know about a save or a test that succeeded."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body.")
    code = serializers.CharField()
    detail = serializers.CharField()


def warnings_json(notices: Iterable[services.Notice]) -> list[dict[str, str]]:
    """Notices as the API shows them."""
    return [
        {"pointer": pointer(one.field), "code": one.code, "detail": one.message} for one in notices
    ]


class TestResultSerializer(CamelCaseSerializer):
    """The result of a test. The status is 200 for a failed one too."""

    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    code = serializers.CharField(help_text="`ok`, or why not.")
    latency_ms = serializers.IntegerField(allow_null=True)
    model_count = serializers.IntegerField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    connection_version = serializers.IntegerField(
        allow_null=True, help_text="null: unsaved settings were tested."
    )
    warnings = WarningSerializer(
        many=True,
        required=False,
        help_text="What a test that succeeded does not prove. Left out where it proves all.",
    )


def test_result(
    outcome: ConnectionCheck | services.CheckResult, checked_at: Any, version: int | None
) -> dict[str, Any]:
    """A check or an outcome as the API shows it."""
    found = {
        "success": outcome.success,
        "errorMessage": None if outcome.success else outcome.message,
        "code": outcome.code,
        "latencyMs": outcome.latency_ms,
        "modelCount": outcome.model_count,
        "checkedAt": serializers.DateTimeField().to_representation(checked_at),
        "connectionVersion": version,
    }
    if outcome.success and not proves_credentials(outcome.message):
        unproven = {"pointer": "", "code": "not_proven", "detail": outcome.message}
        return found | {"warnings": [unproven]}
    return found
