from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0003_cooldown_of_a_model'),
    ]

    operations = [
        migrations.AddField(
            model_name='tokencount',
            name='reserved',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='tokencount',
            name='reserved_at',
            field=models.BigIntegerField(db_default=0),
        ),
    ]
