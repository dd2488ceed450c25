"""Administrators may delete service accounts."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    right = Permission.objects.get(
        content_type__app_label="connections", codename="delete_serviceaccount"
    )
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(right)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connections", "0031_tokens_stopped_by_a_provider"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="serviceaccount",
            options={"default_permissions": ("view", "add", "change", "delete")},
        ),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
