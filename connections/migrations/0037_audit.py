"""Events, their chains and checkpoints, and the right of administrators to see them."""

import django.db.models.deletion
import uuid
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    rights = Permission.objects.filter(
        content_type__app_label="connections", codename="view_auditevent"
    )
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(*rights)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('connections', '0036_answers_for_teams'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True)),
                ('made_at', models.DateTimeField()),
                ('body', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('public_key', models.CharField(max_length=64)),
                ('signature', models.CharField(max_length=128)),
                ('pruned_at', models.DateTimeField(null=True)),
                ('pruning', models.TextField(blank=True)),
                ('pruning_signature', models.CharField(blank=True, max_length=128)),
            ],
            options={
                'ordering': ['day'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('instance', models.CharField(max_length=64)),
                ('length', models.PositiveIntegerField(default=0)),
                ('follows', models.CharField(blank=True, max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('key', models.CharField(blank=True, max_length=12)),
                ('seal', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['day', 'instance'], name='audit_chain_of_day')],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chain', models.UUIDField(editable=False)),
                ('number', models.PositiveIntegerField(editable=False)),
                ('at', models.DateTimeField(editable=False)),
                ('instance', models.CharField(blank=True, max_length=64)),
                ('surface', models.CharField(max_length=12)),
                ('actor_kind', models.CharField(max_length=16)),
                ('actor_id', models.CharField(blank=True, max_length=64)),
                ('actor_name', models.CharField(blank=True, max_length=200)),
                ('token_kind', models.CharField(blank=True, max_length=20)),
                ('token_id', models.CharField(blank=True, max_length=64)),
                ('token_name', models.CharField(blank=True, max_length=200)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('request_id', models.CharField(blank=True, max_length=128)),
                ('action', models.CharField(max_length=64)),
                ('object_kind', models.CharField(blank=True, max_length=40)),
                ('object_id', models.CharField(blank=True, max_length=64)),
                ('object_name', models.CharField(blank=True, max_length=255)),
                ('team_id', models.CharField(blank=True, max_length=36)),
                ('team_name', models.CharField(blank=True, max_length=255)),
                ('outcome', models.CharField(choices=[('done', 'done'), ('refused', 'refused'), ('failed', 'failed')], max_length=8)),
                ('code', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField(blank=True)),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['at', 'id'], name='audit_at'), models.Index(fields=['actor_id', 'at', 'id'], name='audit_actor'), models.Index(fields=['token_id', 'at', 'id'], name='audit_token'), models.Index(fields=['action', 'at', 'id'], name='audit_action'), models.Index(fields=['object_id', 'object_kind', 'at', 'id'], name='audit_object'), models.Index(fields=['outcome', 'at', 'id'], name='audit_outcome'), models.Index(fields=['address', 'at', 'id'], name='audit_address'), models.Index(fields=['team_id', 'at', 'id'], name='audit_team'), models.Index(fields=['request_id'], name='audit_request')],
                'constraints': [models.UniqueConstraint(fields=('chain', 'number'), name='audit_place_in_chain')],
            },
        ),
        migrations.CreateModel(
            name='AuditMention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('object_id', models.CharField(max_length=64)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='connections.auditevent')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['object_id', 'kind', 'event'], name='audit_mention')],
            },
        ),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
