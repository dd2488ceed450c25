"""Everybody who sees profiles sees which are defaults; administrators choose them, and make and end tokens."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

ADDED = {
    "Viewers": ["view_defaultprofile"],
    "Operators": ["view_defaultprofile"],
    "Administrators": ["view_defaultprofile", "change_defaultprofile", "view_apitoken", "add_apitoken", "delete_apitoken"],
}


def add_permissions(apps, schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, codenames in ADDED.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(content_type__app_label="connections", codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("connections", "0003_tokens_and_defaults"), ("connections", "0002_groups")]
    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop)]
