"""Every table of connections, the three groups, and the one row of the change stamp.

It stands for the ten migrations of the time before the first release: a database that has those
has nothing to do.
"""

import connections.credentials
import django.core.validators
import django.db.models.deletion
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions

VIEWERS = [
    "connections.view_connection",
    "connections.view_profile",
    "connections.view_connectioncheck",
    "connections.view_defaultprofile",
]
OPERATORS = [
    *VIEWERS,
    "connections.add_connection",
    "connections.change_connection",
    "connections.test_connection",
    "connections.toggle_connection",
    "connections.add_profile",
    "connections.change_profile",
    "connections.toggle_profile",
    "connections.use_profile",
]
ADMINISTRATORS = [
    *OPERATORS,
    "connections.delete_connection",
    "connections.delete_profile",
    "connections.change_defaultprofile",
    "connections.export_secrets",
    *(f"connections.{verb}_apitoken" for verb in ("view", "add", "delete")),
    *(f"connections.{verb}_revealtoken" for verb in ("view", "add", "delete")),
    *(f"connections.{verb}_connectiontype" for verb in ("view", "add", "delete")),
    "connections.view_revealrecord",
    *(
        f"auth.{verb}_{thing}"
        for thing in ("user", "group")
        for verb in ("view", "add", "change", "delete")
    ),
]
GROUPS = {"Viewers": VIEWERS, "Operators": OPERATORS, "Administrators": ADMINISTRATORS}


