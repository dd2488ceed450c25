from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0044_audit_stream'),
    ]

    operations = [
        migrations.AlterField(
            model_name='task',
            name='kind',
            field=models.CharField(choices=[('test', 'Test'), ('import', 'Import'), ('export', 'Export')], max_length=10),
        ),
    ]
