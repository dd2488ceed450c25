"""Names get the keys by which they are sorted and searched.

In parts, each for itself, so that nobody waits for the whole. Where the version before changes a
name meanwhile, it no longer equals `keyed_name`, and the row sorts by the name itself.
"""

from django.db import migrations, transaction
from django.db.models import F

from connections.texts import name_key

PART = 500


def fill(apps, _schema_editor):
    for model in ("Connection", "Profile"):
        rows = apps.get_model("connections", model).objects.order_by()
        without = rows.exclude(keyed_name=F("name")).values_list("pk", "name")
        while part := list(without[:PART]):
            with transaction.atomic():
                for pk, name in part:
                    rows.filter(pk=pk, name=name).update(name_key=name_key(name), keyed_name=name)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connections", "0003_name_keys")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
