"""A test counts as before for rows that are there: for the version that it was made of."""

from django.db import migrations
from django.db.models import F


def take_versions(apps, schema_editor):
    """Takes the version of each connection as the one in which its settings changed last."""
    apps.get_model("connections", "Connection").objects.update(settings_version=F("version"))


class Migration(migrations.Migration):
    dependencies = [("connections", "0010_health_from_traffic")]

    operations = [migrations.RunPython(take_versions, migrations.RunPython.noop)]
