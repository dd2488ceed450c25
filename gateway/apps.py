"""The app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Nothing to register."""

    name = "gateway"
    default_auto_field = "django.db.models.BigAutoField"
