"""Service accounts, and the right of administrators to them."""

import django.core.validators
import django.db.models.deletion
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    rights = Permission.objects.filter(
        content_type__app_label="connections",
        codename__in=[f"{verb}_serviceaccount" for verb in ("view", "add", "change")],
    )
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(*rights)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('connections', '0026_tokens_end'),
    ]

    operations = [
        migrations.CreateModel(
            name='ServiceAccount',
            fields=[
                ('user', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='service_account', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('description', models.CharField(blank=True, max_length=500, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('contact', models.CharField(max_length=200, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('created_by', models.CharField(blank=True, editable=False, max_length=150)),
            ],
            options={
                'default_permissions': ('view', 'add', 'change'),
            },
        ),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
