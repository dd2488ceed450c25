"""The settings: default profiles, and the one with which Umbraco.AI sorts texts."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections import services
from connections.api.provider_serializers import DefaultsUpdateSerializer
from connections.api.providers import DefaultsView
from providers.core.base import Capability

from .base import UmbracoView


class UmbracoDefaultsSerializer(DefaultsUpdateSerializer):
    """The body that chooses. What is left out gets none."""

    classifier_chat_profile_id = serializers.UUIDField(allow_null=True, default=None)
    default_speech_to_text_profile_id = serializers.UUIDField(allow_null=True, default=None)


class Settings(UmbracoView, DefaultsView):
    """The profiles that answer when none is named."""

    def put(self, request: Request) -> Response:
        """The settings as they are now. Raises Invalid."""
        values = self.valid(UmbracoDefaultsSerializer, request)
        if values["default_speech_to_text_profile_id"]:
            message = "No provider here offers SpeechToText, so that there is no such profile."
            field = "defaultSpeechToTextProfileId"
            raise services.Invalid([services.FieldError(field, "not_offered", message)])
        chosen = {
            one.value: values[f"default_{one.value.lower()}_profile_id"] for one in Capability
        }
        self.choose(chosen | {services.CLASSIFIER: values["classifier_chat_profile_id"]})
        return self.get(request)

    def shaped(self, data: Any) -> Any:
        """All four."""
        classifier = services.classifier_profile()
        return {
            **data,
            "classifierChatProfileId": str(classifier.pk) if classifier else None,
            "defaultSpeechToTextProfileId": None,
        }
