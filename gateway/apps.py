"""The Django app of the gateway."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Its configuration: there is nothing to register."""

    name = "gateway"
    default_auto_field = "django.db.models.BigAutoField"
