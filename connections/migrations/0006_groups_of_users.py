"""Operators and administrators may use profiles, on the page and through the gateway. And the one row of the change stamp,
and the mark of tokens that are limited to profiles already."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def add_permission(apps, schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name in ("Operators", "Administrators"):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(content_type__app_label="connections", codename="use_profile"))
    apps.get_model("connections", "ChangeStamp").objects.get_or_create(pk=1)
    apps.get_model("connections", "ApiToken").objects.filter(profiles__isnull=False).update(is_limited=True)


class Migration(migrations.Migration):
    dependencies = [("connections", "0005_profiles_that_answer"), ("connections", "0004_groups_of_tokens")]
    operations = [migrations.RunPython(add_permission, migrations.RunPython.noop)]
