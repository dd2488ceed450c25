"""Operators and administrators may see who used what. Viewers see configuration, not people's requests."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def add_permission(apps, schema_editor):
    create_permissions(installed.get_app_config("gateway"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name in ("Operators", "Administrators"):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(content_type__app_label="gateway", codename="view_usagerecord"))


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial"), ("connections", "0006_groups_of_users")]
    operations = [migrations.RunPython(add_permission, migrations.RunPython.noop)]
