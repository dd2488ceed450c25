"""Django's admin site under Switchboard's name and sign-in page."""

from django.contrib.admin import AdminSite


class BackofficeAdminSite(AdminSite):
    """For users and groups, and for switching connections and profiles on and off."""

    site_title = site_header = "Switchboard administration"
    index_title = "Users, groups, Active"
    site_url = "/"
