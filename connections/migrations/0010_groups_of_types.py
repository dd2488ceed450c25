"""Administrators add kinds of connection, and take secrets along in packages."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

ADDED = ["view_connectiontype", "add_connectiontype", "delete_connectiontype", "export_secrets"]


def add_permissions(apps, schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    group, _ = Group.objects.get_or_create(name="Administrators")
    group.permissions.add(*Permission.objects.filter(content_type__app_label="connections", codename__in=ADDED))


class Migration(migrations.Migration):
    dependencies = [("connections", "0009_types_tokens_packages")]
    operations = [migrations.RunPython(add_permissions, migrations.RunPython.noop)]
