"""The three groups. Viewers see, Operators work, Administrators also delete and manage people."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWERS = ["connections.view_connection", "connections.view_profile", "connections.view_connectioncheck"]
OPERATORS = [
    *VIEWERS,
    "connections.add_connection",
    "connections.change_connection",
    "connections.test_connection",
    "connections.toggle_connection",
    "connections.add_profile",
    "connections.change_profile",
    "connections.toggle_profile",
]
ADMINISTRATORS = [
    *OPERATORS,
    "connections.delete_connection",
    "connections.delete_profile",
    *(f"auth.{verb}_{thing}" for thing in ("user", "group") for verb in ("view", "add", "change", "delete")),
]
GROUPS = {"Viewers": VIEWERS, "Operators": OPERATORS, "Administrators": ADMINISTRATORS}


def make_groups(apps, schema_editor):
    """Permissions are otherwise made after all migrations, too late for this one."""
    for label in ("auth", "connections"):
        config = installed.get_app_config(label)
        create_permissions(config, apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        for permission in wanted:
            label, codename = permission.split(".")
            group.permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
