"""A row for each attempt of a request, tokens in full, and who asked apart from who answered.

It only adds, so the version before goes on writing its records: the new columns have defaults.
"""

from django.db import migrations, models
from django.db.models import F


def tell_who_answered(apps, _schema_editor):
    """Until now `profile` was the one that answered; who was asked is not known any more where the
    two differ.
    """
    apps.get_model("gateway", "UsageRecord").objects.filter(outcome="ok").update(
        answered_profile_id=F("profile_id"), answered_profile_alias=F("profile_alias")
    )


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0001_squashed'),
    ]

    operations = [
        migrations.AddField(
            model_name='usagerecord',
            name='answered_profile_alias',
            field=models.CharField(blank=True, db_default='', max_length=100),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='answered_profile_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='cache_write_tokens',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='cached_tokens',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='is_estimated',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='key',
            field=models.UUIDField(db_index=True, null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='reasoning_tokens',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='request_id',
            field=models.CharField(blank=True, db_default='', db_index=True, max_length=128),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='input_tokens',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='output_tokens',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.RunPython(tell_who_answered, migrations.RunPython.noop),
        migrations.CreateModel(
            name='UsageAttempt',
            fields=[
                (
                    'id',
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name='ID'
                    ),
                ),
                ('record_key', models.UUIDField(db_index=True)),
                ('position', models.PositiveSmallIntegerField()),
                ('started_at', models.DateTimeField(db_index=True)),
                ('profile_id', models.UUIDField()),
                ('profile_alias', models.CharField(max_length=100)),
                ('connection_id', models.UUIDField()),
                ('connection_alias', models.CharField(max_length=100)),
                ('connection_version', models.PositiveIntegerField()),
                ('provider_id', models.CharField(max_length=100)),
                ('model', models.CharField(max_length=255)),
                (
                    'outcome',
                    models.CharField(
                        choices=[
                            ('ok', 'Answered'),
                            ('failed', 'Failed'),
                            ('client_closed', 'Caller hung up'),
                            ('server_stopped', 'Server stopped'),
                            ('passed_over', 'Passed over'),
                        ],
                        max_length=20,
                    ),
                ),
                ('code', models.CharField(blank=True, max_length=50)),
                ('status', models.PositiveIntegerField(null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('latency_ms', models.PositiveIntegerField()),
                ('first_chunk_ms', models.PositiveIntegerField(null=True)),
                ('retries', models.PositiveSmallIntegerField(default=0)),
                ('is_cooling', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['record_key', 'position'],
                'indexes': [
                    models.Index(
                        fields=['connection_id', 'started_at'],
                        name='gateway_usa_connect_cb3118_idx',
                    ),
                ],
            },
        ),
    ]
