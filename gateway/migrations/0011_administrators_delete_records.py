from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations


def let_administrators(apps, _schema_editor):
    """Administrators delete single usage records, and those that are too old."""
    create_permissions(installed.get_app_config("gateway"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    group, _ = Group.objects.get_or_create(name="Administrators")
    group.permissions.add(
        *Permission.objects.filter(
            content_type__app_label="gateway", codename="delete_usagerecord"
        )
    )


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0010_usage_routes'),
    ]

    operations = [
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