def make_groups(apps, schema_editor):
    """Viewers see, operators work, administrators also delete and manage people.

    Permissions are otherwise made after all migrations, too late for this one.
    """
    for label in ("auth", "connections"):
        create_permissions(installed.get_app_config(label), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        for permission in wanted:
            label, codename = permission.split(".")
            group.permissions.add(
                Permission.objects.get(content_type__app_label=label, codename=codename)
            )
    apps.get_model("connections", "ChangeStamp").objects.get_or_create(pk=1)


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("connections", "0001_initial"),
        ("connections", "0002_groups"),
        ("connections", "0003_tokens_and_defaults"),
        ("connections", "0004_groups_of_tokens"),
        ("connections", "0005_profiles_that_answer"),
        ("connections", "0006_groups_of_users"),
        ("connections", "0007_reveal_tokens"),
        ("connections", "0008_groups_of_reveals"),
        ("connections", "0009_types_tokens_packages"),
        ("connections", "0010_groups_of_types"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('alias', models.CharField(help_text='What code asks for. Cannot be changed later. Left empty, it is made from the name.', max_length=100, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*\\Z', 'Use lower case letters, digits and single hyphens between them, for example openai-production.')])),
                ('name', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('tags', models.JSONField(blank=True, default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('date_modified', models.DateTimeField(auto_now=True)),
                ('provider_id', models.CharField(db_index=True, max_length=100, verbose_name='provider')),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('credentials', connections.credentials.CredentialsField(blank=True, null=True)),
                ('credentials_key', models.CharField(blank=True, editable=False, max_length=12, null=True)),
                ('type_version', models.PositiveIntegerField(default=1, editable=False)),
                ('lacking', models.JSONField(blank=True, default=list, editable=False)),
                ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('modified_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'alias'],
                'permissions': [('test_connection', 'Can test connection'), ('toggle_connection', 'Can switch connection on and off'), ('export_secrets', 'Can export connections with their secrets')],
            },
        ),
        migrations.CreateModel(
            name='ChangeStamp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Fallback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='access_token', serialize=False, to='connections.connection')),
                ('key', models.CharField(max_length=64)),
                ('credentials', connections.credentials.CredentialsField(blank=True, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ConnectionCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('connection_version', models.PositiveIntegerField()),
                ('checked_at', models.DateTimeField(auto_now_add=True)),
                ('success', models.BooleanField()),
                ('code', models.CharField(default='ok', max_length=50)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('asked', models.CharField(blank=True, max_length=500)),
                ('latency_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('model_count', models.PositiveIntegerField(blank=True, null=True)),
                ('checked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='connections.connection')),
            ],
            options={
                'ordering': ['-checked_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='connection',
            name='last_check',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='connections.connectioncheck'),
        ),
        migrations.CreateModel(
            name='ConnectionType',
            fields=[
                ('key', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('document', models.TextField()),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('date_installed', models.DateTimeField(auto_now=True)),
                ('installed_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalConnection',
            fields=[
                ('id', models.UUIDField(db_index=True, default=uuid.uuid4, editable=False)),
                ('alias', models.CharField(db_index=True, help_text='What code asks for. Cannot be changed later. Left empty, it is made from the name.', max_length=100, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*\\Z', 'Use lower case letters, digits and single hyphens between them, for example openai-production.')])),
                ('name', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('tags', models.JSONField(blank=True, default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('date_created', models.DateTimeField(blank=True, editable=False)),
                ('date_modified', models.DateTimeField(blank=True, editable=False)),
                ('provider_id', models.CharField(db_index=True, max_length=100, verbose_name='provider')),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('credentials', connections.credentials.CredentialsField(blank=True, null=True)),
                ('credentials_key', models.CharField(blank=True, editable=False, max_length=12, null=True)),
                ('type_version', models.PositiveIntegerField(default=1, editable=False)),
                ('lacking', models.JSONField(blank=True, default=list, editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('modified_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical connection',
                'verbose_name_plural': 'historical connections',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalProfile',
            fields=[
                ('id', models.UUIDField(db_index=True, default=uuid.uuid4, editable=False)),
                ('alias', models.CharField(db_index=True, help_text='What code asks for. Cannot be changed later. Left empty, it is made from the name.', max_length=100, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*\\Z', 'Use lower case letters, digits and single hyphens between them, for example openai-production.')])),
                ('name', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('tags', models.JSONField(blank=True, default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('date_created', models.DateTimeField(blank=True, editable=False)),
                ('date_modified', models.DateTimeField(blank=True, editable=False)),
                ('capability', models.CharField(choices=[('Chat', 'Chat'), ('Embedding', 'Embedding')], max_length=50)),
                ('model', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('connection', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connections.connection')),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('modified_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical profile',
                'verbose_name_plural': 'historical profiles',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='PackageUpload',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('file_name', models.CharField(blank=True, max_length=255)),
                ('content', models.BinaryField()),
                ('date_created', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('alias', models.CharField(help_text='What code asks for. Cannot be changed later. Left empty, it is made from the name.', max_length=100, unique=True, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*\\Z', 'Use lower case letters, digits and single hyphens between them, for example openai-production.')])),
                ('name', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('tags', models.JSONField(blank=True, default=list)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('date_modified', models.DateTimeField(auto_now=True)),
                ('capability', models.CharField(choices=[('Chat', 'Chat'), ('Embedding', 'Embedding')], max_length=50)),
                ('model', models.CharField(max_length=255, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='profiles', to='connections.connection')),
                ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('fallbacks', models.ManyToManyField(related_name='fallback_for', through='connections.Fallback', to='connections.profile')),
                ('modified_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'alias'],
                'permissions': [('toggle_profile', 'Can switch profile on and off'), ('use_profile', 'Can use profile')],
            },
        ),
        migrations.AddField(
            model_name='fallback',
            name='fallback',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='connections.profile'),
        ),
        migrations.AddField(
            model_name='fallback',
            name='profile',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fallback_steps', to='connections.profile'),
        ),
        migrations.CreateModel(
            name='DefaultProfile',
            fields=[
                ('capability', models.CharField(choices=[('Chat', 'Chat'), ('Embedding', 'Embedding')], max_length=50, primary_key=True, serialize=False)),
                ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='default_for', to='connections.profile')),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('prefix', models.CharField(editable=False, max_length=20, unique=True)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('scopes', models.JSONField(default=list)),
                ('is_limited', models.BooleanField(default=False, editable=False)),
                ('requests_per_minute', models.PositiveIntegerField(blank=True, help_text='Through the gateway. Empty: no limit.', null=True)),
                ('tokens_per_day', models.PositiveIntegerField(blank=True, help_text='In and out, through the gateway. Empty: no limit.', null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
                ('profiles', models.ManyToManyField(blank=True, help_text='Empty: every profile.', related_name='+', to='connections.profile')),
            ],
            options={
                'ordering': ['-date_created'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RevealToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('date_created', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('prefix', models.CharField(editable=False, max_length=20)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('networks', models.JSONField(blank=True, default=list)),
                ('expires_at', models.DateTimeField()),
                ('connections', models.ManyToManyField(related_name='+', to='connections.connection')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-date_created'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RevealRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('read_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('token_name', models.CharField(blank=True, max_length=100)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('asked', models.CharField(blank=True, max_length=255)),
                ('connections', models.JSONField(blank=True, default=list)),
                ('outcome', models.CharField(max_length=50)),
                ('token', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='connections.revealtoken')),
            ],
            options={
                'ordering': ['-read_at', '-id'],
            },
        ),
        migrations.AddIndex(
            model_name='connectioncheck',
            index=models.Index(fields=['connection', '-checked_at'], name='connections_connect_ff229b_idx'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['name', 'alias'], name='connections_name_34f7b8_idx'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['-date_modified'], name='connections_date_mo_916d8b_idx'),
        ),
        migrations.AddIndex(
            model_name='profile',
            index=models.Index(fields=['name', 'alias'], name='connections_name_4feadf_idx'),
        ),
        migrations.AddConstraint(
            model_name='fallback',
            constraint=models.UniqueConstraint(fields=('profile', 'fallback'), name='a_fallback_is_named_once'),
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
