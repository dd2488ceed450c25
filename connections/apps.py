"""The app."""

from django.apps import AppConfig
from django.forms import Field

from providers.core.base import Provider


class ConnectionsConfig(AppConfig):
    """Registers the system checks, gives forms our sentence, and lets templates read providers."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401 registered by being imported
        from .change_counter import watch_changes
        from .services import declare_jobs
        from .wording import REQUIRED

        Field.default_error_messages["required"] = REQUIRED
        watch_changes()
        declare_jobs()

        # Templates call whatever can be called, a class too. Said here, because providers know no
        # Django.
        Provider.do_not_call_in_templates = True  # type: ignore[attr-defined]
