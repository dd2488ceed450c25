"""Trusted issuers and their rules, and the right of administrators to them."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    rights = Permission.objects.filter(
        content_type__app_label="connections",
        codename__in=[f"{verb}_trustedissuer" for verb in ("view", "add", "change", "delete")],
    )
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(*rights)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('connections', '0029_teams'),
    ]

    operations = [
        migrations.CreateModel(
            name='TrustedIssuer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True)),
                ('issuer', models.CharField(max_length=500, unique=True)),
                ('audiences', models.JSONField(default=list)),
                ('algorithms', models.JSONField(default=list)),
                ('jwks_url', models.CharField(blank=True, max_length=500)),
                ('longest_age', models.PositiveIntegerField(default=1440)),
                ('is_active', models.BooleanField(default=True)),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('keys', models.JSONField(default=list, editable=False)),
                ('keys_fetched_at', models.DateTimeField(editable=False, null=True)),
                ('keys_tried_at', models.DateTimeField(editable=False, null=True)),
                ('keys_failed_at', models.DateTimeField(editable=False, null=True)),
                ('keys_error', models.CharField(blank=True, editable=False, max_length=500)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='IssuerRule',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('position', models.PositiveIntegerField(default=1)),
                ('conditions', models.JSONField(default=dict)),
                ('scopes', models.JSONField(default=list)),
                ('is_limited', models.BooleanField(default=False, editable=False)),
                ('requests_per_minute', models.PositiveIntegerField(blank=True, null=True)),
                ('tokens_per_day', models.PositiveIntegerField(blank=True, null=True)),
                ('is_active', models.BooleanField(default=True)),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('account', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='issuer_rules', to='connections.serviceaccount')),
                ('profiles', models.ManyToManyField(blank=True, db_constraint=False, related_name='+', to='connections.profile')),
                ('issuer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='connections.trustedissuer')),
            ],
            options={
                'ordering': ['position', 'name'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('issuer', 'name'), name='one_rule_of_a_name')],
            },
        ),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
