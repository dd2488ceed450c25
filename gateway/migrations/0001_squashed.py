"""Every table of the gateway, and who sees usage.

It stands for the two migrations of the time before the first release: a database that has those
has nothing to do.
"""

from django.db import migrations, models
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions


def add_permission(apps, schema_editor):
    """Operators and administrators see who used what; viewers see configuration, not requests."""
    create_permissions(installed.get_app_config("gateway"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name in ("Operators", "Administrators"):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(
            *Permission.objects.filter(
                content_type__app_label="gateway", codename="view_usagerecord"
            )
        )


class Migration(migrations.Migration):

    initial = True
    replaces = [("gateway", "0001_initial"), ("gateway", "0002_groups_of_usage")]

    dependencies = [("connections", "0001_squashed")]

    operations = [
        migrations.CreateModel(
            name='Cooldown',
            fields=[
                ('connection_id', models.UUIDField(primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
                ('code', models.CharField(max_length=50)),
            ],
        ),
        migrations.CreateModel(
            name='TokenCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_id', models.UUIDField()),
                ('window', models.CharField(max_length=20)),
                ('count', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('token_id', 'window'), name='one_count_a_window')],
            },
        ),
        migrations.CreateModel(
            name='UsageRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField(db_index=True)),
                ('endpoint', models.CharField(max_length=40)),
                ('capability', models.CharField(max_length=50)),
                ('profile_id', models.UUIDField(null=True)),
                ('profile_alias', models.CharField(max_length=100)),
                ('connection_id', models.UUIDField(null=True)),
                ('connection_alias', models.CharField(max_length=100)),
                ('connection_version', models.PositiveIntegerField(null=True)),
                ('provider_id', models.CharField(max_length=100)),
                ('model', models.CharField(max_length=255)),
                ('user_id', models.BigIntegerField(null=True)),
                ('user_name', models.CharField(max_length=150)),
                ('token_id', models.UUIDField(null=True)),
                ('token_name', models.CharField(max_length=100)),
                ('is_stream', models.BooleanField(default=False)),
                ('attempts', models.PositiveSmallIntegerField(default=1)),
                ('input_tokens', models.PositiveIntegerField(null=True)),
                ('output_tokens', models.PositiveIntegerField(null=True)),
                ('latency_ms', models.PositiveIntegerField()),
                ('first_chunk_ms', models.PositiveIntegerField(null=True)),
                ('outcome', models.CharField(max_length=50)),
                ('prompt', models.TextField(blank=True)),
                ('answer', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['-started_at', '-id'],
                'indexes': [models.Index(fields=['profile_alias', 'started_at'], name='gateway_usa_profile_31b215_idx'), models.Index(fields=['token_id', 'started_at'], name='gateway_usa_token_i_e61ab3_idx')],
            },
        ),
        migrations.RunPython(add_permission, migrations.RunPython.noop),
    ]
