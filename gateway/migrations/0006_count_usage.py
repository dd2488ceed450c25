"""Counts the records that are there into the totals, some thousand in a transaction.

It may be stopped at any time: run again, it goes on from there. The version before may go on
writing records meanwhile; what it writes later is counted by the recorders of this one.
"""

from django.db import migrations


def count_what_is_there(apps, _schema_editor):
    """Calls the code of now, which names each column that it reads, and only where there is
    something to count: an empty database needs no tables but those of its own migration.
    """
    if apps.get_model("gateway", "UsageRecord").objects.exists():
        from gateway.usage.counting import count_all

        count_all()


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('gateway', '0005_usage_totals'),
    ]

    operations = [
        migrations.RunPython(count_what_is_there, migrations.RunPython.noop),
    ]
