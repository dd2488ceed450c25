"""The project as an app, for its templates and start-up; and the admin site as Switchboard's
own.
"""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class BackofficeConfig(AppConfig):
    """The project."""

    name = "backoffice"


class BackofficeAdminConfig(AdminConfig):
    """Django's admin with our title and sign-in page."""

    default_site = "backoffice.admin_site.BackofficeAdminSite"


class OurStaticFilesConfig(StaticFilesConfig):
    """Django's static files, without those of pages that we do not have: a start reads them all."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "redoc", "htmax-*"]
