"""The project as an app, for its templates and start-up; and the admin site as Switchboard's
own.
"""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackofficeConfig(AppConfig):
    """The project."""

    name = "backoffice"


class BackofficeAdminConfig(AdminConfig):
    """Django's admin with our title and sign-in page."""

    default_site = "backoffice.admin_site.BackofficeAdminSite"
