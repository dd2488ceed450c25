"""Django's admin site under Switchboard's name and sign-in page."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy


class BackofficeAdminSite(AdminSite):
    """For users and groups, and for switching connections and profiles on and off."""

    site_title = site_header = gettext_lazy("Switchboard administration")
    index_title = gettext_lazy("Users, groups, Active")
    site_url = "/"
