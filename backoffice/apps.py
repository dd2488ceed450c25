"""The project as an app, for its templates and start-up; and the admin site as Switchboard's
own.
"""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig

from .json_lines import log_what_is_written_past_logging


class BackofficeConfig(AppConfig):
    """The project."""

    name = "backoffice"

    def ready(self) -> None:
        """Has everything that the process writes in the form of the log."""
        from .postgresql import checks  # noqa: F401 registered by being imported

        if settings.LOG_FORMAT == "json":
            log_what_is_written_past_logging()


class BackofficeAdminConfig(AdminConfig):
    """Django's admin with our title and sign-in page."""

    default_site = "backoffice.admin_site.BackofficeAdminSite"


class OurStaticFilesConfig(StaticFilesConfig):
    """Django's static files, without those of pages that we do not have: a start reads them all."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "redoc", "htmax-*"]
