"""Names get the keys by which they are sorted, with numbers as numbers.

In parts, each for itself, so that nobody waits for the whole. Where the version before changes a
name meanwhile, it no longer equals `sorted_name`, and the row sorts as it did before.
"""

from django.db import migrations, transaction
from django.db.models import F

from connections.texts import sort_key

PART = 500


def fill(apps, _schema_editor):
    for model in ("Connection", "Profile"):
        rows = apps.get_model("connections", model).objects.order_by()
        without = rows.exclude(sorted_name=F("name")).values_list("pk", "name")
        while part := list(without[:PART]):
            with transaction.atomic():
                for pk, name in part:
                    rows.filter(pk=pk, name=name).update(sort_key=sort_key(name), sorted_name=name)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connections", "0022_sort_keys")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
