"""Teams, what belongs to them and what they share, and the right of administrators to them."""

import django.core.validators
import django.db.models.deletion
import uuid
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    right = Permission.objects.get(
        content_type__app_label="connections", codename="manage_teams"
    )
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(right)


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0028_why_tokens_end'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='apitoken',
            name='tags',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('viewer', 'Viewer'), ('operator', 'Operator'), ('administrator', 'Administrator')], max_length=20)),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user__username'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True, validators=[django.core.validators.ProhibitNullCharactersValidator()])),
                ('date_created', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('manage_teams', 'Can manage teams, and see what any team has')],
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='membership',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='connections.team'),
        ),
        migrations.CreateModel(
            name='ConnectionShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('see', 'See'), ('use', 'See and use')], max_length=10)),
                ('connection', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='connections.connection')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='connections.team')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='apitoken',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='api_tokens', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='connection',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='connectiontype',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='connection_types', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='historicalconnection',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='historicalprofile',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='profile',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='profiles', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='revealtoken',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reveal_tokens', to='connections.team', verbose_name='team'),
        ),
        migrations.AddField(
            model_name='serviceaccount',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='service_accounts', to='connections.team', verbose_name='team'),
        ),
        migrations.CreateModel(
            name='ProfileShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('see', 'See'), ('use', 'See and use')], max_length=10)),
                ('profile', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='connections.profile')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='connections.team')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('profile', 'team'), name='a_profile_shared_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('team', 'user'), name='one_role_in_a_team'),
        ),
        migrations.AddConstraint(
            model_name='connectionshare',
            constraint=models.UniqueConstraint(fields=('connection', 'team'), name='a_connection_shared_once'),
        ),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
