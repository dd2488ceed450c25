"""Administrators may change aliases."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(
            Permission.objects.get(
                content_type__app_label="connections", codename="change_alias"
            )
        )


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0008_former_aliases"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(let_administrators, migrations.RunPython.noop)]
